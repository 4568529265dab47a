"""The storage that Xet clients speak to: xorbs and shards in, reconstructions out.

The realm in the path is for the client's memory only (see `Xet.issue`); what a request may do is in its token.
"""

from __future__ import annotations

from collections.abc import Callable

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from weighbridge.errors import UnauthenticatedError
from weighbridge.hub.xet import Scope, Xet
from weighbridge.server.xet.body import receive_bytes, receive_file
from weighbridge.server.xet.events import registration_events
from weighbridge.server.xet.reconstructions import add_reconstruction_routes
from weighbridge.server.xet.tokens import STORAGE_PREFIX
from weighbridge.wire.xet.hashing import from_text
from weighbridge.wire.xet.shard import MAX_SHARD_BYTES
from weighbridge.wire.xet.xorb import MAX_FOOTER_BYTES, MAX_XORB_BYTES

# Both take seconds for large uploads. Those that wait hold no thread, so that other requests find one.
CHECKS_AT_ONCE = 4
REGISTRATIONS_AT_ONCE = 2


def storage_router(xet: Xet, base_url_of: Callable[[Request], str]) -> APIRouter:
    """Calls that are not here answer 404, and the client goes on without: grants, global deduplication, v2."""
    router = APIRouter(prefix=STORAGE_PREFIX + "/{realm}")
    checks, registrations = CapacityLimiter(CHECKS_AT_ONCE), CapacityLimiter(REGISTRATIONS_AT_ONCE)

    def scope_of(request: Request, *, write: bool = False) -> Scope:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise UnauthenticatedError("no Xet token: send 'Authorization: Bearer …'", hint="Ask the hub for one.")
        return xet.scope(token, write=write)

    def url_of(request: Request) -> str:
        return f"{base_url_of(request)}{STORAGE_PREFIX}/{request.path_params['realm']}"

    @router.post("/v1/xorbs/default/{digest}")
    async def send_xorb(request: Request, digest: str) -> JSONResponse:
        scope, xorb = scope_of(request, write=True), from_text(digest)
        with xet.scratch() as path:
            await receive_file(request, path, MAX_XORB_BYTES + MAX_FOOTER_BYTES)
            inserted = await run_sync(xet.receive, scope, xorb, path, limiter=checks)
        return JSONResponse({"was_inserted": inserted})

    @router.head("/v1/xorbs/default/{digest}")
    def has_xorb(request: Request, digest: str) -> Response:
        return Response(status_code=200 if xet.has_sent(scope_of(request), from_text(digest)) else 404)

    @router.post("/v1/shards")
    async def send_shard(request: Request) -> JSONResponse:
        scope = scope_of(request, write=True)
        data = await receive_bytes(request, MAX_SHARD_BYTES)
        await run_sync(xet.register, scope, data, limiter=registrations)
        return JSONResponse({"result": 1})

    @router.post("/v2/shards")
    async def send_shard_and_watch(request: Request) -> StreamingResponse:
        scope = scope_of(request, write=True)
        data = await receive_bytes(request, MAX_SHARD_BYTES)
        events = registration_events(xet, scope, data, registrations)
        return StreamingResponse(events, media_type="application/x-ndjson")

    add_reconstruction_routes(router, xet, scope_of, url_of)
    return router
