"""A head alone, on features that the frozen body gave once for every sample."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, cast

from torch import nn

from weighbridge.learn.data import Samples, Splits
from weighbridge.learn.evaluation.measure import measure
from weighbridge.learn.recipe import Recipe
from weighbridge.learn.record import Record
from weighbridge.learn.training.board import Board
from weighbridge.learn.training.events import Evaluated, Preparing, Step, Tell
from weighbridge.learn.training.made import Made
from weighbridge.learn.training.subject import HeadOnly, Subject, freeze_below_head
from weighbridge.learn.training.weights import distributions
from weighbridge.learn.transfer.features import FrozenSamples, extract
from weighbridge.learn.transfer.head import fit_head

_BATCH = 8
"""Samples through the body at once. Part of what the bits of features depend on, so no setting."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """The head and what it learns from."""

    head: nn.Linear
    train: FrozenSamples
    validation: FrozenSamples

    @classmethod
    def of(cls, made: Made, splits: Splits, cache: Path, tell: Tell) -> Frozen:
        """Send every sample through the body, or read again in `cache` what an earlier process got."""
        (head,) = freeze_below_head(made.network, made.module)

        def features(name: str, samples: Samples) -> FrozenSamples:
            return extract(
                made.network, made.module, samples, batch_size=_BATCH, cache=cache, preparation=splits.preparation,
                tell=lambda done, count: tell(Preparing(f"features of the {name} samples", done, count)),
            )  # fmt: skip

        return cls(cast("nn.Linear", head), features("train", splits.train), features("validation", splits.validation))

    def subject(self, splits: Splits) -> Subject:
        """For the loop: the head by itself."""
        module = HeadOnly(self.head)
        return Subject(module, (module,), (("head.",),), splits.facts, self.train, self.validation)

    def fit(self, recipe: Recipe, splits: Splits, record: Record, board: Board, tell: Tell) -> int:
        """Let LBFGS find the head, on all samples at once. Returns the steps that it took.

        Killed, it begins again: it takes moments, and comes to the same bits.
        """
        spec, began = recipe.train, time.perf_counter()
        most = spec.steps or ceil(spec.epochs or 1)

        def note(step: int, loss: float) -> None:
            seconds = time.perf_counter() - began
            rate = spec.optimizer.learning_rate
            record.add(step=step, epoch=float(step), loss=loss, rate=rate, seconds=round(seconds, 4))
            board.scalars(step, {"loss": loss})
            tell(Step(step, most, float(step), loss, rate, seconds))

        decay, smoothing = spec.optimizer.weight_decay, spec.label_smoothing
        done = fit_head(self.head, self.train, weight_decay=decay, steps=most, smoothing=smoothing, tell=note)
        steps = len(done.losses)
        place: dict[str, Any] = {"step": steps, "epoch": float(steps), "seconds": round(time.perf_counter() - began, 4)}
        module = HeadOnly(self.head)
        for split, samples in (("train", self.train), ("validation", self.validation)):
            if len(samples):
                found = measure(module, samples, splits.facts, recipe.evaluate.batch_size).metrics
                record.add(**place, split=split, metrics=found)
                board.scalars(steps, found, split)
                tell(Evaluated(steps, split, found))
        record.add(**place, weights=distributions(module))
        record.secure()
        return steps
