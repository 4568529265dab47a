"""Errors as pages. What the caller may not see and what does not exist look the same."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from weighbridge.errors import AccountNotFoundError, HeldError, RepoNotFoundError, UnexaminedError, WeighbridgeError
from weighbridge.hub.model import ANONYMOUS
from weighbridge.report.text import visible
from weighbridge.server.web import links
from weighbridge.server.web.pages import MovedError, shell_for
from weighbridge.server.web.templating import page

log = logging.getLogger("weighbridge.server.web")

_NOT_FOUND = "There is no such page, or it belongs to something private that you may not see."
_SIGN_IN = "If it is private, sign in with a token that may read it."
_LOOK = "The pages of files and revisions list what there is."


@dataclass(frozen=True, slots=True)
class ErrorView:
    status: int
    title: str
    message: str
    hint: str = ""
    request: str = ""


class PageRoute(APIRoute):
    """A route whose failures are pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_all(request: Request) -> Response:
            if f"{request.url.path}/".startswith("/api/"):  # programs ask there: the application answers in JSON
                raise HTTPException(404)
            try:
                return await handle(request)
            except MovedError as moved:
                return RedirectResponse(links.repo(moved.repo), 307)
            except HTTPException as error:
                return _plain(request, error.status_code, error.detail)
            except WeighbridgeError as error:
                return _told(request, error)
            except Exception:  # noqa: BLE001 (logged with its traceback, under the name that the page shows)
                return _unexpected(request)

        return handle_all


def not_found(request: Request) -> Response:
    """The page for an address that leads nowhere."""
    return _answer(request, ErrorView(404, "Nothing here", _NOT_FOUND, _SIGN_IN))


def _plain(request: Request, status: int, detail: str) -> Response:
    if status == 404:
        return not_found(request)
    return _answer(request, ErrorView(status, "This did not work", visible(detail, 500)))


def _told(request: Request, error: WeighbridgeError) -> Response:
    if error.http_status == 404:
        message = visible(str(error), 500)
        sentence = message[:1].upper() + message[1:] + "."
        hidden = isinstance(error, RepoNotFoundError | AccountNotFoundError)
        return _answer(request, ErrorView(404, "Nothing here", sentence, error.hint or (_SIGN_IN if hidden else _LOOK)))
    if isinstance(error, UnexaminedError):
        message = "The checks are looking at it. It is shown when it passed; load this page again in a minute."
        return _answer(request, ErrorView(error.http_status, "Being examined", message))
    if isinstance(error, HeldError):
        return _answer(request, ErrorView(error.http_status, "Not given out", visible(str(error), 500), error.hint))
    if error.http_status < 500:
        return _answer(request, ErrorView(error.http_status, "This did not work", visible(str(error), 500), error.hint))
    name = _logged(request)
    title = "The hub cannot show this"
    return _answer(request, ErrorView(error.http_status, title, visible(str(error), 500), error.hint, name))


def _unexpected(request: Request) -> Response:
    name = _logged(request)
    return _answer(request, ErrorView(500, "Something went wrong here", "The hub made a mistake.", "", name))


def _logged(request: Request) -> str:
    """Log the error under way. Returns the name under which the log tells about it."""
    name = str(getattr(request.state, "request_id", "")) or secrets.token_hex(8)
    log.exception("request %s: %s %s", name, request.method, visible(request.url.path, 500))
    return name


def _answer(request: Request, view: ErrorView) -> Response:
    return page("error.html", shell_for(request, getattr(request.state, "caller", ANONYMOUS)), view, view.status)
