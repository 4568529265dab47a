"""Who signs, and how that is checked: by a key, or by certificates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from weighbridge.errors import SignatureError, SigningKeyError, WrongKeyError
from weighbridge.trust.bundle import Bundle
from weighbridge.trust.certificates import ensure_signing, parse_certificate, read_certificates, vouched_key
from weighbridge.trust.dsse import IN_TOTO, Envelope, message
from weighbridge.trust.keys import PrivateKey, PublicKey
from weighbridge.trust.statement import Statement


class Signer(Protocol):
    def sign(self, statement: Statement) -> Bundle: ...


class Verifier(Protocol):
    def check(self, bundle: Bundle, *, where: str) -> str:
        """Who signed, in words. Raises a `SignatureError` where that does not hold."""
        ...


def _envelope(key: PrivateKey, statement: Statement) -> Envelope:
    payload = statement.json()
    return Envelope(payload, IN_TOTO, key.sign(message(payload, IN_TOTO)))


@dataclass(frozen=True, slots=True)
class KeySigner:
    key: PrivateKey

    def sign(self, statement: Statement) -> Bundle:
        return Bundle(_envelope(self.key, statement), key_fingerprint=self.key.public.fingerprint)


@dataclass(frozen=True, slots=True)
class KeyVerifier:
    key: PublicKey

    def check(self, bundle: Bundle, *, where: str) -> str:
        ours, named = self.key.fingerprint, bundle.key_fingerprint
        if named is None:
            raise WrongKeyError("this was signed with certificates, not with a key", where=where)
        if named and named != ours:
            raise WrongKeyError(f"this was signed with the key {named[:16]}…, and yours is {ours[:16]}…", where=where)
        if not self.key.holds(bundle.envelope.signature, bundle.envelope.message):
            if named:
                raise SignatureError("the signature does not match what it signs: it was altered", where=where)
            raise WrongKeyError("the signature was made with another key, or altered since", where=where)
        return f"key {ours}"


@dataclass(frozen=True, slots=True)
class CertificateSigner:
    """Signs with the key of a certificate. `chain`: what leads to the authority, without its root."""

    key: PrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()

    @classmethod
    def read(cls, key: PrivateKey, certificate: Path, chain: tuple[Path, ...] = ()) -> CertificateSigner:
        """Raises `SigningKeyError` where the certificate is of another key, `CertificateError` if it may not sign."""
        found = read_certificates([certificate])
        ensure_signing(found[0], where=str(certificate))
        if found[0].public_key() != key.key.public_key():
            raise SigningKeyError("this certificate belongs to another key", where=str(certificate))
        return cls(key, found[0], (*found[1:], *read_certificates(chain)))

    def sign(self, statement: Statement) -> Bundle:
        certificates = tuple(each.public_bytes(Encoding.DER) for each in (self.certificate, *self.chain))
        return Bundle(_envelope(self.key, statement), certificates=certificates)


@dataclass(frozen=True, slots=True)
class CertificateVerifier:
    trusted: tuple[x509.Certificate, ...]

    def check(self, bundle: Bundle, *, where: str) -> str:
        if not bundle.certificates:
            raise WrongKeyError("this was signed with a key, not with certificates", where=where)
        key = vouched_key(bundle.certificates, self.trusted, where=where)
        if not key.holds(bundle.envelope.signature, bundle.envelope.message):
            raise SignatureError("the signature does not match what it signs: it was altered", where=where)
        name = parse_certificate(bundle.certificates[0], where=where).subject.rfc4514_string()
        return f"certificate of {name}"
