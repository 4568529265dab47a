"""Answers to clients that download by chunks: which spans make a file, and the bytes of a span."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from weighbridge.hub.xet import Reconstruction
from weighbridge.server.addresses import own_url
from weighbridge.server.callers import TheHub
from weighbridge.server.xet.scopes import ReadScope
from weighbridge.wire.xet.hashing import from_text, to_text

_RANGE = re.compile(r"bytes=(\d{1,19})-(\d{1,19})?")


router = APIRouter()


@router.get("/v1/reconstructions/{digest}")
def reconstruction(request: Request, hub: TheHub, scope: ReadScope, digest: str) -> Response:
    file = hub.xet.file(scope, from_text(digest))
    start, stop = _wanted(request, file.size)
    if start >= stop and file.size:
        return _unsatisfiable(file.size)
    storage = own_url(request).rpartition("/v1/reconstructions/")[0]
    return JSONResponse(_to_json(hub.xet.reconstruct(file, start, stop), storage))


@router.get("/v1/spans/{address}")
def span(request: Request, hub: TheHub, address: str) -> Response:
    """The bytes of a span. The address is signed, so it takes no token."""
    start, stop, pieces = hub.xet.fetch(address)
    if request.headers.get("range") != f"bytes={start}-{stop - 1}":
        return _unsatisfiable(stop)
    headers = {"Content-Range": f"bytes {start}-{stop - 1}/*", "Content-Length": str(stop - start)}
    return StreamingResponse(pieces, 206, headers, "application/octet-stream")


@router.head("/v1/files/{digest}")
def file(hub: TheHub, scope: ReadScope, digest: str) -> Response:
    found = hub.xet.file(scope, from_text(digest))
    return Response(headers={"Content-Length": str(found.size)})


def _wanted(request: Request, size: int) -> tuple[int, int]:
    """The bytes asked for, the second exclusive; the whole file where no range is given that we understand."""
    match = _RANGE.fullmatch(request.headers.get("range", ""))
    if not match:
        return 0, size
    last = int(match[2]) if match[2] else size - 1
    return int(match[1]), min(last + 1, size)


def _unsatisfiable(size: int) -> Response:
    return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})


def _to_json(found: Reconstruction, storage: str) -> dict[str, Any]:
    fetch: dict[str, list[dict[str, Any]]] = {}
    terms = []
    for part in found.parts:
        xorb = to_text(part.span.xorb)
        chunks = {"start": part.span.first, "end": part.span.last}
        terms.append({"hash": xorb, "unpacked_length": part.nbytes, "range": chunks})
        fetch.setdefault(xorb, []).append(
            {
                "range": chunks,
                "url": f"{storage}/v1/spans/{part.address}",
                "url_range": {"start": part.start, "end": part.stop - 1},
            }
        )
    return {"offset_into_first_range": found.skip, "terms": terms, "fetch_info": fetch}
