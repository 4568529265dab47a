"""Keys that can be used, and those that cannot."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from weighbridge.errors import PathNotFoundError, SigningKeyError
from weighbridge.trust import PrivateKey, PublicKey

UNFIT = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
}


def test_keys_are_read_back_and_never_shown(tmp_path, key):
    path = tmp_path / "key.pem"
    path.write_bytes(key.pem())
    assert PrivateKey.read(path).public.fingerprint == key.public.fingerprint
    assert "PRIVATE" not in repr(key)
    assert str(key.key.private_numbers().private_value) not in repr(key)


def test_a_password_is_asked_for_and_checked(tmp_path, p256):
    path = tmp_path / "key.pem"
    path.write_bytes(p256.pem(password="a secret"))
    assert PrivateKey.read(path, password="a secret").public.fingerprint == p256.public.fingerprint
    with pytest.raises(SigningKeyError, match="encrypted"):
        PrivateKey.read(path)
    with pytest.raises(SigningKeyError, match="password is wrong"):
        PrivateKey.read(path, password="another")
    path.write_bytes(p256.pem())
    with pytest.raises(SigningKeyError, match="not encrypted"):
        PrivateKey.read(path, password="a secret")


@pytest.mark.parametrize("kind", UNFIT)
def test_other_kinds_of_keys_are_named(tmp_path, kind):
    key = UNFIT[kind]()
    private, public = tmp_path / "key.pem", tmp_path / "key.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    for read, path in ((PrivateKey.read, private), (PublicKey.read, public)):
        with pytest.raises(SigningKeyError, match="expected"):
            read(path)


@pytest.mark.parametrize("data", [b"", b"-----BEGIN", b"\0" * (2 << 20)])
def test_files_that_are_no_keys(tmp_path, data):
    path = tmp_path / "key.pem"
    path.write_bytes(data)
    for read in (PrivateKey.read, PublicKey.read):
        with pytest.raises(SigningKeyError):
            read(path)
    with pytest.raises(SigningKeyError):
        PublicKey.read(tmp_path)
    with pytest.raises(PathNotFoundError):
        PublicKey.read(tmp_path / "missing")
