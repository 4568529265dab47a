"""Keys: ECDSA over P-256, P-384 and P-521, as PEM files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from weighbridge.errors import PathNotFoundError, SigningKeyError

_LARGEST_FILE = 1 << 20
# Sigstore's bundle format ties each curve to one digest.
_DIGESTS: dict[str, type[hashes.HashAlgorithm]] = {
    "secp256r1": hashes.SHA256,
    "secp384r1": hashes.SHA384,
    "secp521r1": hashes.SHA512,
}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that checks signatures."""

    key: ec.EllipticCurvePublicKey

    @classmethod
    def read(cls, path: Path) -> PublicKey:
        """The public key in a PEM file. Raises `SigningKeyError`, `PathNotFoundError`."""
        return cls.parse(read_small(path), where=str(path))

    @classmethod
    def parse(cls, pem: bytes, *, where: str) -> PublicKey:
        """The public key in PEM form. Raises `SigningKeyError`."""
        try:
            return cls.of(serialization.load_pem_public_key(pem), where=where)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise SigningKeyError("this is not a public key in PEM form", where=where) from error

    @classmethod
    def of(cls, key: object, *, where: str) -> PublicKey:
        """Raises `SigningKeyError` unless it is of a curve that we use."""
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise SigningKeyError(f"found a key of kind {type(key).__name__}, expected an elliptic curve", where=where)
        if key.curve.name not in _DIGESTS:
            raise SigningKeyError(f"found the curve {key.curve.name}, expected P-256, P-384 or P-521", where=where)
        return cls(key)

    @property
    def pem(self) -> bytes:
        return self.key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the PEM form, as hex: how model-signing names a key."""
        return hashlib.sha256(self.pem).hexdigest()

    def holds(self, signature: bytes, message: bytes) -> bool:
        """Whether this key's private half made the signature (DER) of the message."""
        try:
            self.key.verify(signature, message, _algorithm(self.key.curve))
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key that signs. Its ``repr`` never shows it."""

    key: ec.EllipticCurvePrivateKey

    @classmethod
    def generate(cls) -> PrivateKey:
        """A new key of P-256."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def read(cls, path: Path, *, password: str | None = None) -> PrivateKey:
        """The private key in a PEM file. Raises `SigningKeyError`, also for a wrong or missing password."""
        secret = password.encode() if password is not None else None
        try:
            key = serialization.load_pem_private_key(read_small(path), secret)
        except TypeError as error:
            wanted = "is encrypted: give its password" if password is None else "is not encrypted: give no password"
            raise SigningKeyError(f"this private key {wanted}", where=str(path)) from error
        except (ValueError, UnsupportedAlgorithm) as error:
            reason = "this is not a private key in PEM form, or the password is wrong"
            raise SigningKeyError(reason, where=str(path)) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise SigningKeyError(
                f"found a key of kind {type(key).__name__}, expected an elliptic curve", where=str(path)
            )
        PublicKey.of(key.public_key(), where=str(path))
        return cls(key)

    def __repr__(self) -> str:
        return f"PrivateKey({self.public.fingerprint[:16]}…)"

    @property
    def public(self) -> PublicKey:
        return PublicKey(self.key.public_key())

    def pem(self, *, password: str | None = None) -> bytes:
        how: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password is not None:
            how = serialization.BestAvailableEncryption(password.encode())
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)

    def sign(self, message: bytes) -> bytes:
        """The signature of a message, in DER."""
        return self.key.sign(message, _algorithm(self.key.curve))


def _algorithm(curve: ec.EllipticCurve) -> ec.ECDSA:
    return ec.ECDSA(_DIGESTS[curve.name]())


def read_small(path: Path) -> bytes:
    """The bytes of a key or certificate file. Raises `PathNotFoundError`, or `SigningKeyError` for a huge one."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except FileNotFoundError:
        raise PathNotFoundError("there is no such file", where=str(path)) from None
    except IsADirectoryError:
        raise SigningKeyError("found a folder, expected a PEM file", where=str(path)) from None
    if len(data) > _LARGEST_FILE:
        raise SigningKeyError("found more than 1 MiB, expected a PEM file", where=str(path))
    return data
