"""Envelopes: bytes of a named type with one signature (DSSE 1.0, github.com/secure-systems-lab/dsse)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from weighbridge.errors import BundleError

IN_TOTO = "application/vnd.in-toto+json"


@dataclass(frozen=True, slots=True)
class Envelope:
    payload: bytes
    payload_type: str
    signature: bytes

    @property
    def message(self) -> bytes:
        """What is signed: the payload with its type, so that neither can be taken for another."""
        return message(self.payload, self.payload_type)

    def as_json(self) -> dict[str, Any]:
        return {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": self.payload_type,
            "signatures": [{"sig": base64.b64encode(self.signature).decode(), "keyid": ""}],
        }

    @classmethod
    def from_json(cls, value: Any, *, where: str = "") -> Envelope:
        """Raises `BundleError` unless it holds a payload, its type and exactly one signature."""
        if not isinstance(value, dict):
            raise BundleError("the bundle has no DSSE envelope", where=where)
        signatures, payload_type = value.get("signatures"), value.get("payloadType")
        if not isinstance(signatures, list) or len(signatures) != 1 or not isinstance(signatures[0], dict):
            raise BundleError("expected one signature in the envelope", where=where)
        if not isinstance(payload_type, str):
            raise BundleError("the envelope does not say what type its payload has", where=where)
        payload = decode_base64(value.get("payload"), "the payload", where)
        return cls(payload, payload_type, decode_base64(signatures[0].get("sig"), "the signature", where))


def message(payload: bytes, payload_type: str) -> bytes:
    """DSSE's pre-authentication encoding."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def decode_base64(text: Any, what: str, where: str) -> bytes:
    """Raises `BundleError`."""
    if not isinstance(text, str):
        raise BundleError(f"{what} is missing", where=where)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BundleError(f"{what} is not base64", where=where) from error
