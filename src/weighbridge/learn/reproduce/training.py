"""Step two of a reproduction: training again from the recipe, and the weights compared bit for bit."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from weighbridge.checkpoint import Checkpoint
from weighbridge.checkpoint import open as open_checkpoint
from weighbridge.learn import record
from weighbridge.learn.data import Splits
from weighbridge.learn.networks._files import WEIGHTS
from weighbridge.learn.recipe import Recipe
from weighbridge.learn.reproduce.again import published
from weighbridge.learn.reproduce.measuring import Compared, Verdict, compare, worst
from weighbridge.learn.start import Start
from weighbridge.learn.training import Tell, run
from weighbridge.learn.training.whole import change_of


@dataclass(frozen=True, slots=True)
class Differing:
    """A tensor that came out otherwise: `changed` of `items` numbers, by `largest` at most.

    None where the tensor has another shape or is there on one side alone.
    """

    name: str
    items: int
    changed: int | None
    largest: float | None


@dataclass(frozen=True, slots=True)
class Trained:
    """What training again came to. `first_step` is the first whose loss was another; None where none was."""

    folder: Path
    tensors: int
    differing: tuple[Differing, ...]
    first_step: int | None
    metrics: tuple[Compared, ...]

    @property
    def verdict(self) -> Verdict:
        """Identical weights; or metrics within the tolerance that the recipe states."""
        if not self.differing:
            return "identical"
        return "close" if worst([each.verdict for each in self.metrics]) != "different" else "different"


def train_again(
    folder: Path, recipe: Recipe, lock: dict[str, Any], splits: Splits, out: Path, *, where: Path,
    start: Start | None, tell: Tell,
) -> Trained:  # fmt: skip
    """Train by the recipe in `out` with the lock's number of threads, and compare with the model in `folder`.

    A run in `out` that was ended goes on. Raises what `run` does.
    """
    hardware = recipe.hardware.model_copy(update={"threads": int(lock["threads"])})
    pinned = recipe.model_copy(update={"hardware": hardware})
    run(pinned, splits, out, where=where, start=start, change=change_of(recipe), tell=tell)
    with open_checkpoint(folder / WEIGHTS) as before, open_checkpoint(out / WEIGHTS) as now:
        names = list(dict.fromkeys([*before, *now]))
        differing = tuple(each for name in names if (each := _differing(name, before, now)))
    theirs, ours = published(folder), published(out)
    tolerance = recipe.reproduce.tolerance
    metrics = [each for name in theirs.splits for each in compare(
        name, theirs.splits[name], ours.splits.get(name, {}), tolerance)]  # fmt: skip
    return Trained(out, len(names), differing, _first_step(folder, out), tuple(metrics))


def _differing(name: str, before: Checkpoint, now: Checkpoint) -> Differing | None:
    if name not in before or name not in now or before[name].shape != now[name].shape:
        return Differing(name, 0, None, None)
    was, came = before[name].numpy(), now[name].numpy()
    if was.tobytes() == came.tobytes():
        return None
    change = np.abs(was.astype(np.float64) - came.astype(np.float64))
    return Differing(name, was.size, int(np.count_nonzero(change)), float(change.max()))


def _first_step(folder: Path, out: Path) -> int | None:
    """None too where the published folder came without its record."""
    theirs, ours = (_losses(each) for each in (folder, out))
    if not theirs:
        return None
    pairs = zip_longest(theirs, ours, fillvalue=(0, None))
    return next((max(a[0], b[0]) for a, b in pairs if a != b), None)


def _losses(folder: Path) -> list[tuple[int, float | None]]:
    return [(line["step"], line["loss"]) for line in record.read(folder) if "loss" in line]
