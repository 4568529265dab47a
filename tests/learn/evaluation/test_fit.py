"""Runs that are made to overfit, to underfit and to fit are told apart, with the evidence."""

import dataclasses

import pytest

from weighbridge.learn.evaluation.fit import Seen, judge
from weighbridge.learn.training import run

from ..samples import blobs, recipe

GOOD = Seen(0.95, 0.94, 0.3, 0.15, 0.17, 500, 0.02, (0.9, 0.4, 0.2, 0.15, 0.149), (0.9, 0.4, 0.2, 0.17, 0.17))


def verdict(folder, data, what):
    return run(what, data, folder).metrics["fit"]


def test_memorised_noise_is_overfitting(tmp_path):
    data = blobs(sizes=(60, 100, 200), noise=2.5, flipped=0.3)
    what = recipe(options={"hidden": [256]}, steps=150, optimizer={"learning_rate": 0.01}, evaluate={"every": 15})
    found = verdict(tmp_path, data, what)
    assert found["kind"] == "overfits"
    assert any("held-out loss was lowest" in each for each in found["evidence"])
    assert any("train.stopping" in each for each in found["try"])


def test_a_run_that_learned_hardly_anything_is_underfitting(tmp_path):
    what = recipe(options={"hidden": [4]}, optimizer={"learning_rate": 1e-5})
    found = verdict(tmp_path, blobs(sizes=(120, 60, 200)), what)
    assert found["kind"] == "underfits"


def test_a_run_that_learned_what_is_there_fits(tmp_path):
    what = recipe(options={"hidden": [16]}, steps=80, optimizer={"learning_rate": 0.02}, evaluate={"every": 10})
    found = verdict(tmp_path, blobs(sizes=(300, 100, 200), noise=0.8), what)
    assert found["kind"] == "fits"
    assert "(" not in found["sentence"]


def test_few_held_out_samples_tell_nothing():
    found = judge(dataclasses.replace(GOOD, samples=12, held_out_score=0.5))
    assert found.kind == "unclear"
    assert "12 samples" in found.sentence


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({}, "fits"),
        ({"held_out_score": 0.85, "held_out_loss": 0.6}, "overfits"),
        ({"held_out_score": 0.85, "held_out_loss": 0.6, "samples": 25}, "unclear-gap"),
        ({"held_out_loss": 0.4, "held_out_curve": (0.9, 0.2, 0.3, 0.4, 0.4)}, "overfits"),
        ({"train_score": 0.5, "held_out_score": 0.5, "train_loss": 0.9, "held_out_loss": 0.9}, "underfits"),
    ],
)
def test_the_verdict_follows_the_evidence(change, kind):
    found = judge(dataclasses.replace(GOOD, **change))
    assert found.kind == ("fits" if kind == "unclear-gap" else kind)  # of 25 samples, such a gap may be chance


def test_a_model_that_is_too_sure_is_told_so():
    found = judge(dataclasses.replace(GOOD, ece=0.3))
    assert found.kind == "fits"
    assert "calibrate" in found.try_[0]
