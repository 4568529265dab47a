"""The data to measure a published model on: the data it was made with, found again, or other data like it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from weighbridge.errors import DataError, FormatError, PathNotFoundError, UsageError
from weighbridge.learn import data
from weighbridge.learn._json import read_object
from weighbridge.learn.data import Fetch, Like, Splits
from weighbridge.learn.evaluation.evaluate import LOCK, METRICS, facts_of
from weighbridge.learn.recipe import DataSpec, Recipe, SplitSpec
from weighbridge.learn.training import folder as folders


@dataclass(frozen=True, slots=True)
class Found:
    """`same`: whether samples, targets and splits are those that the model was made with, by their digest. `spec` and
    `where` are what was read."""

    splits: Splits
    same: bool
    spec: DataSpec
    where: Path


@dataclass(frozen=True, slots=True)
class Published:
    """What metrics.json says: the split that the metrics are of, and the metrics of each."""

    split: str
    splits: Mapping[str, Mapping[str, float]]

    def of(self, split: str) -> Mapping[str, float] | None:
        return self.splits.get(split)


def published(folder: Path) -> Published:
    """The metrics that came with a model. Raises `FormatError` for a file that holds none."""
    held = read_object(folder / METRICS)
    try:
        return Published(str(held["split"]), {name: dict(each["metrics"]) for name, each in held["splits"].items()})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"holds no metrics of splits ({error})", where=str(folder / METRICS)) from None


def recipe_of(folder: Path) -> Recipe:
    """The recipe that a published model was trained by, as its lock has it."""
    held = read_object(folder / LOCK).get("recipe")
    try:
        return Recipe.model_validate(held)
    except ValidationError as error:
        raise FormatError(
            f"holds no recipe that we know: {error.error_count()} errors", where=str(folder / LOCK)
        ) from None


def find_data(
    folder: Path, place: str | None = None, *, where: Path | None = None, fetch: Fetch | None = None
) -> Found:
    """Read the data of the model in `folder` again.

    `place` says where it lies now, from the folder `where` (the present one): a path, ``package:…`` or ``hub:…``.
    Without it, the place that the recipe names; a dataset on a hub at the commit that the lock pins. If what lies at
    `place` is not what the model was made with, it is read like it: the same classes and preparation, all for testing
    where the data does not divide itself.

    Raises `UsageError` where the data is not to be found and no place was given.
    """
    locked = read_object(folder / LOCK).get("data", {})
    pinned = str(locked.get("digest"))
    spec, root = _spec(folder, place, where or Path())
    if place is None and spec.path.startswith("hub:") and isinstance(locked.get("hub"), str):
        spec = spec.model_copy(update={"path": f"hub:{locked['hub']}"})
    try:
        splits = data.load(spec, where=root, fetch=fetch)
    except (DataError, PathNotFoundError) as error:
        if place is None:
            error.hint = "Say where its data lies: --data."
        if place is None or isinstance(error, PathNotFoundError):
            raise
    else:
        if splits.digest == pinned:
            return Found(splits, same=True, spec=spec, where=root)
        if place is None:
            raise UsageError(
                f"the data at {spec.path} is no longer what the model was made with: its digest is "
                f"{splits.digest[:16]}…, expected {pinned[:16]}…",
                where=str(folder),
                hint="Give the data's place by --data; other data is then measured as what it is.",
            )
    _, facts, preparation = facts_of(folder)
    whole = spec.model_copy(update={"split": SplitSpec(column=spec.split.column), "limits": {}, "labels": None})
    return Found(data.load(whole, where=root, fetch=fetch, like=Like(facts, preparation)), False, spec, root)


def _spec(folder: Path, place: str | None, where: Path) -> tuple[DataSpec, Path]:
    noted = folders.place(folder)
    if place is None:
        return noted or (recipe_of(folder).data, folder)
    spec = noted[0] if noted else recipe_of(folder).data
    change: dict[str, Any] = {"path": place, "format": "auto", "test": None}
    if spec.test is not None and (where / place / Path(spec.test).name).is_file():
        change["test"] = str(Path(place) / Path(spec.test).name)
    return spec.model_copy(update=change), where
