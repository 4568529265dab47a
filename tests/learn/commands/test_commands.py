"""From a recipe and a folder of pictures to a model that is measured and asked: by the command line alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from weighbridge.cli import _learn
from weighbridge.cli.main import run

RECIPE = """\
recipe: 1
name: bars
data:
  path: ${BARS}
  split: {test: 0.25, validation: 0.25}
  image: {augment: [shift]}
model:
  network: cnn
  options: {channels: [4, 8]}
train:
  epochs: 6
  batch_size: 8
  optimizer: {learning_rate: 0.02}
hardware: {threads: 1}
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A bright bar on noise that lies or stands, as PNG files in a folder for each class."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for name in ("lies", "stands"):
        (folder / name).mkdir()
        for number in range(24):
            pixels = rng.integers(0, 90, (8, 8), np.uint8)
            if name == "lies":
                pixels[rng.integers(8)] = 255
            else:
                pixels[:, rng.integers(8)] = 255
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture
def recipe(tmp_path, pictures, monkeypatch):
    monkeypatch.setenv("BARS", str(pictures))
    (tmp_path / "bars.yaml").write_text(RECIPE)
    return tmp_path / "bars.yaml"


@pytest.fixture
def trained(recipe, capsys):
    assert run(["train", str(recipe), "--out", str(recipe.parent / "out"), "--json"]) == 0
    return recipe.parent / "out", json.loads(capsys.readouterr().out)


def asked(capsys, *arguments):
    assert run([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_model_is_trained_measured_and_asked(trained, pictures, capsys):
    folder, told = trained
    assert told["metrics"]["accuracy"] == 1.0
    assert (told["split"], told["samples"], told["resumed"]) == ("test", 12, 0)
    again = asked(capsys, "eval", folder)
    assert again["metrics"] == told["metrics"] == again["published"]
    assert again["same_data"]
    found = asked(capsys, "predict", folder, pictures / "lies/3.png", pictures / "stands/3.png", "--top", "1")
    assert [each["class"] for each in found["predictions"]] == ["lies", "stands"]
    assert all(0.5 < each["probability"] <= 1 and len(each["likely"]) == 1 for each in found["predictions"])


def test_a_folder_that_was_moved_needs_the_place_of_its_data(trained, pictures, tmp_path, monkeypatch, capsys):
    """As a stranger has it: nothing of the machine where it was trained is in what is published."""
    folder, told = trained
    files = [each for each in folder.rglob("*") if each.is_file() and ".cache" not in each.parts]
    for each in files:
        target = tmp_path / "pulled" / each.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(each.read_bytes())
        assert str(pictures).encode() not in each.read_bytes(), each
    monkeypatch.delenv("BARS")
    assert run(["eval", str(tmp_path / "pulled")]) == 2
    assert "--data" in capsys.readouterr().err
    assert asked(capsys, "eval", tmp_path / "pulled", "--data", pictures)["metrics"] == told["metrics"]


def test_other_data_is_measured_as_what_it_is(trained, pictures, tmp_path, capsys):
    folder, _ = trained
    for number in range(5):
        (tmp_path / "new/stands").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"new/stands/{number}.png").write_bytes((pictures / f"stands/{number}.png").read_bytes())
    found = asked(capsys, "eval", folder, "--data", tmp_path / "new")
    assert (found["same_data"], found["published"], found["samples"]) == (False, None, 5)
    assert found["metrics"]["accuracy"] == 1.0


def test_ctrl_c_leaves_a_run_that_goes_on_to_the_same_bits(recipe, trained, pictures):
    whole, out = trained[0], recipe.parent / "broken"
    interrupted = (  # as the terminal does it, in the middle of the tenth step of eighteen
        "import os, signal, sys\nfrom weighbridge.learn.training.loop import Loop\nstep, steps = Loop._step, []\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored, if the tests run in the background
        "def counted(self, *given):\n    steps.append(0)\n"
        "    if len(steps) == 10:\n        os.kill(os.getpid(), signal.SIGINT)\n    return step(self, *given)\n"
        "Loop._step = counted\nfrom weighbridge.cli.main import run\nsys.exit(run(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", interrupted, "train", str(recipe), "--out", str(out)]
    process = subprocess.run(command, capture_output=True, text=True, timeout=120)
    told = process.stderr
    assert process.returncode == 130, told
    assert "goes on from the last checkpoint" in told
    assert not (out / "model.safetensors").exists()
    assert run(["train", str(recipe), "--out", str(out)]) == 0
    assert (out / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert (out / "metrics.json").read_bytes() == (whole / "metrics.json").read_bytes()


def test_settings_win_over_the_recipe_and_a_run_can_be_refused(recipe, capsys):
    out = recipe.parent / "out"
    assert run(["train", str(recipe), "--out", str(out), "--set", "train.epochs=1", "--set", "name=short"]) == 0
    assert "Done after 3 steps." in capsys.readouterr().out
    assert "# short" in (out / "README.md").read_text()
    assert run(["train", str(recipe), "--out", str(out), "--resume", "never"]) == 2
    assert run(["train", str(recipe), "--out", str(out)]) == 2
    assert "another recipe: name, train differ" in capsys.readouterr().err


def test_a_live_page_is_offered_where_it_is_wanted(recipe, capsys):
    assert run(["train", str(recipe), "--out", str(recipe.parent / "out"), "--watch"]) == 0
    said = capsys.readouterr()
    assert "The run's page: http://127.0.0.1:" in said.err
    assert "Done after 18 steps." in said.out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("network: cnn", "network: cmm"), "there is no network named 'cmm'"),
        (("epochs: 6", "epochs: many"), "bars.yaml:11: train.epochs"),
        (("${BARS}", "${ELSEWHERE}"), "needs the variable ELSEWHERE"),
        (("${BARS}", "nowhere"), "there is no such file or folder with data"),
    ],
)
def test_what_is_wrong_with_a_recipe_is_said(recipe, capsys, change, said):
    recipe.write_text(RECIPE.replace(*change))
    assert run(["train", str(recipe), "--out", str(recipe.parent / "out")]) == 2
    assert said in capsys.readouterr().err
    assert not (recipe.parent / "out" / "model.safetensors").exists()


def test_a_damaged_picture_and_a_folder_without_a_model_are_told(trained, tmp_path, capsys):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    assert run(["predict", str(trained[0]), str(tmp_path / "broken.png")]) == 2
    assert "broken.png: is no image that can be decoded" in capsys.readouterr().err
    assert run(["eval", str(tmp_path)]) == 2
    assert "recipe.lock.json" in capsys.readouterr().err


def test_without_torch_it_is_said_what_to_install(recipe, monkeypatch, capsys):
    monkeypatch.setattr(_learn, "find_spec", lambda name: None if name == "torch" else object())
    assert run(["train", str(recipe), "--out", str(recipe.parent / "out")]) == 2
    told = capsys.readouterr().err
    assert "not installed: torch" in told
    assert "pip install 'weighbridge[learn]'" in told


def test_help_does_not_import_torch():
    code = (
        "import sys\nfrom weighbridge.cli.main import run\n"
        "codes = [run(['--help']), run(['train', '--help']), run(['eval', '--help']), run(['predict', '--help'])]\n"
        "assert codes == [0, 0, 0, 0] and 'torch' not in sys.modules"
    )
    environment = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "Train a model by a recipe." in done.stdout


def test_the_examples_are_recipes_that_can_be_read():
    from weighbridge.learn.recipe.read import read

    examples = Path(__file__).parents[3] / "examples"
    names = {read(each, variables={}).recipe.name for each in sorted(examples.glob("cat-*.yaml"))}
    assert {"cat-photographs", "cat-silhouettes"} <= names


@pytest.fixture(scope="module")
def lorries(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lorries")
    examples = Path(__file__).parents[3] / "examples"
    for name in ("lorries.yaml", "lorries.py"):
        (folder / name).write_bytes((examples / name).read_bytes())
    command = [sys.executable, str(folder / "lorries.py"), str(folder / "lorries.csv")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert run(["train", str(folder / "lorries.yaml"), "--out", str(folder / "out"), "--json"]) == 0
    return folder


class TestTables:
    """The example: from a table to a model that is asked about rows."""

    def test_a_model_is_measured_and_asked_about_rows(self, lorries, capsys):
        folder = lorries / "out"
        told = asked(capsys, "eval", folder)
        assert told["metrics"] == told["published"]
        assert told["metrics"]["balanced_accuracy"] > 0.9
        row = {"axles": 2, "body": "tipper", "load_m3": 25.5, "fuel_l": 200, "goods": "gravel"}
        found = asked(capsys, "predict", folder, json.dumps(row))["predictions"][0]
        assert (found["class"], found["input"], "notes" in found) == ("yes", json.dumps(row), False)
        found = asked(capsys, "predict", folder, json.dumps({**row, "goods": "feathers"}))["predictions"][0]
        assert found["notes"] == ["'feathers' as goods was not in training"]
        several = asked(capsys, "predict", folder, lorries / "lorries.csv", "--top", "1")["predictions"]
        answers = [line.rpartition(",")[2] for line in (lorries / "lorries.csv").read_text().split()[1:]]
        right = sum(each["class"] == answer for each, answer in zip(several, answers, strict=True))
        assert right > 0.9 * len(answers)
        assert several[4]["input"].endswith("lorries.csv:6")

    def test_what_cannot_be_asked_is_said(self, lorries, capsys):
        assert run(["predict", str(lorries / "out"), '{"axles": "two"}']) == 2
        assert "has no 'load_m3'" in capsys.readouterr().err
        assert run(["predict", str(lorries / "out"), "nothing.csv"]) == 2
        assert "nothing.csv: there is no such file" in capsys.readouterr().err

    def test_other_tables_are_measured_as_what_they_are(self, lorries, capsys):
        lines = (lorries / "lorries.csv").read_text().splitlines()
        (lorries / "few.csv").write_text("\n".join(lines[:101]))
        found = asked(capsys, "eval", lorries / "out", "--data", lorries / "few.csv")
        assert (found["same_data"], found["samples"]) == (False, 100)
        (lorries / "few.csv").write_text("\n".join(line.partition(",")[2] for line in lines[:41]))
        assert asked(capsys, "eval", lorries / "out", "--data", lorries / "few.csv")["samples"] == 40
