"""Large files by git-lfs's batch protocol: huggingface_hub up to 1.19, and newer ones without Xet.

The batch call names, for each file that the repository does not hold, an address to put its bytes at. The client sends
them there without its token, so the address carries a ticket: whose upload it is, which content, into which
repository, until when. The hub asks again, when the bytes come, whether that user may still write there.
"""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from weighbridge.errors import EntryNotFoundError, InvalidUploadError, UnsupportedError
from weighbridge.hub import Caller, Hub, RepoId
from weighbridge.hub.naming import is_sha256
from weighbridge.hub.tickets import Claims
from weighbridge.server.addresses import KINDS, TheRepo, base_url
from weighbridge.server.bodies import BodyReader, json_body
from weighbridge.server.callers import TheCaller, TheHub
from weighbridge.server.hf.files import answer_file
from weighbridge.server.hf.shapes import Json

router = APIRouter()

MOST_OBJECTS = 1000
MEDIA_TYPE = "application/vnd.git-lfs+json"
_PUT = "lfs-put"
_BATCH = "{owner:name}/{name:name}.git/info/lfs/objects/batch"


class _Object(BaseModel):
    oid: str
    size: int = Field(ge=0)


class _Batch(BaseModel):
    operation: Literal["upload", "download"]
    objects: list[_Object] = Field(max_length=MOST_OBJECTS)
    hash_algo: str = "sha256"


@router.post("/" + _BATCH)
@router.post("/{kind:prefix}/" + _BATCH)
def batch(
    request: Request, hub: TheHub, caller: TheCaller, repo: TheRepo, wanted: _Batch = json_body(_Batch)
) -> JSONResponse:
    """For each object: nothing where the repository holds it, where to put it, or where to get it."""
    if wanted.hash_algo != "sha256":
        raise UnsupportedError(f"objects are named by sha256 here, not by {wanted.hash_algo[:40]!r}")
    if wanted.operation == "upload":
        hub.repos.ensure_write(caller, repo)
        answers = [_for_upload(request, hub, caller, repo, each) for each in wanted.objects]
    else:
        answers = [_for_download(request, hub, caller, repo, each) for each in wanted.objects]
    body = {"transfer": "basic", "objects": answers, "hash_algo": "sha256"}
    return JSONResponse(body, media_type=MEDIA_TYPE)


@router.put("/api/lfs/objects/{ticket:name}")
def put(request: Request, hub: TheHub, ticket: str) -> Json:
    """Take the bytes that a ticket is for. They count only if they are all there and have the announced sha256."""
    claims = hub.tickets.check(_PUT, ticket)
    caller = hub.people.recall(str(claims["user"]), str(claims["token"]))
    held = hub.uploads.receive(
        caller, _repo(claims), BodyReader(request), sha256=str(claims["sha256"]), size=int(claims["size"])
    )
    return {"oid": held.sha256, "size": held.size}


@router.post("/api/lfs/verify/{kind:kind}/{owner:name}/{name:name}")
def verify(hub: TheHub, caller: TheCaller, repo: TheRepo, wanted: _Object = json_body(_Object)) -> Json:
    """Whether an upload has arrived whole."""
    held = hub.uploads.held(caller, repo, wanted.oid)
    if held is None:
        raise EntryNotFoundError(f"{repo} was never given the content {wanted.oid[:80]!r}")
    if held.size != wanted.size:
        raise InvalidUploadError(f"{wanted.oid} has {held.size:,} bytes, not {wanted.size:,}")
    return {"oid": held.sha256, "size": held.size}


@router.get("/api/lfs/objects/{kind:kind}/{owner:name}/{name:name}/{sha256:name}")
def get(request: Request, hub: TheHub, caller: TheCaller, repo: TheRepo, sha256: str) -> Any:
    """The bytes, for git-lfs itself; other clients get files by their paths."""
    return answer_file(request, hub.uploads.open(caller, repo, sha256), etag=sha256, filename=sha256)


def _for_upload(request: Request, hub: Hub, caller: Caller, repo: RepoId, wanted: _Object) -> Json:
    shape: Json = {"oid": wanted.oid, "size": wanted.size}
    if not is_sha256(wanted.oid):
        return shape | {"error": {"code": 422, "message": "expected a sha256 in 64 lower-case hex digits"}}
    if hub.uploads.keep(caller, repo, wanted.oid):
        return shape
    ticket = hub.tickets.issue(_PUT, _claims(caller, repo, wanted))
    base = base_url(request)
    return shape | {
        "authenticated": True,
        "actions": {
            "upload": {"href": f"{base}/api/lfs/objects/{ticket}"},
            "verify": {"href": f"{base}/api/lfs/verify/{repo.kind}s/{repo}"},
        },
    }


def _for_download(request: Request, hub: Hub, caller: Caller, repo: RepoId, wanted: _Object) -> Json:
    held = hub.uploads.held(caller, repo, wanted.oid)
    if held is None:
        return {"oid": wanted.oid, "size": wanted.size, "error": {"code": 404, "message": "no such object here"}}
    address = f"{base_url(request)}/api/lfs/objects/{repo.kind}s/{repo}/{held.sha256}"
    return {"oid": held.sha256, "size": held.size, "actions": {"download": {"href": address}}}


def _claims(caller: Caller, repo: RepoId, wanted: _Object) -> Claims:
    return {
        "user": caller.user or "",
        "token": caller.token_name,
        "kind": f"{repo.kind}s",
        "owner": repo.owner,
        "name": repo.name,
        "sha256": wanted.oid,
        "size": wanted.size,
    }


def _repo(claims: Claims) -> RepoId:
    return RepoId(KINDS[str(claims["kind"])], str(claims["owner"]), str(claims["name"]))
