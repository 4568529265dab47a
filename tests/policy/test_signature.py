"""Whether a folder's signature holds, by the signers of a policy."""

import pytest

from weighbridge.policy import SignatureState, load_of, parse_policy
from weighbridge.trust import KeySigner, PrivateKey, sign


@pytest.fixture
def key():
    return PrivateKey.generate()


@pytest.fixture
def signed(tmp_path, key):
    (tmp_path / "weights.bin").write_bytes(b"weights")
    (tmp_path / "README.md").write_text("---\nlicense: Apache-2.0\n---\n# Model")
    (tmp_path / "model.sig").write_bytes(sign(tmp_path, KeySigner(key), ignored=(tmp_path / "model.sig",)).json())
    return tmp_path


def policy(*keys, repo=""):
    text = "version: 1\nname: x\nsigners:\n"
    for number, key in enumerate(keys):
        pem = key.public.pem.decode().replace("\n", "\n    ")
        text += f"- name: signer {number}\n  repo: '{repo or '*'}'\n  key: |\n    {pem}\n"
    return parse_policy(text if keys else "version: 1\nname: x", "p.yaml")


def state(folder, report_of, *keys, **options):
    return load_of(folder, report_of(), policy(*keys, **options)).signature


def test_a_signature_that_holds(signed, key, report_of):
    found = load_of(signed, report_of(), policy(PrivateKey.generate(), key))
    assert (found.signature.state, found.signature.signer) == (SignatureState.VALID, "signer 1")
    assert found.license == ("apache-2.0",)


def test_nobody_whom_we_know(signed, report_of):
    assert state(signed, report_of, PrivateKey.generate()).state is SignatureState.UNKNOWN_SIGNER
    assert state(signed, report_of).state is SignatureState.UNKNOWN_SIGNER


def test_a_signer_for_other_repositories(signed, key, report_of):
    assert state(signed, report_of, key, repo="acme/*").state is SignatureState.UNKNOWN_SIGNER


def test_altered_files(signed, key, report_of):
    (signed / "weights.bin").write_bytes(b"other!!")
    found = state(signed, report_of, key)
    assert found.state is SignatureState.BROKEN
    assert "altered: weights.bin" in found.detail


def test_a_signature_that_is_none(signed, key, report_of):
    (signed / "model.sig").write_bytes(b"{}")
    assert state(signed, report_of, key).state is SignatureState.BROKEN


def test_none(tmp_path, key, report_of):
    assert state(tmp_path, report_of, key).state is SignatureState.MISSING
