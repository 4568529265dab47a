"""Who asks."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from fastapi import Depends, Request

from weighbridge.errors import UnauthenticatedError
from weighbridge.hub import ANONYMOUS, Caller, Hub

# Clients tell a bad token by this text.
BAD_TOKEN = "Invalid credentials in Authorization header"  # noqa: S105


def hub_of(request: Request) -> Hub:
    hub: Hub = request.app.state.hub
    return hub


def caller_of(request: Request) -> Caller:
    """Who asks, by the header Authorization; anonymous without one. Raises `UnauthenticatedError` for a bad token."""
    header = request.headers.get("authorization", "")
    if not header:
        return ANONYMOUS
    try:
        return hub_of(request).people.authenticate(_token(header))
    except UnauthenticatedError as error:
        raise UnauthenticatedError(BAD_TOKEN) from error


def _token(header: str) -> str:
    """The token: ``Bearer …`` as Hugging Face's clients send it, or the password of ``Basic …`` as git-lfs does."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (ValueError, binascii.Error):
            return ""
    return value.strip() if scheme.lower() == "bearer" else ""


TheHub = Annotated[Hub, Depends(hub_of)]
TheCaller = Annotated[Caller, Depends(caller_of)]
