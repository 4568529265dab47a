"""A published model is measured and trained again: the same to the bit, or the difference told."""

import json
import shutil

import numpy as np
import pytest

import weighbridge as wb
from weighbridge.cli.main import run
from weighbridge.formats import safetensors

RECIPE = """\
recipe: 1
name: numbers
data:
  path: ${NUMBERS}
  split: {test: 0.25, validation: 0.25}
model:
  network: mlp
  options: {hidden: [6], dropout: 0.2}
train:
  epochs: 4
  batch_size: 16
hardware: {threads: 1, device: cpu}
reproduce:
  tolerance: {accuracy: 0.5, balanced_accuracy: 0.5, macro_f1: 0.9, loss: 9, brier: 2, ece: 1, auc: 1}
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "numbers.npz"
    rng = np.random.default_rng(1)
    y = rng.integers(2, size=120)
    np.savez(path, x=(rng.normal(size=(120, 3)) + y[:, None]).astype(np.float32), y=y)
    return path


@pytest.fixture
def published(tmp_path, data, monkeypatch):
    """A model as a stranger has it: without what stays on the machine where it was made."""
    monkeypatch.setenv("NUMBERS", str(data))
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    assert run(["train", str(tmp_path / "recipe.yaml"), "--out", str(tmp_path / "made")]) == 0
    shutil.copytree(tmp_path / "made", tmp_path / "model", ignore=shutil.ignore_patterns(".cache", "checkpoints"))
    return tmp_path / "model"


def reproduce(capsys, folder, *arguments):
    capsys.readouterr()
    status = run(["reproduce", str(folder), *map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_measured_and_trained_again_it_is_the_same_to_the_bit(published, data, tmp_path, capsys):
    status, told = reproduce(capsys, published, "--data", data, "--train", "--out", tmp_path / "again")
    assert status == 0
    assert told["differences"] == []
    assert told["evaluation"]["verdict"] == told["training"]["verdict"] == "identical"
    assert {each["split"] for each in told["evaluation"]["metrics"]} == {"train", "validation", "test"}
    assert told["training"]["differing"] == []
    assert (tmp_path / "again/model.safetensors").read_bytes() == (published / "model.safetensors").read_bytes()


def changed(folder, name, by):
    path = folder / "model.safetensors"
    with wb.open(path) as held:
        tensors = {each: np.array(held[each].numpy()) for each in held}
    tensors[name].reshape(-1)[0] += np.float32(by)
    safetensors.write(path, tensors, {"format": "pt"})


def test_weights_that_the_recipe_does_not_give_are_found_and_named(published, data, tmp_path, capsys):
    changed(published, "head.bias", 3)
    status, told = reproduce(capsys, published, "--data", data, "--train", "--out", tmp_path / "again")
    assert told["evaluation"]["verdict"] == "close"  # the recipe's tolerance is generous
    assert told["training"]["verdict"] == "close"
    assert status == 0
    (tensor,) = told["training"]["differing"]
    assert (tensor["name"], tensor["changed"]) == ("head.bias", 1)
    assert tensor["largest"] == pytest.approx(3, rel=1e-5)
    assert told["training"]["first_step"] is None


def test_without_a_tolerance_another_digit_is_different(published, data, capsys):
    lock = json.loads((published / "recipe.lock.json").read_text())
    lock["recipe"]["reproduce"]["tolerance"] = {}
    (published / "recipe.lock.json").write_text(json.dumps(lock))
    changed(published, "head.bias", 1)
    status, told = reproduce(capsys, published, "--data", data)
    assert (status, told["evaluation"]["verdict"], told["training"]) == (1, "different", None)


def test_another_seed_differs_from_the_first_step_on(published, data, tmp_path, capsys):
    lock = json.loads((published / "recipe.lock.json").read_text())
    lock["recipe"]["train"]["seed"] = 1
    (published / "recipe.lock.json").write_text(json.dumps(lock))
    status, told = reproduce(capsys, published, "--data", data, "--train", "--out", tmp_path / "again")
    assert told["training"]["first_step"] == 1
    assert len(told["training"]["differing"]) == told["training"]["tensors"]
    assert status == 0


def test_what_is_other_here_is_named_before_work_begins(published, data, tmp_path, capsys):
    lock = json.loads((published / "recipe.lock.json").read_text())
    lock["versions"]["torch"] = "2.0.0"
    lock["machine"]["architecture"] = "abacus"
    lock["code"] = "0" * 64
    (published / "recipe.lock.json").write_text(json.dumps(lock))
    capsys.readouterr()
    assert run(["reproduce", str(published), "--data", str(data)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("torch was 2.0.0, is ")
    assert "abacus" in lines[1]
    assert "code of weighbridge.learn has changed" in lines[2]
    assert lines[3] == "Measured again: identical"


def test_missing_or_other_data_ends_it_before_it_begins(published, data, tmp_path, capsys):
    assert run(["reproduce", str(published)]) == 2
    assert "--data" in capsys.readouterr().err
    with np.load(data) as held:
        np.savez(tmp_path / "other.npz", x=held["x"] + 1, y=held["y"])
    assert run(["reproduce", str(published), "--data", str(tmp_path / "other.npz")]) == 2
    assert "not the data that the model was made with" in capsys.readouterr().err
    assert run(["reproduce", str(published), "--data", str(data), "--train"]) == 2
    assert "--out" in capsys.readouterr().err


def test_other_starting_weights_are_refused_by_their_digest(published, data, tmp_path, capsys):
    text = RECIPE + f"start: {published}\n"
    (tmp_path / "second.yaml").write_text(text)
    assert run(["train", str(tmp_path / "second.yaml"), "--out", str(tmp_path / "second")]) == 0
    status, told = reproduce(capsys, tmp_path / "second", "--start", published, "--train", "--out", tmp_path / "again")
    assert (status, told["training"]["verdict"]) == (0, "identical")
    changed(published, "head.bias", 1)
    arguments = ["--start", str(published), "--train", "--out", str(tmp_path / "third")]
    assert run(["reproduce", str(tmp_path / "second"), *arguments]) == 2
    assert "these starting weights are others" in capsys.readouterr().err
    assert not (tmp_path / "third").exists()
