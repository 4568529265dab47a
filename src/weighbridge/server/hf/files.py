"""Files, whole or in part: HEAD and GET of ``…/resolve/{revision}/{path}``.

A file streams: only the blocks that a range touches are decoded, and memory holds a few of them. Whatever was uploaded,
its bytes must not act in the name of this hub's own pages: text comes as plain text, anything active is sandboxed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from weighbridge.errors import EntryNotFoundError
from weighbridge.hub import Entry, HeldFile
from weighbridge.server.addresses import TheRepo
from weighbridge.server.callers import TheCaller, TheHub
from weighbridge.server.failures import failure
from weighbridge.server.hf.ranges import UNSATISFIABLE, wanted_range

router = APIRouter()

_TEXT = "text/plain; charset=utf-8"
_AS_TEXT = ("cfg", "css", "csv", "html", "ini", "js", "md", "py", "toml", "tsv", "txt", "xml", "yaml", "yml")
_TYPES = {
    "json": "application/json", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
    "webp": "image/webp", "svg": "image/svg+xml", "pdf": "application/pdf", "wav": "audio/wav", "mp3": "audio/mpeg",
    "mp4": "video/mp4", **dict.fromkeys(_AS_TEXT, _TEXT),
}  # fmt: skip
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}
_EXPOSED = "ETag, Content-Range, Accept-Ranges, X-Repo-Commit, X-Linked-Etag, X-Linked-Size"


@router.api_route("/{owner:name}/{name:name}/resolve/{revision:name}/{path:names}", methods=["GET", "HEAD"])
@router.api_route(
    "/{kind:prefix}/{owner:name}/{name:name}/resolve/{revision:name}/{path:names}", methods=["GET", "HEAD"]
)
@router.api_route("/{name:name}/resolve/{revision:name}/{path:names}", methods=["GET", "HEAD"])
def resolve(request: Request, hub: TheHub, caller: TheCaller, repo: TheRepo, revision: str, path: str) -> Response:
    """A file at a revision. A missing file is told with the commit, so that clients can remember that it is missing."""
    commit = hub.content.resolve(caller, repo, revision)
    told = {"X-Repo-Commit": commit.oid}
    try:
        entry = hub.content.entry(caller, repo, commit.oid, path)
        file = hub.content.open_file(entry)
    except EntryNotFoundError as error:
        hub.content.tell_held(caller, repo, revision, path)
        return failure(error, told)
    if entry.lfs and _begins(request):
        hub.downloads.count(caller, repo)
    etag = entry.sha256 if entry.lfs else entry.oid
    return answer_file(request, file, etag=etag, filename=path.rpartition("/")[2], headers=told | _linked(entry))


def answer_file(
    request: Request, file: HeldFile, *, etag: str, filename: str, headers: Mapping[str, str] | None = None
) -> Response:
    """A file, or the part of it that the request asks for, or word that the client has it already."""
    told = {**_SAFE, **(headers or {}), **_described(file, etag, filename)}
    if _matches(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=told)
    span = wanted_range(request, file.size, etag)
    if span is UNSATISFIABLE:
        return Response(status_code=416, headers={**told, "Content-Range": f"bytes */{file.size}"})
    start, stop = span or (0, file.size)
    told["Content-Length"] = str(stop - start)
    status = 200
    if span:
        status, told["Content-Range"] = 206, f"bytes {start}-{stop - 1}/{file.size}"
    if request.method == "HEAD":
        return Response(status_code=status, headers=told)
    # The first piece is read before the answer begins, so that a damaged file is an error and not a broken line.
    pieces = file.iter_range(start, stop)
    first = next(pieces, b"")
    return StreamingResponse(_chained(first, pieces), status, told)


def _described(file: HeldFile, etag: str, filename: str) -> dict[str, str]:
    ending = filename.rpartition(".")[2].lower()
    return {
        "ETag": f'"{etag}"',
        "Accept-Ranges": "bytes",
        "Content-Type": _TYPES.get(ending, "application/octet-stream"),
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(filename, safe='')}",
        "Cache-Control": "no-cache",
        "Vary": "Authorization, Cookie",
        "Access-Control-Expose-Headers": _EXPOSED,
    }


def _linked(entry: Entry) -> dict[str, str]:
    """What clients read in place of ETag and Content-Length, which a proxy may change."""
    if not entry.lfs:
        return {}
    return {"X-Linked-Etag": f'"{entry.sha256}"', "X-Linked-Size": str(entry.size)}


def _matches(header: str, etag: str) -> bool:
    sent = (each.strip().removeprefix("W/").strip('"') for each in header.split(","))
    return any(each in (etag, "*") for each in sent if each)


def _begins(request: Request) -> bool:
    """Whether this is a download, and not a look at a file or the rest of a download that broke off."""
    return request.method == "GET" and "range" not in request.headers


def _chained(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from pieces
