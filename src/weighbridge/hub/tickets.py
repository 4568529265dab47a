"""Short-lived, signed permissions that fit into an address.

Clients send uploads to the address that the hub names, without their token. So the address itself carries who may put
what where, until when, signed with a secret that never leaves the data folder.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
import secrets
import time
from pathlib import Path

from weighbridge.errors import ForbiddenError

LIFETIME = 6 * 3600  # seconds; a large upload on a slow line must end before
LONGEST = 4096

Claims = dict[str, str | int]


class Tickets:
    def __init__(self, secret: Path) -> None:
        self._key = _secret(secret)

    def issue(self, purpose: str, claims: Claims, *, lifetime: int = LIFETIME) -> str:
        """A ticket for one purpose. Its text is safe inside an address."""
        body = _encode(json.dumps({**claims, "exp": int(time.time()) + lifetime}, sort_keys=True).encode())
        return f"{body}.{_encode(self._sign(purpose, body))}"

    def check(self, purpose: str, ticket: str) -> Claims:
        """What a ticket permits. Raises `ForbiddenError` for one that is forged, expired or for another purpose."""
        body, _, signature = ticket.partition(".")
        expected = _encode(self._sign(purpose, body)) if len(ticket) <= LONGEST else ""
        if not expected or not hmac.compare_digest(expected.encode(), signature.encode(errors="replace")):
            raise ForbiddenError("the address's ticket is not valid", hint="Ask the hub for a new address.")
        claims: Claims = json.loads(_decode(body))
        if int(claims["exp"]) < time.time():
            raise ForbiddenError("the address's ticket has expired", hint="Ask the hub for a new address.")
        return claims

    def _sign(self, purpose: str, body: str) -> bytes:
        return hmac.digest(self._key, f"{purpose}:{body}".encode(errors="replace"), "sha256")


def _secret(path: Path) -> bytes:
    """The data folder's secret, made at first use. Of two processes that make it at once, one wins for both."""
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}.new")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(32))
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_bytes()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        raise ForbiddenError("the address's ticket is not valid") from None
