"""A recipe as somebody gave it, trained: its data and starting weights found, then `run`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from weighbridge.learn import data, start
from weighbridge.learn.data import Batch, Fetch
from weighbridge.learn.recipe import Recipe
from weighbridge.learn.recipe.read import Given
from weighbridge.learn.training.events import Note, Tell, nobody
from weighbridge.learn.training.run import Result, run
from weighbridge.learn.training.subject import Change, unchanged

Models = Callable[[str], Path]
"""Turns ``org/name@revision`` into a model's folder."""


def train(
    given: Given, out: Path, *, models: Models | None = None, datasets: Fetch | None = None, tell: Tell = nobody
) -> Result:
    """Train by a recipe in the folder `out`, or go on there. See `run`, which says what is raised."""
    recipe = given.recipe
    weights = start.find(recipe.start, where=given.where, resolve=models) if recipe.start is not None else None
    splits = data.load(recipe.data, where=given.where, fetch=datasets)
    for each in splits.notices:
        tell(Note(each.text))
    return run(
        recipe, splits, out, source=given.text, where=given.where, start=weights, change=change_of(recipe), tell=tell
    )


def change_of(recipe: Recipe) -> Change:
    """What the recipe changes in training samples before they are learned from."""
    names = recipe.data.image.augment
    if not names:
        return unchanged

    def change(batch: Batch, rng: np.random.Generator) -> Batch:
        return {**batch, "pixels": data.augment(batch["pixels"], names, rng)}

    return change
