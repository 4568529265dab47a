"""Both ways with model-signing: what it signs holds here, and what we sign holds there."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from weighbridge.trust import CertificateSigner, CertificateVerifier, KeySigner, KeyVerifier, sign, verify
from weighbridge.trust.bundle import Bundle

hashing = pytest.importorskip("model_signing.hashing")
signing = pytest.importorskip("model_signing.signing")
verifying = pytest.importorskip("model_signing.verifying")


@pytest.fixture
def key_files(tmp_path, key):
    private, public = tmp_path / "key.pem", tmp_path / "key.pub"
    private.write_bytes(key.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    public.write_bytes(key.public.pem)
    return private, public


@pytest.fixture
def certificate_files(tmp_path, authority, key):
    files = {"root": authority.root, "middle": authority.middle, "signer": authority.issue(key)}
    for name, certificate in files.items():
        (tmp_path / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    return {name: tmp_path / f"{name}.pem" for name in files}


LISTINGS = {
    "files": lambda config: config.use_file_serialization(),
    "blake2": lambda config: config.use_file_serialization(hashing_algorithm="blake2"),
    "blake3": lambda config: config.use_file_serialization(hashing_algorithm="blake3"),
    "shards": lambda config: config.use_shard_serialization(shard_size=1000),
}


@pytest.mark.parametrize("listing", LISTINGS)
def test_what_model_signing_signs_with_a_key_holds_here(tmp_path, model, key, key_files, listing):
    config = LISTINGS[listing](hashing.Config()).set_ignored_paths(paths=["notes.txt"])
    (model / "notes.txt").write_text("not signed")
    path = tmp_path / "out.sig"
    signing.Config().use_elliptic_key_signer(private_key=key_files[0]).set_hashing_config(config).sign(model, path)
    verdict = verify(model, Bundle.read(path), KeyVerifier(key.public))
    assert verdict.holds
    assert verdict.uncovered == ("notes.txt",)
    (model / "config.json").write_text("[]")
    assert not verify(model, Bundle.read(path), KeyVerifier(key.public)).holds


@pytest.mark.parametrize("size", [None, 1000])
def test_what_we_sign_with_a_key_holds_there(tmp_path, model, key, key_files, size):
    path = model / "model.sig"
    path.write_bytes(sign(model, KeySigner(key), shard_size=size, ignored=(path,)).json())
    verifying.Config().use_elliptic_key_verifier(public_key=key_files[1]).verify(model, path)
    (model / "config.json").write_text("[]")
    with pytest.raises(ValueError, match=r"config\.json"):
        verifying.Config().use_elliptic_key_verifier(public_key=key_files[1]).verify(model, path)


def test_one_file_both_ways(tmp_path, model, key, key_files):
    path = tmp_path / "out.sig"
    path.write_bytes(sign(model / "config.json", KeySigner(key)).json())
    verifying.Config().use_elliptic_key_verifier(public_key=key_files[1]).verify(model / "config.json", path)
    signing.Config().use_elliptic_key_signer(private_key=key_files[0]).sign(model / "config.json", path)
    assert verify(model / "config.json", Bundle.read(path), KeyVerifier(key.public)).holds


def test_certificates_both_ways(tmp_path, model, key, key_files, certificate_files, authority):
    path = tmp_path / "out.sig"
    signing.Config().use_certificate_signer(
        private_key=key_files[0],
        signing_certificate=certificate_files["signer"],
        certificate_chain=[certificate_files["middle"]],
    ).sign(model, path)
    verdict = verify(model, Bundle.read(path), CertificateVerifier((authority.root,)))
    assert verdict.holds
    assert verdict.signer == "certificate of CN=A signer"
    signer = CertificateSigner.read(key, certificate_files["signer"], (certificate_files["middle"],))
    path.write_bytes(sign(model, signer).json())
    verifying.Config().use_certificate_verifier(certificate_chain=[certificate_files["root"]]).verify(model, path)
