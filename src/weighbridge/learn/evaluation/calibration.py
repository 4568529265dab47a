"""Whether a classifier is as often right as it says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS = 15


@dataclass(frozen=True, slots=True)
class Bin:
    """Samples whose highest probability lies in one interval: how many, how sure on average, how often right."""

    count: int
    confidence: float
    accuracy: float


def reliability(probabilities: Floats, targets: NDArray[np.int64], bins: int = BINS) -> tuple[Bin, ...]:
    """The bins that hold samples, from unsure to sure: intervals of equal width, the right end included."""
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == targets
    which = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    return tuple(
        Bin(int(inside.sum()), float(confidence[inside].mean()), float(right[inside].mean()))
        for inside in (which == index for index in range(bins))
        if inside.any()
    )


def expected_calibration_error(probabilities: Floats, targets: NDArray[np.int64], bins: int = BINS) -> float:
    """Mean distance of confidence from accuracy over the bins, weighted by samples (Guo et al. 2017)."""
    found = reliability(probabilities, targets, bins)
    return float(sum(each.count * abs(each.confidence - each.accuracy) for each in found) / len(targets))


def brier(probabilities: Floats, targets: NDArray[np.int64]) -> float:
    """Mean squared distance of the probabilities from the truth, summed over classes: 0 perfect, 2 worst."""
    truth = np.zeros_like(probabilities)
    truth[np.arange(len(targets)), targets] = 1
    return float(((probabilities - truth) ** 2).sum(1).mean())
