"""Step one of a reproduction: the published metrics, measured again from the published weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from weighbridge.learn.data import Splits
from weighbridge.learn.evaluation.evaluate import evaluate
from weighbridge.learn.reproduce.again import published

Verdict = Literal["identical", "close", "different"]


@dataclass(frozen=True, slots=True)
class Compared:
    """One metric of a split. `tolerance` is the recipe's for it; None where it states none."""

    split: str
    metric: str
    published: float | None
    found: float | None
    tolerance: float | None = None

    @property
    def verdict(self) -> Verdict:
        if self.published == self.found:
            return "identical"
        if self.published is None or self.found is None or self.tolerance is None:
            return "different"
        return "close" if abs(self.published - self.found) <= self.tolerance else "different"


def compare(
    split: str,
    before: Mapping[str, float],
    now: Mapping[str, float],
    tolerance: Mapping[str, float],
) -> tuple[Compared, ...]:
    """Every metric that either has, in the order of the published ones."""
    names = list(dict.fromkeys([*before, *now]))
    return tuple(Compared(split, name, before.get(name), now.get(name), tolerance.get(name)) for name in names)


def worst(verdicts: list[Verdict]) -> Verdict:
    """The verdict on all: as bad as its worst part."""
    order: tuple[Verdict, ...] = ("different", "close", "identical")
    return next(each for each in order if each in verdicts or each == "identical")


def measure_again(folder: Path, splits: Splits, tolerance: Mapping[str, float]) -> tuple[Compared, ...]:
    """Measure the model on every split that its metrics are of, beside what is published."""
    found: list[Compared] = []
    for split, before in published(folder).splits.items():
        found += compare(split, before, evaluate(folder, splits, split).metrics, tolerance)
    return tuple(found)
