"""Names inside addresses.

Clients quote a branch such as ``pr/1`` as one segment, ``pr%2F1``. Servers decode an address before they route it,
which makes two segments of it. So, before that happens, `EncodedSlashes` turns an encoded slash into a NUL, which no
name may hold, and the convertors below turn it back: ``{revision:name}`` in a route matches one segment as it was
sent, ``{path:names}`` any number of them, ``{kind:kind}`` and ``{prefix:prefix}`` a kind of repository.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, unquote_to_bytes

from fastapi import Depends, Request
from starlette.convertors import Convertor, register_url_convertor
from starlette.types import ASGIApp, Receive, Scope, Send

from weighbridge.hub.model import RepoId, RepoKind

_SLASH = "\0"
KINDS: dict[str, RepoKind] = {"models": "model", "datasets": "dataset", "spaces": "space"}


class _Name(Convertor[str]):
    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return value.replace(_SLASH, "/")

    def to_string(self, value: str) -> str:
        return quote(value, safe="")


class _Names(_Name):
    # DOTALL is not ours to set: "." would not match a line break, and the name would be cut there.
    regex = r"[\s\S]*"

    def to_string(self, value: str) -> str:
        return quote(value)


class _Kind(Convertor[RepoKind]):
    """``models``, ``datasets`` or ``spaces``, as in ``/api/models/…``."""

    regex = "models|datasets|spaces"

    def convert(self, value: str) -> RepoKind:
        return KINDS[value]

    def to_string(self, value: RepoKind) -> str:
        return f"{value}s"


class _Prefix(_Kind):
    """``datasets`` or ``spaces``: models have no prefix outside ``/api``."""

    regex = "datasets|spaces"


register_url_convertor("name", _Name())
register_url_convertor("names", _Names())
register_url_convertor("kind", _Kind())
register_url_convertor("prefix", _Prefix())


class EncodedSlashes:
    """Keeps an encoded slash inside its segment while the address is routed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw: bytes = scope.get("raw_path") or b"" if scope["type"] == "http" else b""
        if b"%2f" in raw or b"%2F" in raw:
            segments = [unquote_to_bytes(segment).replace(b"/", b"\0") for segment in raw.split(b"?")[0].split(b"/")]
            scope = {**scope, "path": b"/".join(segments).decode("utf-8", "replace")}
        await self._app(scope, receive, send)


# What calls on a repository begin with.
API = "/api/{kind:kind}/{owner:name}/{name:name}"


def named_repo(request: Request) -> RepoId:
    """The repository that an address names; outside ``/api``, a model has no prefix."""
    given = request.path_params
    kind: RepoKind = given.get("kind", "model")
    return RepoId(kind, given.get("owner", ""), given["name"])


TheRepo = Annotated[RepoId, Depends(named_repo)]


def base_url(request: Request) -> str:
    """This server's address as the client sees it, without a slash at the end."""
    return f"{request.url.scheme}://{request.url.netloc}"


def own_url(request: Request) -> str:
    """The address of this request without its query, quoted as the client sent it."""
    raw = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
    return base_url(request) + raw.split(b"?")[0].decode("ascii", "replace")


def repo_url(request: Request, repo: RepoId) -> str:
    """Where people and clients find a repository."""
    return f"{base_url(request)}/{web_prefix(repo.kind)}{repo}"


def web_prefix(kind: RepoKind) -> str:
    return "" if kind == "model" else f"{kind}s/"
