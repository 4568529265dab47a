"""Bundles: an envelope with what is needed to check it, in Sigstore's format (docs.sigstore.dev/about/bundle), v0.3."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weighbridge.errors import BundleError, PathNotFoundError
from weighbridge.trust.dsse import Envelope, decode_base64
from weighbridge.trust.statement import parse_object

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
LARGEST = 64 << 20  # bytes: enough for 300,000 files
_MOST_CERTIFICATES = 16


@dataclass(frozen=True, slots=True)
class Bundle:
    """`Bundle.parse(bundle.json()) == bundle`.

    Either `key_fingerprint` tells which key signed ("" where the bundle does not say), or `certificates` (DER) do, the
    signer's own first.
    """

    envelope: Envelope
    key_fingerprint: str | None = None
    certificates: tuple[bytes, ...] = ()

    def json(self) -> bytes:
        material: dict[str, Any] = {"tlogEntries": []}
        if self.certificates:
            chain = [{"rawBytes": base64.b64encode(each).decode()} for each in self.certificates]
            material["x509CertificateChain"] = {"certificates": chain}
        else:
            material["publicKey"] = {"hint": self.key_fingerprint or ""}
        value = {
            "mediaType": MEDIA_TYPE,
            "verificationMaterial": material,
            "dsseEnvelope": self.envelope.as_json(),
        }
        return json.dumps(value).encode()

    @classmethod
    def read(cls, path: Path) -> Bundle:
        """Raises `BundleError`, `PathNotFoundError`."""
        try:
            with path.open("rb") as file:
                data = file.read(LARGEST + 1)
        except FileNotFoundError:
            raise PathNotFoundError(
                "there is no signature", where=str(path), hint="Name it with --signature, or sign with 'weigh sign'."
            ) from None
        except IsADirectoryError:
            raise BundleError("found a folder, expected a signature file", where=str(path)) from None
        return cls.parse(data, where=str(path))

    @classmethod
    def parse(cls, text: bytes, *, where: str = "") -> Bundle:
        """Raises `BundleError`."""
        if len(text) > LARGEST:
            raise BundleError(f"found more than {LARGEST:,} bytes", where=where)
        value = parse_object(text, "the signature", where)
        if value.get("mediaType") != MEDIA_TYPE:
            raise BundleError(f"found media type {value.get('mediaType')!r}, expected {MEDIA_TYPE}", where=where)
        material = value.get("verificationMaterial")
        if not isinstance(material, dict):
            raise BundleError("the bundle does not say how to check it", where=where)
        envelope = Envelope.from_json(value.get("dsseEnvelope"), where=where)
        if isinstance(material.get("publicKey"), dict):
            return cls(envelope, key_fingerprint=str(material["publicKey"].get("hint") or ""))
        return cls(envelope, certificates=_certificates(material, where))


def _certificates(material: dict[str, Any], where: str) -> tuple[bytes, ...]:
    chain = material.get("x509CertificateChain")
    found = chain.get("certificates") if isinstance(chain, dict) else [material.get("certificate")]
    if not isinstance(found, list) or not 1 <= len(found) <= _MOST_CERTIFICATES:
        raise BundleError(f"expected 1 to {_MOST_CERTIFICATES} certificates", where=where)
    if not all(isinstance(each, dict) for each in found):
        raise BundleError("the bundle holds neither a key's fingerprint nor certificates", where=where)
    return tuple(decode_base64(each.get("rawBytes"), "a certificate", where) for each in found)
