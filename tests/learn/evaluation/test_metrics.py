"""Metrics against their definitions, and cases with a known answer."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.learn.evaluation import metrics
from weighbridge.learn.evaluation.calibration import brier, expected_calibration_error, reliability


def rows(*values):
    return np.array(values, np.float64)


def test_accuracies_recall_and_f1_of_a_small_case():
    probabilities = rows([0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.9, 0.05, 0.05])
    targets = np.array([0, 0, 1, 1])
    found = metrics.classification(probabilities, targets)
    assert found["accuracy"] == 0.75
    assert found["balanced_accuracy"] == 0.75  # recalls 1 and 1/2; the third class does not occur
    assert found["macro_f1"] == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert found["loss"] == pytest.approx(-np.log([0.8, 0.6, 0.7, 0.05]).mean())
    assert "auc" not in found
    by_class = metrics.per_class(probabilities.argmax(1), targets, ("a", "b", "c"))
    assert by_class.confusion.tolist() == [[2, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert by_class.recall == (1.0, 0.5, None)
    assert by_class.precision == (pytest.approx(2 / 3), 1.0, None)


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.3, 0.5, 0.9]), st.booleans()), min_size=2, max_size=30))
def test_auc_is_how_often_a_positive_scores_above_a_negative(pairs):
    scores, targets = np.array([each[0] for each in pairs]), np.array([int(each[1]) for each in pairs])
    positive, negative = scores[targets == 1], scores[targets == 0]
    if not len(positive) or not len(negative):
        return
    above = (positive[:, None] > negative).mean() + (positive[:, None] == negative).mean() / 2
    assert metrics.auc(scores, targets) == pytest.approx(above)


def test_calibration_of_a_perfect_a_sure_and_an_honest_model():
    targets = np.array([0, 1] * 50)
    perfect = np.eye(2)[targets]
    assert expected_calibration_error(perfect, targets) == brier(perfect, targets) == 0
    assert expected_calibration_error(1 - perfect, targets) == 1
    assert brier(1 - perfect, targets) == 2
    honest = np.tile([0.5, 0.5], (100, 1))
    assert expected_calibration_error(honest, targets) == 0
    ((each),) = reliability(honest, targets)
    assert (each.count, each.confidence, each.accuracy) == (100, 0.5, 0.5)


def test_regression_and_language():
    found = metrics.regression(np.array([[1.0], [2.0], [4.0]]), np.array([1.0, 2.0, 3.0]))
    assert found == {"loss": 1 / 3, "mse": 1 / 3, "mae": 1 / 3, "r2": pytest.approx(0.5)}
    assert "r2" not in metrics.regression(np.zeros((2, 1)), np.ones(2))
    assert metrics.language(math.log(8), 10)["perplexity"] == pytest.approx(8)


def test_softmax_neither_overflows_nor_forgets_small_logits():
    found = metrics.softmax(np.array([[1000.0, 1000.0], [-1000.0, 0.0]], np.float32))
    assert found[0].tolist() == [0.5, 0.5]
    assert found[1].tolist() == [0.0, 1.0]


@pytest.mark.parametrize("name", ["accuracy", "balanced_accuracy", "macro_f1", "auc", "r2"])
def test_more_is_better_of_scores_and_less_of_losses(name):
    assert metrics.higher_is_better(name)
    assert not any(map(metrics.higher_is_better, ("loss", "mse", "mae", "ece", "brier", "perplexity")))
