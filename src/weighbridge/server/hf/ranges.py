"""Which part of a file a request asks for (RFC 9110, section 14)."""

from __future__ import annotations

import re
from typing import Final

from fastapi import Request

Span = tuple[int, int]
UNSATISFIABLE: Final[Span] = (-1, -1)

_RANGE = re.compile(r"bytes=\s*(\d{0,19})-(\d{0,19})\s*", re.IGNORECASE)


def wanted_range(request: Request, size: int, etag: str) -> Span | None:
    """The bytes asked for as (start, stop), stop exclusive; None for all of the file; `UNSATISFIABLE` past its end.

    A header that asks for several ranges, in other units, or that makes no sense is left aside, as the RFC allows: the
    whole file is a right answer to it. So is a range with an If-Range that names another version of the file.
    """
    header = request.headers.get("range", "")
    found = _RANGE.fullmatch(header)
    if request.method not in ("GET", "HEAD") or found is None or not _still_the_same(request, etag):
        return None
    first, last = found.groups()
    if not first:
        return _suffix(int(last), size) if last else None
    start, stop = int(first), int(last) + 1 if last else size
    if stop <= start and last:
        return None
    return (start, min(stop, size)) if start < size else UNSATISFIABLE


def _suffix(count: int, size: int) -> Span:
    return (max(0, size - count), size) if count and size else UNSATISFIABLE


def _still_the_same(request: Request, etag: str) -> bool:
    condition = request.headers.get("if-range")
    return condition is None or condition == f'"{etag}"'
