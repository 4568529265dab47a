"""Who is looking: the session of a browser.

Signing in puts the token itself into a cookie that no script can read and no other site can send along with a form;
each request asks the hub again what that token may do, so that a revoked one is worth nothing at once. Signing in and
out are POST requests, and only pages of this hub may make them.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs, urlsplit

from fastapi import Request
from fastapi.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from weighbridge.errors import UnauthenticatedError
from weighbridge.hub import Hub
from weighbridge.hub.model import ANONYMOUS, Caller

COOKIE: Final = "weighbridge"
_DAYS_30: Final = 30 * 24 * 3600
_FORM_LIMIT: Final = 4096


def caller(hub: Hub, request: Request) -> Caller:
    """Who asks, by the session's token; anonymous without one, or with one that is no longer valid."""
    token = request.cookies.get(COOKIE, "")
    if not token:
        return ANONYMOUS
    try:
        return hub.people.authenticate(token)
    except UnauthenticatedError:
        return ANONYMOUS


def begin(response: Response, token: str, *, secure: bool) -> None:
    """Keep `token` in the browser for 30 days; `secure` where the page came over https."""
    response.set_cookie(COOKIE, token, max_age=_DAYS_30, path="/", secure=secure, httponly=True, samesite="lax")


def end(response: Response) -> None:
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")


def comes_from_here(request: Request) -> bool:
    """Whether a form was sent by a page of this hub. A browser that does not say is not believed."""
    origin = request.headers.get("origin", "")
    if origin and origin != "null":
        return urlsplit(origin).netloc == request.headers.get("host", "")
    return request.headers.get("sec-fetch-site") == "same-origin"


async def form(request: Request) -> dict[str, str]:
    """The fields of a small form, the last one where a name is repeated; empty where it is larger than 4 KiB."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _FORM_LIMIT:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=20)
    return {name: values[-1] for name, values in fields.items()}


class SessionDownloads:
    """Lets a browser that signed in fetch files: the session's token stands in for the header that clients send.

    Only for GET and HEAD of files: everything that changes something wants the header itself, which no other site can
    make a browser send.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and "/resolve/" in scope["path"]:
            scope = _with_token(scope)
        await self._app(scope, receive, send)


def _with_token(scope: Scope) -> Scope:
    token = Request(scope).cookies.get(COOKIE, "")
    headers = list(scope["headers"])
    if not token or any(name == b"authorization" for name, _ in headers):
        return scope
    return {**scope, "headers": [*headers, (b"authorization", b"Bearer " + token.encode("latin-1", "ignore"))]}
