"""`weigh sign` and `weigh verify` as a person uses them."""

import json
import stat

import pytest

from weighbridge.cli.main import run


@pytest.fixture
def signed(tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"weights")
    assert run(["sign", str(model), "--key", str(tmp_path / "key.pem"), "--new-key"]) == 0
    return model


def verify(model, tmp_path, *more):
    return run(["verify", str(model), "--key", str(tmp_path / "key.pem.pub"), *more])


def test_signing_with_a_new_key_and_verifying_with_its_public_half(signed, tmp_path, capsys):
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600
    assert (signed / "model.sig").exists()
    assert verify(signed, tmp_path) == 0
    assert "holds: every file is as it was signed" in capsys.readouterr().out


def test_signing_again_replaces_the_signature(signed, tmp_path):
    (signed / "config.json").write_text("{}")
    assert verify(signed, tmp_path) == 1
    assert run(["sign", str(signed), "--key", str(tmp_path / "key.pem")]) == 0
    assert verify(signed, tmp_path) == 0


def test_an_altered_file_is_named_and_the_status_is_1(signed, tmp_path, capsys):
    (signed / "model.safetensors").write_bytes(b"weighs!")
    capsys.readouterr()
    assert verify(signed, tmp_path, "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["holds"] is False
    assert told["differences"] == [{"kind": "altered", "path": "model.safetensors", "other": ""}]


def test_a_name_that_would_write_to_the_terminal_is_shown_harmless(signed, tmp_path, capsys):
    (signed / "\x1b[2Jholds").write_text("x")
    capsys.readouterr()
    assert verify(signed, tmp_path) == 1
    assert "\x1b" not in capsys.readouterr().out


def test_one_file_has_its_signature_beside_it(tmp_path):
    (tmp_path / "m.gguf").write_bytes(b"x")
    key = str(tmp_path / "key.pem")
    assert run(["sign", str(tmp_path / "m.gguf"), "--key", key, "--new-key"]) == 0
    assert run(["verify", str(tmp_path / "m.gguf"), "--key", f"{key}.pub"]) == 0
    assert (tmp_path / "m.gguf.sig").exists()


def test_a_key_is_never_overwritten(signed, tmp_path, capsys):
    before = (tmp_path / "key.pem").read_bytes()
    assert run(["sign", str(signed), "--key", str(tmp_path / "key.pem"), "--new-key"]) == 2
    assert (tmp_path / "key.pem").read_bytes() == before
    assert "trust.key" in capsys.readouterr().err


def test_without_a_signature_nothing_is_said_to_hold(tmp_path, signed, capsys):
    (signed / "model.sig").unlink()
    assert verify(signed, tmp_path) == 2
    assert "there is no signature" in capsys.readouterr().err


@pytest.mark.parametrize("more", [[], ["--key", "a", "--trust", "b"]])
def test_whom_to_trust_must_be_said(signed, more, capsys):
    assert run(["verify", str(signed), *more]) == 2
    assert "whom you trust" in capsys.readouterr().err
