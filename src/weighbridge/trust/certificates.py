"""Certificates: a chain from a signer to somebody whom we trust (X.509).

A model is signed once and read for years, so a chain is judged as of the moment when the signer's certificate began to
be valid, as model-signing does: a certificate that ran out since does not make a signature worthless. What that leaves
open, a key stolen after it ran out, is told in the threat model.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

from weighbridge.errors import BundleError, CertificateError, SigningKeyError
from weighbridge.trust.keys import PublicKey, read_small


def read_certificates(paths: Iterable[Path]) -> tuple[x509.Certificate, ...]:
    """All certificates of PEM files, in order. Raises `SigningKeyError`, `PathNotFoundError`."""
    return tuple(found for path in paths for found in parse_certificates(read_small(path), where=str(path)))


def parse_certificates(pem: bytes, *, where: str) -> tuple[x509.Certificate, ...]:
    """All certificates in PEM form, in order. Raises `SigningKeyError` where there are none."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError as error:
        raise SigningKeyError("found no certificates in PEM form", where=where) from error


def parse_certificate(der: bytes, *, where: str) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise BundleError("a certificate in the bundle cannot be read", where=where) from error


def vouched_key(chain: tuple[bytes, ...], trusted: tuple[x509.Certificate, ...], *, where: str) -> PublicKey:
    """The key of the first certificate (DER), if the others lead to a trusted one; nobody being trusted, none does.

    Raises `CertificateError` where they do not or the certificate is not for signing, `BundleError` for bytes that are
    no certificates.
    """
    signer, *between = [parse_certificate(each, where=where) for each in chain]
    ensure_signing(signer, where=where)
    if signer not in trusted:
        _ensure_chain(signer, between, trusted, where)
    return PublicKey.of(signer.public_key(), where=where)


def _ensure_chain(
    signer: x509.Certificate, between: list[x509.Certificate], trusted: tuple[x509.Certificate, ...], where: str
) -> None:
    name = signer.subject.rfc4514_string()
    if not trusted:
        raise CertificateError(f"found a certificate of {name!r}, and you trust nobody", where=where)
    anything = ExtensionPolicy.permit_all()
    authority = ExtensionPolicy.webpki_defaults_ca()
    verifier = (
        PolicyBuilder()
        .store(Store(list(trusted)))
        .time(signer.not_valid_before_utc)
        .extension_policies(ca_policy=authority, ee_policy=anything)
        .build_client_verifier()
    )
    try:
        verifier.verify(signer, between)
    except VerificationError as error:
        reason = f"no chain leads from {name!r} to a certificate that you trust ({error})"
        raise CertificateError(reason, where=where) from error


def ensure_signing(certificate: x509.Certificate, *, where: str) -> None:
    """Raises `CertificateError` unless the certificate says that its key may sign."""
    try:
        if certificate.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature:
            return
    except x509.ExtensionNotFound:
        pass
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        if ExtendedKeyUsageOID.CODE_SIGNING in usage:
            return
    except x509.ExtensionNotFound:
        pass
    name = certificate.subject.rfc4514_string()
    raise CertificateError(
        f"the certificate of {name!r} is not for signing (digitalSignature or codeSigning)", where=where
    )
