"""What a request to the storage may do: the scope in its Xet token."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from weighbridge.errors import UnauthenticatedError
from weighbridge.hub.xet import Scope
from weighbridge.server.callers import TheHub


def _reading(request: Request, hub: TheHub) -> Scope:
    return hub.xet.scope(_token(request))


def _writing(request: Request, hub: TheHub) -> Scope:
    return hub.xet.scope(_token(request), write=True)


def _token(request: Request) -> str:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise UnauthenticatedError("no Xet token: send 'Authorization: Bearer …'", hint="Ask the hub for one.")
    return token


ReadScope = Annotated[Scope, Depends(_reading)]
WriteScope = Annotated[Scope, Depends(_writing)]
