"""A run's verdict: what `fit` needs, gathered from its record and its measurements."""

from __future__ import annotations

from typing import Any

import numpy as np

from weighbridge.learn.data import Splits
from weighbridge.learn.evaluation import fit
from weighbridge.learn.evaluation.measure import Measured


def verdict(lines: list[dict[str, Any]], measured: dict[str, Measured], splits: Splits) -> fit.Verdict | None:
    """Whether the model over- or underfits; None for language, where no score of knowing nothing is known.

    The test split is what it is judged on, or the validation split where there is none.
    """
    name = {"classification": "accuracy", "regression": "r2"}.get(splits.facts.task)
    split = next((each for each in ("test", "validation") if each in measured), None)
    train = measured["train"].metrics
    if name is None or name not in train:
        return None
    if split is None or name not in measured[split].metrics:
        return fit.Verdict("unclear", "Cannot tell: no samples were held out.", (), ("Set data.split.test.",))
    held_out = measured[split].metrics
    train_curve, held_out_curve = fit.curves(lines)
    return fit.judge(
        fit.Seen(
            train_score=train[name],
            held_out_score=held_out[name],
            chance=_chance(splits) if name == "accuracy" else 0.0,
            train_loss=train["loss"],
            held_out_loss=held_out["loss"],
            samples=measured[split].samples,
            ece=held_out.get("ece"),
            train_curve=train_curve,
            held_out_curve=held_out_curve,
            score_name=name,
            pictures=splits.facts.kind == "image",
        )
    )


def _chance(splits: Splits) -> float:
    """What always calling the commonest class scores on the training samples."""
    counts = np.bincount(splits.train.targets.astype(np.int64))
    return float(counts.max() / counts.sum())
