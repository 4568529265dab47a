"""The Xet protocol over HTTP: tokens on the hub's side, and the content-addressed storage that they lead to.

Translates HTTP to one call of `weighbridge.hub.xet` each, and holds no rules.

- ``/api/{models|datasets|spaces}/{owner}/{name}/xet-{read|write}-token/{revision}``: a token
- ``/api/xet/{realm}/…``: the storage, which a token names as ``casUrl``
"""

from fastapi import APIRouter

from weighbridge.server.xet import reconstructions, storage, tokens


def xet_router() -> APIRouter:
    """All routes of Xet."""
    router = APIRouter()
    router.include_router(tokens.router)
    for part in (storage.upload_router(), reconstructions.router):
        router.include_router(part, prefix=tokens.STORAGE_PREFIX + "/{realm}")
    return router


__all__ = ["xet_router"]
