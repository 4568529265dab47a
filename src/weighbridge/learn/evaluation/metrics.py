"""Metrics, from what a model says of samples and what is true. Plain numpy in float64: the same digits every time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weighbridge.learn.evaluation.calibration import brier, expected_calibration_error

Floats = NDArray[np.float64]
KNOWN = {
    "classification": ("loss", "accuracy", "balanced_accuracy", "macro_f1", "brier", "ece", "auc"),
    "regression": ("loss", "mse", "mae", "r2"),
    "language": ("loss", "perplexity"),
}
"""The names of metrics by task."""
_HIGHER = frozenset({"accuracy", "balanced_accuracy", "macro_f1", "auc", "r2"})
_TINY = 1e-15


@dataclass(frozen=True, slots=True)
class ByClass:
    """What a classifier does with each class. `confusion[i, j]`: samples of class i that it calls j."""

    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    recall: tuple[float | None, ...]
    precision: tuple[float | None, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "classes": list(self.classes),
            "confusion_matrix": self.confusion.tolist(),
            "recall": dict(zip(self.classes, self.recall, strict=True)),
            "precision": dict(zip(self.classes, self.precision, strict=True)),
        }


def higher_is_better(metric: str) -> bool:
    """Whether more of it is better: of accuracies, F1, AUC and r²; not of losses and errors."""
    return metric in _HIGHER


def softmax(logits: NDArray[Any]) -> Floats:
    """Probabilities (n, classes) of logits."""
    shifted = logits.astype(np.float64) - logits.max(1, keepdims=True)
    raised = np.exp(shifted)
    return np.asarray(raised / raised.sum(1, keepdims=True))


def classification(probabilities: Floats, targets: NDArray[np.int64]) -> dict[str, float]:
    """Metrics by their usual names of probabilities (n, classes), n > 0. `auc` only for two classes that both occur.

    `balanced_accuracy` is the mean recall over the classes that occur, `macro_f1` the mean F1 over those that occur or
    are called; `loss` is the natural log loss, `ece` the calibration error over 15 bins.
    """
    called = probabilities.argmax(1)
    by_class = per_class(called, targets, tuple(map(str, range(probabilities.shape[1]))))
    recalls = [each for each in by_class.recall if each is not None]
    found = {
        "accuracy": float((called == targets).mean()),
        "balanced_accuracy": float(np.mean(recalls)),
        "macro_f1": _macro_f1(by_class.confusion),
        "loss": float(-np.log(np.maximum(probabilities[np.arange(len(targets)), targets], _TINY)).mean()),
        "brier": brier(probabilities, targets),
        "ece": expected_calibration_error(probabilities, targets),
    }
    if probabilities.shape[1] == 2 and 0 < int(targets.sum()) < len(targets):
        found["auc"] = auc(probabilities[:, 1], targets)
    return found


def per_class(called: NDArray[np.int64], targets: NDArray[np.int64], classes: tuple[str, ...]) -> ByClass:
    """Recall and precision of each class, None where it does not occur or is never called."""
    count = len(classes)
    confusion = np.bincount(targets * count + called, minlength=count * count).reshape(count, count)
    right = confusion.diagonal()
    return ByClass(classes, confusion, _shares(right, confusion.sum(1)), _shares(right, confusion.sum(0)))


def _shares(part: NDArray[np.int64], whole: NDArray[np.int64]) -> tuple[float | None, ...]:
    return tuple(float(a / b) if b else None for a, b in zip(part, whole, strict=True))


def _macro_f1(confusion: NDArray[np.int64]) -> float:
    right, either = confusion.diagonal(), confusion.sum(0) + confusion.sum(1)
    there = either > 0
    return float((2 * right[there] / either[there]).mean())


def auc(scores: Floats, targets: NDArray[np.int64]) -> float:
    """Area under the ROC curve: how often a positive scores above a negative, ties half. Both must occur."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positive = targets == 1
    count = int(positive.sum())
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(targets) - count)))


def regression(predictions: NDArray[Any], targets: NDArray[Any]) -> dict[str, float]:
    """`mse` (also as `loss`), `mae`, and `r2` where the targets are not all the same."""
    found, true = predictions.astype(np.float64).reshape(len(targets), -1), targets.astype(np.float64)
    true = true.reshape(found.shape)
    squared = float(((found - true) ** 2).mean())
    metrics = {"loss": squared, "mse": squared, "mae": float(np.abs(found - true).mean())}
    spread = float(((true - true.mean(0)) ** 2).mean())
    return {**metrics, "r2": 1 - squared / spread} if spread > 0 else metrics


def language(log_loss: float, tokens: int) -> dict[str, float]:
    """From the mean log loss of each next token: `loss`, `perplexity`, and over how many tokens."""
    return {"loss": log_loss, "perplexity": float(np.exp(min(log_loss, 700.0))), "tokens": float(tokens)}
