"""The application: every route of the hub in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from weighbridge import __version__
from weighbridge.hub import Hub
from weighbridge.server import hf, web
from weighbridge.server.addresses import EncodedSlashes
from weighbridge.server.failures import RequestIds, tell_failures
from weighbridge.server.xet import xet_router

# Requests that are worked on at once. An upload holds a thread while it lasts, and a slow one must not stop the rest.
THREADS = 120


def create_app(hub: Hub) -> FastAPI:
    """The application over a hub. While it runs it also packs uploads and examines revisions; it closes nothing."""

    @asynccontextmanager
    async def working(_app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        await run_in_threadpool(hub.start)
        yield

    app = FastAPI(title="Weighbridge", version=__version__, lifespan=working, openapi_url=None)
    app.state.hub = hub
    tell_failures(app)
    app.include_router(xet_router())
    app.include_router(hf.router())
    web.install(app, hub)
    app.add_middleware(EncodedSlashes)
    app.add_middleware(RequestIds)
    return app
