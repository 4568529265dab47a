"""The registration of a shard, told as it goes on: one JSON object a line.

    {"type": "validating", "verified": bytes, "total": bytes}     at least once a second
    {"type": "result"}                                            at the end, or
    {"type": "error", "message": text, "retryable": true|false}

The status is 200 before the outcome is known, so the last line is the answer. It is also the only way for this protocol
to show its user a message: of an HTTP error the client tells the status alone.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from weighbridge.errors import WeighbridgeError
from weighbridge.hub.xet import Progress, Scope, Xet

_BEAT_SECONDS = 1.0
_log = logging.getLogger(__name__)


async def registration_events(xet: Xet, scope: Scope, data: bytes, turns: CapacityLimiter) -> AsyncIterator[bytes]:
    """Lines for the client, from when it waits for its turn. The work goes on to its end even if nobody reads them."""
    reached = Progress(0, 0)

    def note(progress: Progress) -> None:
        nonlocal reached
        reached = progress

    work = asyncio.ensure_future(run_sync(xet.register, scope, data, note, limiter=turns))
    work.add_done_callback(_retrieve)
    while not (await asyncio.wait({work}, timeout=_BEAT_SECONDS))[0]:
        yield _line("validating", verified=reached.done, total=reached.total)
    error = work.exception()
    if error is None:
        yield _line("result")
    elif isinstance(error, WeighbridgeError):
        message = f"{error}. {error.hint}".strip()
        yield _line("error", message=message, retryable=error.http_status >= 500)
    else:
        _log.error("a shard could not be registered", exc_info=error)
        yield _line("error", message="internal error of the hub", retryable=True)


def _retrieve(work: asyncio.Future[None]) -> None:
    """An outcome that nobody waits for any more is no news."""
    if not work.cancelled():
        work.exception()


def _line(kind: str, **values: Any) -> bytes:
    return json.dumps({"type": kind, **values}).encode() + b"\n"
