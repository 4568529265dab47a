"""Request bodies of bounded size."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from weighbridge.errors import InvalidUploadError, LimitError

_WRITE_BYTES = 1 << 20


async def receive_file(request: Request, path: Path, limit: int) -> None:
    """Write the body to a file, a MiB at a time. Raises `LimitError` beyond `limit` bytes."""
    with path.open("wb") as file:
        waiting = bytearray()
        async for part in _parts(request, limit):
            waiting += part
            if len(waiting) >= _WRITE_BYTES:
                await run_in_threadpool(file.write, bytes(waiting))
                waiting.clear()
        await run_in_threadpool(file.write, bytes(waiting))


async def receive_bytes(request: Request, limit: int) -> bytes:
    """The body. Raises `LimitError` beyond `limit` bytes, before they are held."""
    body = bytearray()
    async for part in _parts(request, limit):
        body += part
    return bytes(body)


async def _parts(request: Request, limit: int) -> AsyncIterator[bytes]:
    announced = request.headers.get("content-length", "")
    size = 0
    _check(int(announced) if announced.isdecimal() else 0, limit)
    try:
        async for part in request.stream():
            size += len(part)
            _check(size, limit)
            yield part
    except ClientDisconnect:
        raise InvalidUploadError(f"the upload was cut off after {size:,} bytes") from None


def _check(size: int, limit: int) -> None:
    if size > limit:
        raise LimitError(f"a body of {size:,} bytes or more, expected at most {limit:,}")
