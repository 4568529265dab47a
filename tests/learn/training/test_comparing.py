"""A recipe that asks for it is trained from nothing too, and both stand side by side in metrics, card and report."""

import json

import pytest

import weighbridge as wb
from weighbridge.errors import UsageError
from weighbridge.learn.start import find
from weighbridge.learn.training import Note, Step, run

from ..samples import pictures, recipe

OPTIONS = {"channels": [4, 6]}
STEPS = 16


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    folder = tmp_path_factory.mktemp("start")
    run(recipe("cnn", OPTIONS, steps=60, optimizer={"learning_rate": 0.01}), pictures(), folder)
    return folder


def go(start, out, tell=lambda _: None, **train):
    what = recipe("cnn", OPTIONS, start=str(start), baseline=True, **{"steps": STEPS, **train})
    return run(what, pictures(seed=3), out, start=find(str(start), where=out), tell=tell)


@pytest.fixture(scope="module")
def compared(start, tmp_path_factory):
    out = tmp_path_factory.mktemp("compared") / "out"
    seen = []
    return out, go(start, out, seen.append).metrics, seen


def test_from_nothing_is_what_the_recipe_without_a_start_gives(compared, tmp_path):
    _, metrics, _ = compared
    alone = run(recipe("cnn", OPTIONS, steps=STEPS), pictures(seed=3), tmp_path).metrics
    assert metrics["baseline"]["splits"] == alone["splits"]
    assert metrics["baseline"]["steps"] == STEPS
    assert metrics["splits"] != alone["splits"]


def test_asking_for_it_changes_nothing_else(compared, start, tmp_path):
    out, _, _ = compared
    what = recipe("cnn", OPTIONS, start=str(start), steps=STEPS)
    run(what, pictures(seed=3), tmp_path, start=find(str(start), where=tmp_path))
    assert (tmp_path / "model.safetensors").read_bytes() == (out / "model.safetensors").read_bytes()


def test_metrics_card_and_report_set_both_side_by_side(compared):
    out, metrics, seen = compared
    loss = {name: f"{each['loss']:.4g}" for name, each in (
        ("ours", metrics["splits"]["test"]["metrics"]), ("theirs", metrics["baseline"]["splits"]["test"]["metrics"])
    )}  # fmt: skip
    assert json.loads((out / "metrics.json").read_text())["baseline"]["said"] == metrics["baseline"]["said"]
    assert f"| loss | {loss['ours']} | {loss['theirs']} |" in (out / "README.md").read_text()
    page = (out / "report.html").read_text()
    assert metrics["baseline"]["said"] in page
    section = page.partition('id="beside"')[2].partition("</section>")[0]
    assert all(each in section for each in (*loss.values(), "from starting weights", "from nothing"))
    assert any(isinstance(each, Note) and "from nothing" in each.text for each in seen)
    assert sum(isinstance(each, Step) for each in seen) == STEPS, "a bar shows the run that is published"
    assert not (out / ".cache/from-nothing").exists()


def test_the_sentence_says_which_is_better_by_the_figures(compared):
    metrics = compared[1]
    ours, theirs = (each["splits"]["test"]["metrics"]["balanced_accuracy"] for each in (metrics, metrics["baseline"]))
    word = "better" if ours > theirs else "worse" if ours < theirs else "the same"
    assert metrics["baseline"]["said"].startswith(f"With starting weights {word}: balanced_accuracy {ours:.4g}")


@pytest.mark.parametrize("at", [STEPS // 2, STEPS])
def test_a_run_that_is_ended_goes_on_to_the_same_figures(compared, start, tmp_path, at, monkeypatch):
    """Ended while it trains from nothing, in the middle or right before its files are written."""
    from weighbridge.learn.training import comparing
    from weighbridge.learn.training.loop import Loop

    whole = compared[1]
    taken, real = [], Loop._after_step

    def ended(self, *given):
        real(self, *given)
        taken.append(self.progress.step)
        if len(taken) == STEPS + at:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Loop, "_after_step", ended)
        with pytest.raises(KeyboardInterrupt):
            go(start, tmp_path / "out")
    assert (tmp_path / "out" / comparing.PLACE).is_dir()
    assert not (tmp_path / "out/metrics.json").exists()
    assert go(start, tmp_path / "out").metrics == whole


@pytest.mark.parametrize("optimizer", [{"name": "lbfgs", "weight_decay": 0.01}, {"name": "adamw"}])
def test_beside_a_head_on_frozen_features_all_of_it_is_trained(start, tmp_path, optimizer):
    metrics = go(start, tmp_path / "out", what="head", optimizer=optimizer).metrics
    assert metrics["baseline"]["steps"] == STEPS
    assert metrics["baseline"]["splits"]["test"]["metrics"] != metrics["splits"]["test"]["metrics"]
    with wb.open(start / "model.safetensors") as before, wb.open(tmp_path / "out/model.safetensors") as after:
        assert before["body.0.0.weight"].numpy().tobytes() == after["body.0.0.weight"].numpy().tobytes()


def test_a_recipe_that_starts_from_nothing_has_nothing_to_compare_with(tmp_path):
    with pytest.raises(UsageError, match="starts from nothing"):
        run(recipe("cnn", OPTIONS, baseline=True), pictures(), tmp_path / "out")
    assert not (tmp_path / "out").exists()
