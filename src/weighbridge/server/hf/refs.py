"""Branches, tags and histories."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from weighbridge.hub import Ref
from weighbridge.server.addresses import API, TheRepo, own_url
from weighbridge.server.bodies import json_body
from weighbridge.server.callers import TheCaller, TheHub
from weighbridge.server.hf.shapes import Json, logged

router = APIRouter()

PAGE = 50
_GIT_FOLDERS = {"branch": "refs/heads", "tag": "refs/tags"}


class _Branch(BaseModel):
    start: str | None = Field(None, alias="startingPoint")


class _Tag(BaseModel):
    tag: str
    message: str | None = None


class _Squash(BaseModel):
    message: str | None = None


@router.get(API + "/refs")
def refs(hub: TheHub, caller: TheCaller, repo: TheRepo, include_prs: bool = False) -> Json:
    found = hub.refs.list(caller, repo)
    shape: Json = {
        "branches": [_shape(ref) for ref in found if ref.kind == "branch"],
        "tags": [_shape(ref) for ref in found if ref.kind == "tag"],
        "converts": [],
    }
    return shape | ({"pullRequests": []} if include_prs else {})


@router.post(API + "/branch/{branch:name}")
def create_branch(
    hub: TheHub, caller: TheCaller, repo: TheRepo, branch: str, wanted: _Branch = json_body(_Branch)
) -> Json:
    return _shape(hub.refs.create_branch(caller, repo, branch, wanted.start or "main"))


@router.delete(API + "/branch/{branch:name}")
def delete_branch(hub: TheHub, caller: TheCaller, repo: TheRepo, branch: str) -> Json:
    hub.refs.delete_branch(caller, repo, branch)
    return {}


@router.post(API + "/tag/{revision:name}")
def create_tag(hub: TheHub, caller: TheCaller, repo: TheRepo, revision: str, wanted: _Tag = json_body(_Tag)) -> Json:
    return _shape(hub.refs.create_tag(caller, repo, wanted.tag, revision))


@router.delete(API + "/tag/{tag:name}")
def delete_tag(hub: TheHub, caller: TheCaller, repo: TheRepo, tag: str) -> Json:
    hub.refs.delete_tag(caller, repo, tag)
    return {}


@router.get(API + "/commits/{revision:name}")
def history(
    request: Request,
    hub: TheHub,
    caller: TheCaller,
    repo: TheRepo,
    revision: str,
    limit: Annotated[int, Query(ge=1, le=1000)] = PAGE,
    p: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> JSONResponse:
    """The history, page by page: page `p` has `limit` commits, the newest first."""
    found = hub.content.history(caller, repo, revision, limit=limit + 1, skip=p * limit)
    headers = {}
    if len(found) > limit:
        kept = [(key, value) for key, value in request.query_params.multi_items() if key != "p"]
        headers["Link"] = f'<{own_url(request)}?{urlencode([*kept, ("p", p + 1)])}>; rel="next"'
    return JSONResponse([logged(commit) for commit in found[:limit]], headers=headers)


@router.post(API + "/super-squash/{branch:name}")
def squash(hub: TheHub, caller: TheCaller, repo: TheRepo, branch: str, wanted: _Squash = json_body(_Squash)) -> Json:
    return {"commitOid": hub.content.squash(caller, repo, branch, wanted.message or "").oid}


def _shape(ref: Ref) -> Json:
    return {"name": ref.name, "ref": f"{_GIT_FOLDERS[ref.kind]}/{ref.name}", "targetCommit": ref.target}
