"""Xorbs and shards in.

The realm in the path is for the client's memory only (see `Xet.issue`); what a request may do is in its token.
"""

from __future__ import annotations

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from weighbridge.server.callers import TheHub
from weighbridge.server.xet.body import receive_bytes, receive_file
from weighbridge.server.xet.events import registration_events
from weighbridge.server.xet.scopes import ReadScope, WriteScope
from weighbridge.wire.xet.hashing import from_text
from weighbridge.wire.xet.shard import MAX_SHARD_BYTES
from weighbridge.wire.xet.xorb import MAX_FOOTER_BYTES, MAX_XORB_BYTES

# Both take seconds for large uploads. Those that wait hold no thread, so that other requests find one.
CHECKS_AT_ONCE = 4
REGISTRATIONS_AT_ONCE = 2


def upload_router() -> APIRouter:
    router = APIRouter()
    checks, registrations = CapacityLimiter(CHECKS_AT_ONCE), CapacityLimiter(REGISTRATIONS_AT_ONCE)

    @router.post("/v1/xorbs/default/{digest}")
    async def send_xorb(request: Request, hub: TheHub, scope: WriteScope, digest: str) -> JSONResponse:
        xorb = from_text(digest)
        with hub.xet.scratch() as path:
            await receive_file(request, path, MAX_XORB_BYTES + MAX_FOOTER_BYTES)
            inserted = await run_sync(hub.xet.receive, scope, xorb, path, limiter=checks)
        return JSONResponse({"was_inserted": inserted})

    @router.head("/v1/xorbs/default/{digest}")
    def has_xorb(hub: TheHub, scope: ReadScope, digest: str) -> Response:
        return Response(status_code=200 if hub.xet.has_sent(scope, from_text(digest)) else 404)

    @router.post("/v1/shards")
    async def send_shard(request: Request, hub: TheHub, scope: WriteScope) -> JSONResponse:
        data = await receive_bytes(request, MAX_SHARD_BYTES)
        await run_sync(hub.xet.register, scope, data, limiter=registrations)
        return JSONResponse({"result": 1})

    @router.post("/v2/shards")
    async def send_shard_and_watch(request: Request, hub: TheHub, scope: WriteScope) -> StreamingResponse:
        data = await receive_bytes(request, MAX_SHARD_BYTES)
        events = registration_events(hub.xet, scope, data, registrations)
        return StreamingResponse(events, media_type="application/x-ndjson")

    return router
