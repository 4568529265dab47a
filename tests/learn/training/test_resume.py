"""A run that is killed anywhere goes on to the same weights, bit for bit, as one that was left alone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from weighbridge.errors import OtherRunError, UsageError
from weighbridge.learn.record import read
from weighbridge.learn.training import run
from weighbridge.learn.training.checkpoints import Checkpoints

from ..samples import blobs, recipe

NURSERY = Path(__file__).with_name("nursery.py")
CASES = ("dropout", "cnn", "lbfgs", "stopping", "head", "changed head", "fitted head")
WHOLE = ("model.safetensors", "config.json", "weighbridge.json", "metrics.json", "README.md", "recipe.lock.json")


def happened(folder):
    return [{key: value for key, value in each.items() if key != "seconds"} for each in read(folder)]


@pytest.fixture(scope="module")
def nursery(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nursery")
    command = [sys.executable, str(NURSERY), str(folder), "0", *CASES]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", CASES)
def test_a_run_killed_anywhere_ends_with_the_same_bits(name, nursery):
    whole, broken = nursery / name / "whole", nursery / name / "broken"
    for file in WHOLE:
        assert (broken / file).read_bytes() == (whole / file).read_bytes(), file
    assert happened(broken) == happened(whole)


def test_a_run_stopped_after_each_of_its_steps_ends_with_the_same_bits(tmp_path):
    """Ended by an exception, at a place that is known, rather than at a random one."""
    what = recipe(options={"dropout": 0.2}, steps=6, checkpoints={"every": 1})
    run(what, blobs(), tmp_path / "whole")

    class StoppedError(Exception):
        pass

    def stop(_event):
        raise StoppedError

    ended = 0
    while True:
        try:
            result = run(what, blobs(), tmp_path / "broken", tell=_after_a_step(stop))
            break
        except StoppedError:
            ended += 1
    assert ended >= 5
    assert result.resumed
    assert (tmp_path / "broken/model.safetensors").read_bytes() == (tmp_path / "whole/model.safetensors").read_bytes()


def _after_a_step(stop):
    seen = []

    def tell(event):
        seen.append(event)
        if sum(type(each).__name__ == "Step" for each in seen) == 2:
            stop(event)

    return tell


def test_a_finished_run_is_left_alone(tmp_path):
    run(recipe(), blobs(), tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*") if path.is_file()}
    again = run(recipe(), blobs(), tmp_path / "out")
    assert again.resumed is None
    assert again.steps == 12
    assert again.metrics["metrics"]["accuracy"] > 0.5
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_folder_of_another_recipe_or_of_other_data_is_refused(tmp_path):
    run(recipe(), blobs(), tmp_path)
    before = (tmp_path / "model.safetensors").read_bytes()
    with pytest.raises(OtherRunError, match="train differ"):
        run(recipe(seed=1), blobs(), tmp_path)
    with pytest.raises(OtherRunError, match="other data"):
        run(recipe(), blobs(seed=5), tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == before


def test_a_folder_with_other_files_is_not_trained_into(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="no training run"):
        run(recipe(), blobs(), tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]


def test_two_processes_do_not_train_in_one_folder(tmp_path):
    from weighbridge.learn.training import folder

    with folder.held(tmp_path), pytest.raises(UsageError, match="another process"):
        run(recipe(), blobs(), tmp_path)


def test_the_last_checkpoints_and_the_best_are_kept(tmp_path):
    run(recipe(checkpoints={"every": 2, "keep": 2}), blobs(), tmp_path)
    with Checkpoints.open(tmp_path / "checkpoints") as kept:
        assert kept.steps() == [10, 12]
        best = kept.best()
    losses = {each["step"]: each["metrics"]["loss"] for each in read(tmp_path) if each.get("split") == "validation"}
    assert best["progress"]["step"] == min(losses, key=losses.get)
    assert json.loads((tmp_path / "weighbridge.json").read_text())["step"] == 12
