"""Where a Xet client asks the hub for a token, with its ordinary credentials."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from weighbridge.hub.model import RepoId, RepoKind
from weighbridge.server.addresses import base_url
from weighbridge.server.callers import TheCaller, TheHub

STORAGE_PREFIX = "/api/xet"

router = APIRouter()


@router.get("/api/{kind:kind}/{owner}/{name}/xet-{access}-token/{revision:names}")
def token(
    request: Request,
    hub: TheHub,
    caller: TheCaller,
    kind: RepoKind,
    owner: str,
    name: str,
    access: Literal["read", "write"],
    revision: str,
) -> JSONResponse:
    """A token for one repository, as JSON for hf_xet and as headers for huggingface_hub."""
    # A client that is about to open a pull request knows no revision yet, and says "None".
    known = None if revision == "None" else revision
    issued = hub.xet.issue(caller, RepoId(kind, owner, name), known, write=access == "write")
    storage = f"{base_url(request)}{STORAGE_PREFIX}/{issued.realm}"
    return JSONResponse(
        {"accessToken": issued.token, "exp": issued.expires, "casUrl": storage},
        headers={
            "X-Xet-Cas-Url": storage,
            "X-Xet-Access-Token": issued.token,
            "X-Xet-Token-Expiration": str(issued.expires),
            "Cache-Control": "no-store",
        },
    )
