"""Request bodies, each with a limit: JSON into a model, forms, and streams read from a thread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar
from urllib.parse import parse_qs

import anyio.from_thread
from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from weighbridge.errors import InvalidUploadError, LimitError, UsageError

LARGEST_JSON = 8 * 1024 * 1024
MOST_FIELDS = 20_000

Model = TypeVar("Model", bound=BaseModel)


def json_body(model: type[Model], limit: int = LARGEST_JSON) -> Any:
    """A dependency: the body as `model`. Raises `UsageError` for anything else."""

    async def read(request: Request) -> Model:
        data = await _whole(request, limit) or b"{}"
        try:
            return model.model_validate_json(data)
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()[:5])
            raise UsageError(f"the request's JSON is not as expected: {faults}", hint=_SEE) from None

    return Depends(read)


async def form_fields(request: Request) -> dict[str, list[str]]:
    """The fields of a form, each with all its values."""
    data = await _whole(request, LARGEST_JSON)
    try:
        return parse_qs(data.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise UsageError(f"the request's form is not as expected: {error}", hint=_SEE) from None


class BodyReader:
    """A request's body, piece by piece, for an endpoint that runs in a thread. Memory: one piece."""

    def __init__(self, request: Request, *, limit: int | None = None) -> None:
        self._stream = request.stream()
        self._limit = limit
        self._count = 0

    def __iter__(self) -> Iterator[bytes]:
        while (piece := anyio.from_thread.run(self._next)) is not None:
            self._count += len(piece)
            if self._limit is not None and self._count > self._limit:
                raise LimitError(f"the request's body is longer than {self._limit:,} bytes")
            if piece:
                yield piece

    async def _next(self) -> bytes | None:
        try:
            return await anext(self._stream, None)
        except ClientDisconnect:
            raise InvalidUploadError(f"the upload was cut off after {self._count:,} bytes") from None

    def lines(self, longest: int) -> Iterator[bytes]:
        """The body's lines without their ends; empty ones are left out. Memory: one line."""
        begun = _Line(longest)
        for piece in self:
            *ends, rest = piece.split(b"\n")
            for end in ends:
                line = begun.finish(end)
                if line.strip():
                    yield line
            begun.add(rest)
        line = begun.finish(b"")
        if line.strip():
            yield line


class _Line:
    """A line that has begun and whose end has not come yet."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._parts: list[bytes] = []
        self._count = 0

    def add(self, part: bytes) -> None:
        self._count += len(part)
        if self._count > self._longest:
            raise LimitError(f"a line of the request is longer than {self._longest:,} bytes")
        self._parts.append(part)

    def finish(self, end: bytes) -> bytes:
        self.add(end)
        line = b"".join(self._parts)
        self._parts, self._count = [], 0
        return line


_SEE = "This hub speaks the Hugging Face Hub's API: compare with what its client sends."


async def _whole(request: Request, limit: int) -> bytes:
    parts: list[bytes] = []
    count = 0
    try:
        async for piece in request.stream():
            count += len(piece)
            if count > limit:
                raise LimitError(f"the request's body is longer than {limit:,} bytes")
            parts.append(piece)
    except ClientDisconnect:
        raise InvalidUploadError(f"the request was cut off after {count:,} bytes") from None
    return b"".join(parts)
