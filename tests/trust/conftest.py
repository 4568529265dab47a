"""A small model, keys of every curve, and an authority with certificates under it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from weighbridge.trust import PrivateKey

CURVES = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}
FILES = {
    "config.json": b"{}",
    "model.safetensors": b"the weights" * 1000,
    "other.safetensors": b"more weights" * 1000,
    "tokenizer/vocab.txt": b"a\nb\n",
    "tokenizer.json": b"{ }",
    "empty": b"",
}


@pytest.fixture
def model(tmp_path) -> Path:
    folder = tmp_path / "a model"
    for name, data in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


@pytest.fixture(scope="session", params=CURVES)
def key(request) -> PrivateKey:
    return PrivateKey(ec.generate_private_key(CURVES[request.param]()))


@pytest.fixture(scope="session")
def p256() -> PrivateKey:
    return PrivateKey.generate()


@dataclass(frozen=True)
class Authority:
    """A root, an authority below it, and what they issue."""

    root: x509.Certificate
    middle: x509.Certificate
    middle_key: ec.EllipticCurvePrivateKey

    def issue(self, key: PrivateKey, *, signing: bool = True, days: int = 1) -> x509.Certificate:
        """A certificate that began 400 days ago and ran out `days` later."""
        usage = _usage(digital_signature=signing)
        return _certificate("A signer", key.key.public_key(), self.middle, self.middle_key, usage, ca=False, days=days)


def _usage(*, digital_signature: bool = False, certificates: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature, False, not digital_signature, False, False, certificates, certificates, False, False
    )


def _certificate(name, public, issuer, issuer_key, usage, *, ca, days):
    started = datetime.now(UTC) - timedelta(days=400)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer_public = issuer_key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer is not None else subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(started)
        .not_valid_after(started + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_public), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def make_authority() -> Authority:
    root_key, middle_key = (ec.generate_private_key(ec.SECP384R1()) for _ in range(2))
    usage = _usage(certificates=True)
    root = _certificate("A root", root_key.public_key(), None, root_key, usage, ca=True, days=3650)
    middle = _certificate("An authority", middle_key.public_key(), root, root_key, usage, ca=True, days=3650)
    return Authority(root, middle, middle_key)


@pytest.fixture(scope="session")
def authority() -> Authority:
    return make_authority()


@pytest.fixture(scope="session")
def stranger() -> Authority:
    """An authority of the same names whom nobody trusts."""
    return make_authority()
