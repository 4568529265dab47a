"""Errors as clients understand them: a status, JSON, and the headers by which they choose their own exception."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from weighbridge.errors import (
    EntryNotFoundError,
    RepoNotFoundError,
    RevisionNotFoundError,
    UnauthenticatedError,
    UnexaminedError,
    UsageError,
    WeighbridgeError,
)

log = logging.getLogger("weighbridge.server")

REQUEST_ID = "X-Request-Id"
_LONGEST_HEADER = 500
# Hugging Face's names, by which its client picks an exception.
_THEIR_CODES: Mapping[type[WeighbridgeError], str] = {
    RepoNotFoundError: "RepoNotFound",
    RevisionNotFoundError: "RevisionNotFound",
    EntryNotFoundError: "EntryNotFound",
}


def failure(
    error: WeighbridgeError, headers: Mapping[str, str] | None = None, body: Mapping[str, str] | None = None
) -> JSONResponse:
    """The answer that tells `error`, with more headers and more in its body if wanted."""
    told = {
        "X-Error-Code": _THEIR_CODES.get(type(error), error.code),
        "X-Error-Message": _one_line(str(error)),
        **(headers or {}),
    }
    if isinstance(error, UnauthenticatedError):
        told["WWW-Authenticate"] = "Bearer"
    if isinstance(error, UnexaminedError):
        told["Retry-After"] = "2"
    hint = "" if error.hint == UsageError.default_hint else error.hint  # that one speaks of our own command line
    said = {"error": str(error), "code": error.code} | ({"hint": hint} if hint else {})
    return JSONResponse({**said, **(body or {})}, error.http_status, told)


def tell_failures(app: FastAPI) -> None:
    """Make an application answer every error in this way."""
    app.add_exception_handler(WeighbridgeError, _tell)
    app.add_exception_handler(HTTPException, _tell_http)
    app.add_exception_handler(RequestValidationError, _tell_invalid)
    app.add_exception_handler(Exception, _tell_unforeseen)


def _tell(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, WeighbridgeError)  # noqa: S101
    if error.http_status >= 500 and not isinstance(error, UnexaminedError):
        log.error("%s %s: %s [%s]", request.method, request.url.path, error, error.code)
    return failure(error)


def _tell_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    told = f"this hub has nothing at {request.method} {request.url.path}" if error.status_code == 404 else error.detail
    return JSONResponse({"error": told}, error.status_code, error.headers)


def _tell_invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()[:5])
    return JSONResponse({"error": f"the request is not valid: {faults}"}, 400)


def _tell_unforeseen(_request: Request, _error: Exception) -> JSONResponse:
    """A mistake of ours: it is logged with its traceback, and the client learns nothing but that."""
    return JSONResponse({"error": "the hub failed; its log says why", "code": "internal"}, 500)


def _one_line(text: str) -> str:
    return " ".join(text.split()).encode("ascii", "replace").decode()[:_LONGEST_HEADER]


class RequestIds:
    """Gives every answer an id, the client's own where it sent a sound one, so that both sides can name it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        sent = next((value for name, value in scope["headers"] if name == REQUEST_ID.lower().encode()), b"")
        name = sent if 0 < len(sent) <= 64 and sent.replace(b"-", b"").isalnum() else secrets.token_hex(8).encode()
        scope = {**scope, "state": {**scope.get("state", {}), "request_id": name.decode()}}  # for who writes to the log

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (REQUEST_ID.lower().encode(), name)]
                message = {**message, "headers": headers}
            await send(message)

        return await self._app(scope, receive, named)
