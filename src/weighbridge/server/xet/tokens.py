"""Where a Xet client asks the hub for a token, with its ordinary credentials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from weighbridge.hub.model import Caller, RepoId, RepoKind
from weighbridge.hub.xet import Xet

STORAGE_PREFIX = "/api/xet"

_KINDS: dict[str, RepoKind] = {"models": "model", "datasets": "dataset", "spaces": "space"}


def token_router(xet: Xet, caller_of: Callable[[Request], Caller], base_url_of: Callable[[Request], str]) -> APIRouter:
    """`base_url_of` gives this server's address as the client sees it, without a slash at the end."""
    router = APIRouter()

    @router.get("/api/{kinds}/{owner}/{name}/xet-{access}-token/{revision:path}")
    def token(
        request: Request,
        kinds: Literal["models", "datasets", "spaces"],
        owner: str,
        name: str,
        access: Literal["read", "write"],
        revision: str,
    ) -> JSONResponse:
        repo = RepoId(_KINDS[kinds], owner, name)
        # A client that is about to open a pull request knows no revision yet, and says "None".
        known = None if revision == "None" else revision
        issued = xet.issue(caller_of(request), repo, known, write=access == "write")
        storage = f"{base_url_of(request)}{STORAGE_PREFIX}/{issued.realm}"
        return JSONResponse(
            {"accessToken": issued.token, "exp": issued.expires, "casUrl": storage},
            headers={
                "X-Xet-Cas-Url": storage,
                "X-Xet-Access-Token": issued.token,
                "X-Xet-Token-Expiration": str(issued.expires),
                "Cache-Control": "no-store",
            },
        )

    return router
