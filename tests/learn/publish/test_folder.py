"""What is published: a card that hubs read, a page that shows the run, and no file of a run that did not end."""

import json

import pytest
from huggingface_hub import ModelCard

from weighbridge.learn.data import Notice
from weighbridge.learn.publish.page import curve, weights_over_time
from weighbridge.learn.record import read
from weighbridge.learn.training import run
from weighbridge.learn.training.board import Board

from ..samples import pictures, recipe


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    import dataclasses

    folder = tmp_path_factory.mktemp("run")
    what = recipe("cnn", {"channels": [4, 6]}).model_copy(
        update={"licence": "apache-2.0", "description": "<b>bars</b>", "name": "bars"}
    )
    data = dataclasses.replace(pictures(), notices=(Notice("data.duplicates", "2 <duplicates> were removed."),))
    return folder, run(what, data, folder, source="recipe: 1\nname: bars\n")


def test_the_card_is_valid_and_carries_the_metrics(published):
    folder, result = published
    card = ModelCard.load(folder / "README.md")
    data = card.data
    assert (data.license, data.library_name, data.pipeline_tag) == ("apache-2.0", "weighbridge", "image-classification")
    found = {each.metric_type: each.metric_value for each in data.eval_results}
    assert found == result.metrics["metrics"]
    assert data.eval_results[0].dataset_split == "test"
    assert "2 <duplicates> were removed." in card.text


def test_the_folder_holds_what_a_stranger_needs(published):
    folder, _ = published
    assert (folder / "recipe.yaml").read_text() == "recipe: 1\nname: bars\n"
    lock = json.loads((folder / "recipe.lock.json").read_text())
    assert lock["threads"] == 1
    assert lock["data"]["digest"] == pictures().digest
    assert {"torch", "python", "weighbridge"} <= set(lock["versions"])
    facts = json.loads((folder / "weighbridge.json").read_text())
    assert facts["facts"]["classes"] == ["stands", "lies"]
    assert facts["preparation"] == {"kind": "image"}
    assert not (folder / ".publishing").exists()


def test_the_page_escapes_what_others_wrote_and_holds_the_figures(published):
    page = (published[0] / "report.html").read_text()
    assert "<b>bars</b>" not in page
    assert "2 <duplicates>" not in page
    assert page.count('data-wb="figure"') == 3  # the curve, calibration, weights over time


def test_figures_show_the_record(published):
    lines = list(read(published[0]))
    drawn = curve(lines)
    assert {"loss", "accuracy", "auc"} <= set(drawn)
    names = [trace["name"] for trace in drawn["loss"].data]
    assert names == ["each step", "train", "validation"]
    assert len(drawn["loss"].data[0]["x"]) == 12
    over_time = weights_over_time(lines)
    column = [row[0] for row in over_time["head.weight"].data[0]["z"]]
    assert sum(column) == pytest.approx(1, abs=0.01)


@pytest.mark.skipif(not Board.available(), reason="TensorBoard is not installed")
def test_event_files_hold_the_loss_of_every_step(published):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(published[0] / "runs"))
    events.Reload()
    recorded = [each["loss"] for each in read(published[0]) if "loss" in each]
    assert [each.value for each in events.Scalars("step/loss")] == pytest.approx(recorded)
    assert [each.step for each in events.Scalars("validation/accuracy")] == [4, 8, 12]
