"""Repositories made, moved, hidden and deleted."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from weighbridge.errors import ConflictError, UnauthenticatedError, UsageError
from weighbridge.hub import Caller, RepoId, RepoKind
from weighbridge.server.addresses import API, TheRepo, repo_url
from weighbridge.server.bodies import json_body
from weighbridge.server.callers import TheCaller, TheHub
from weighbridge.server.failures import failure
from weighbridge.server.hf.shapes import Json

router = APIRouter()

Visibility = Literal["private", "public"]


class _Named(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    name: str
    organization: str | None = None
    type: RepoKind | None = None

    def repo(self, caller: Caller) -> RepoId:
        """The repository: the caller's own where no owner is named."""
        owner, _, name = self.name.rpartition("/")
        owner = self.organization or owner or caller.user or ""
        if not owner:
            raise UnauthenticatedError("only a signed-in user has repositories of their own")
        return RepoId(self.type or "model", owner, name)


class _Created(_Named):
    private: bool | None = None
    visibility: Visibility | None = None


class _Moved(BaseModel):
    source: str = Field(alias="fromRepo")
    target: str = Field(alias="toRepo")
    type: RepoKind | None = None


class _Settings(BaseModel):
    private: bool | None = None
    visibility: Visibility | None = None
    gated: Literal["auto", "manual", False] | None = None


@router.post("/api/repos/create")
def create(request: Request, hub: TheHub, caller: TheCaller, wanted: _Created = json_body(_Created)) -> JSONResponse:
    """A client that was told to accept an existing repository reads its address from the answer to the conflict."""
    repo = wanted.repo(caller)
    try:
        made = hub.repos.create(caller, repo, private=_is_private(wanted.private, wanted.visibility) or False)
    except ConflictError as error:
        return failure(error, body={"url": repo_url(request, repo)})
    return JSONResponse({"url": repo_url(request, made.id), "name": str(made.id), "id": str(made.id)})


@router.delete("/api/repos/delete")
def delete(hub: TheHub, caller: TheCaller, named: _Named = json_body(_Named)) -> Json:
    hub.repos.delete(caller, named.repo(caller))
    return {}


@router.post("/api/repos/move")
def move(request: Request, hub: TheHub, caller: TheCaller, wanted: _Moved = json_body(_Moved)) -> Json:
    kind = wanted.type or "model"
    moved = hub.repos.move(caller, _parse(kind, wanted.source), _parse(kind, wanted.target))
    return {"url": repo_url(request, moved.id)}


@router.put(API + "/settings")
def update(hub: TheHub, caller: TheCaller, repo: TheRepo, wanted: _Settings = json_body(_Settings)) -> Json:
    if wanted.gated:
        raise UsageError("this hub has no gated repositories", hint="Make the repository private instead.")
    private = _is_private(wanted.private, wanted.visibility)
    found = hub.repos.get(caller, repo)
    if private is None:
        private = found.private
    return {"private": hub.repos.update(caller, repo, private=private).private, "gated": False}


def _is_private(private: bool | None, visibility: Visibility | None) -> bool | None:
    return visibility == "private" if visibility is not None else private


def _parse(kind: RepoKind, text: str) -> RepoId:
    owner, slash, name = text.partition("/")
    if not slash:
        raise UsageError(f"expected owner/name, found {text[:200]!r}")
    return RepoId(kind, owner, name)
