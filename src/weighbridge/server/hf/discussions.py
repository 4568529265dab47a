"""Discussions and pull requests, which this hub does not have: lists are empty, and opening one is refused clearly."""

from __future__ import annotations

from fastapi import APIRouter

from weighbridge.errors import EntryNotFoundError, ForbiddenError
from weighbridge.server.addresses import API, TheRepo
from weighbridge.server.callers import TheCaller, TheHub
from weighbridge.server.hf.shapes import Json

router = APIRouter()


@router.get(API + "/discussions")
def discussions(hub: TheHub, caller: TheCaller, repo: TheRepo) -> Json:
    hub.repos.get(caller, repo)
    return {"discussions": [], "count": 0, "start": 0}


@router.post(API + "/discussions")
def open_discussion(hub: TheHub, caller: TheCaller, repo: TheRepo) -> Json:
    hub.repos.get(caller, repo)
    raise ForbiddenError(
        "this hub has no discussions and no pull requests", hint="Commit to a branch: leave create_pr out."
    )


@router.api_route(API + "/discussions/{number:name}", methods=["GET", "POST"])
@router.api_route(API + "/discussions/{number:name}/{verb:names}", methods=["GET", "POST"])
def discussion(hub: TheHub, caller: TheCaller, repo: TheRepo, number: str) -> Json:
    hub.repos.get(caller, repo)
    raise EntryNotFoundError(f"{repo} has no discussion {number[:40]!r}")
