"""A run's folder: begun by one recipe, one process at a time, finished once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from weighbridge.errors import FormatError, OtherRunError, UsageError
from weighbridge.learn._json import dump, read_object, write_atomic
from weighbridge.learn.recipe import DataSpec, Recipe
from weighbridge.learn.training import pins

FACTS = "weighbridge.json"
RECIPE = "recipe.yaml"
CHECKPOINTS = "checkpoints"
LOCAL = ".cache"
"""What stays on this machine: pushing a folder leaves it out."""
_LOCK = "run.lock"
_PLACE = "place.json"


@contextmanager
def held(out: Path) -> Iterator[None]:
    """The folder, made if it is not there, while no other process trains in it. Raises `UsageError` if one does."""
    if out.exists() and not out.is_dir():
        raise UsageError("is a file, and a run needs a folder", where=str(out))
    if out.is_dir() and not (out / pins.FILE).exists() and any(each.name != LOCAL for each in out.iterdir()):
        raise UsageError("holds files that no training run made", where=str(out), hint="Give a new or empty folder.")
    (out / LOCAL).mkdir(parents=True, exist_ok=True)
    handle = os.open(out / LOCAL / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError("another process is training in this folder", where=str(out)) from None
        yield
    finally:
        os.close(handle)


def finished(out: Path) -> bool:
    """Whether the run that this folder holds came to its end: the file that says so is written last."""
    return (out / FACTS).is_file()


def begun(out: Path, recipe: Recipe) -> dict[str, Any] | None:
    """The lock of the run in this folder; None if none was begun. Raises `OtherRunError` for that of another recipe."""
    if not (out / pins.FILE).is_file():
        return None
    lock = read_object(out / pins.FILE)
    now = pins.public(recipe)
    differing = [name for name in now if lock.get("recipe", {}).get(name) != now[name]]
    if differing:
        raise OtherRunError(f"holds the run of another recipe: {', '.join(differing)} differ", where=str(out))
    return lock


def begin(out: Path, lock: dict[str, Any], source: str) -> None:
    """Write what the run depends on. The lock comes last: a folder with a lock has all of it."""
    write_atomic(out / RECIPE, source)
    write_atomic(out / pins.FILE, dump(lock))


def keep_place(out: Path, recipe: Recipe, where: Path) -> None:
    """Note where on this machine the data lies, so that measuring again need not be told."""
    values = {"where": str(where), "data": recipe.data.model_dump(mode="json")}
    write_atomic(out / LOCAL / _PLACE, dump(values))


def place(out: Path) -> tuple[DataSpec, Path] | None:
    """What `keep_place` noted: None for a folder that came from elsewhere."""
    path = out / LOCAL / _PLACE
    if not path.is_file():
        return None
    held = read_object(path)
    try:
        return DataSpec.model_validate(held["data"]), Path(held["where"])
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"is no note of where data lies ({error})", where=str(path)) from None
