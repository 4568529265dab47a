"""The Xet protocol over HTTP: tokens on the hub's side, and the content-addressed storage that they lead to.

Translates HTTP to one call of `weighbridge.hub.xet` each, and holds no rules.

- ``/api/{models|datasets|spaces}/{owner}/{name}/xet-{read|write}-token/{revision}``: a token
- ``/api/xet/{realm}/…``: the storage, which a token names as ``casUrl``
"""

from fastapi import APIRouter

from weighbridge.errors import EntryNotFoundError
from weighbridge.server.xet import reconstructions, storage, tokens

_METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE"]


def xet_router() -> APIRouter:
    """All routes of Xet."""
    router = APIRouter()
    router.include_router(tokens.router)
    for part in (storage.upload_router(), reconstructions.router):
        router.include_router(part, prefix=tokens.STORAGE_PREFIX + "/{realm}")
    router.add_api_route(tokens.STORAGE_PREFIX + "/{rest:path}", _unknown, methods=_METHODS)
    return router


def _unknown(rest: str) -> None:
    """Clients try calls that we do not have, and go on without when the answer is 404; a 405 ends their upload."""
    raise EntryNotFoundError(f"this storage has no call {rest[:200]!r}")


__all__ = ["xet_router"]
