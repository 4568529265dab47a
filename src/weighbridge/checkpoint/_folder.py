"""The files of a folder, by name: bounded in number and depth, and none of them outside it.

A symbolic link is followed where its target is a regular file inside the folder. One layout links outside by design:
the cache of huggingface_hub, whose ``snapshots/REVISION/`` holds links to ``blobs/`` beside ``snapshots/``; those are
followed too, and only to there. Any other link out of the folder is an `UnsafePathError` for that name. Linked folders
are not entered, so a walk always ends.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from weighbridge.checkpoint._names import check_name
from weighbridge.errors import LimitError, PathNotFoundError, UnsafePathError, UsageError, WeighbridgeError

MAX_FILES = 20_000
MAX_DEPTH = 12


@dataclass
class Folder:
    """What a walk found: paths by name, and the names that must not or cannot be opened."""

    paths: dict[str, Path] = field(default_factory=dict)
    refused: dict[str, WeighbridgeError] = field(default_factory=dict)


def list_folder(root: Path) -> Folder:
    """All files under `root` except hidden ones, sorted by name. Raises `LimitError` for absurdly many or deep."""
    found = Folder()
    allowed = _allowed_roots(root.resolve())
    for number, (entry, name) in enumerate(_walk(root, "", 0)):
        if number >= MAX_FILES:
            raise _too_many(root)
        if not _is_folder(entry):
            _add(found, Path(entry.path), allowed, name)
    return found


def pick_files(root: Path, names: Iterable[str]) -> Folder:
    """Those of these names that exist under `root`, without looking at anything else there."""
    found = Folder()
    allowed = _allowed_roots(root.resolve())
    for name in names:
        if os.path.lexists(root / name):
            _add(found, root / name, allowed, name)
    return found


def _add(found: Folder, path: Path, allowed: tuple[Path, ...], name: str) -> None:
    try:
        found.paths[check_name(name)] = _checked_target(path, allowed, name)
    except WeighbridgeError as error:
        found.refused[_printable(name)] = error


def _walk(folder: Path, prefix: str, depth: int) -> Iterator[tuple[os.DirEntry[str], str]]:
    """Every entry and its name, folders before what is in them."""
    if depth > MAX_DEPTH:
        raise LimitError(f"has folders nested more than {MAX_DEPTH} deep", where=_printable(prefix))
    try:
        with os.scandir(folder) as entries:
            listing = sorted(islice(entries, MAX_FILES + 1), key=lambda entry: entry.name)
    except OSError as error:
        raise PathNotFoundError(f"cannot be listed: {error.strerror}", where=_printable(str(folder))) from error
    if len(listing) > MAX_FILES:
        raise _too_many(folder)
    for entry in listing:
        if entry.name.startswith("."):
            continue
        yield entry, prefix + entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(folder / entry.name, f"{prefix}{entry.name}/", depth + 1)


def _too_many(folder: Path) -> LimitError:
    hint = "Give the model's own folder."
    return LimitError(f"holds more than {MAX_FILES:,} files", where=_printable(str(folder)), hint=hint)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself; `_checked_target` says what is wrong with it
        return False


def _checked_target(path: Path, allowed: tuple[Path, ...], name: str) -> Path:
    """The path to open. Links are resolved once, here, so that what was checked is what is opened."""
    target = Path(os.path.realpath(path))
    if not any(target.is_relative_to(root) for root in allowed):
        raise UnsafePathError("is a link to a place outside the folder", where=name)
    if path.is_symlink() and not target.is_file():
        raise PathNotFoundError("is a link to something that is not a file", where=name)
    if not target.is_file():
        raise UsageError("is not a regular file", where=name)
    return target


def _allowed_roots(root: Path) -> tuple[Path, ...]:
    """The folder itself and, for a snapshot in the cache of huggingface_hub, the blobs that it links to."""
    for parent in root.parents:
        if parent.name == "snapshots" and parent.parent.name.startswith(("models--", "datasets--", "spaces--")):
            return root, parent.parent / "blobs"
    return (root,)


def _printable(name: str) -> str:
    return name if name.isprintable() else ascii(name)
