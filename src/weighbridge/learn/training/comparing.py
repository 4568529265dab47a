"""The same network trained from nothing, on the same data in the same steps: what starting weights were worth."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch

from weighbridge.learn import record
from weighbridge.learn.data import Splits
from weighbridge.learn.publish.beside import Beside
from weighbridge.learn.publish.model import measure_splits
from weighbridge.learn.recipe import Recipe
from weighbridge.learn.recipe.model import OptimizerSpec
from weighbridge.learn.training import folder
from weighbridge.learn.training.events import Evaluated, Note, Step, Tell
from weighbridge.learn.training.loop import Loop
from weighbridge.learn.training.made import Made, make_from_nothing
from weighbridge.learn.training.subject import Change
from weighbridge.learn.training.taking import subject_of, take_steps

PLACE = f"{folder.LOCAL}/from-nothing"


def compare(
    recipe: Recipe, splits: Splits, out: Path, made: Made, device: torch.device, change: Change, tell: Tell
) -> Beside:
    """Train from nothing beside the run in `out`, or go on with that where it was ended. Raises what a run does."""
    assert made.start is not None  # noqa: S101 (a recipe without a start is refused before)
    plain = _from_nothing(recipe)
    place = out / PLACE
    place.mkdir(parents=True, exist_ok=True)
    tell(Note("Now from nothing, on the same data in as many steps, to compare."))
    other = make_from_nothing(plain, splits.facts, made.start)
    other.module.to(device)
    loop = Loop(subject_of(plain, splits, other, change), plain, device)
    steps, _, _ = take_steps(loop, plain, place, _quietly(tell))
    other.module.eval()
    measured = {name: each.as_json() for name, each in measure_splits(other.module, splits, recipe).items()}
    return Beside(steps, measured, list(record.read(place)))


def forget(out: Path) -> None:
    """Remove what the comparison kept to go on."""
    shutil.rmtree(out / PLACE, ignore_errors=True)


def _from_nothing(recipe: Recipe) -> Recipe:
    """All weights learn; an optimiser that is for heads alone gives way to the usual one."""
    changes: dict[str, Any] = {"what": "all"}
    if recipe.train.optimizer.name == "lbfgs":
        changes["optimizer"] = OptimizerSpec()
    return recipe.model_copy(update={"start": None, "train": recipe.train.model_copy(update=changes)})


def _quietly(tell: Tell) -> Tell:
    """A live page and a bar show one run: of this one they hear notes alone."""

    def told(event: Any) -> None:
        if not isinstance(event, Step | Evaluated):
            tell(event)

    return told
