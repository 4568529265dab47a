"""The files below a path, in the order of their names. A link that leads out of the folder is told, never followed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from weighbridge.errors import PathNotFoundError, UnsafePathError, WeighbridgeError
from weighbridge.tensors import ByteSource, FileSource
from weighbridge.tensors.names import safe_relative_name

MAX_FILES = 1_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """One file to scan: the path as it is told, and the folder that was asked about."""

    path: str
    root: Path
    error: WeighbridgeError | None = None

    def beside(self, name: str) -> ByteSource | None:
        """Another file, named relative to this one's folder; None where there is none inside the root."""
        try:
            target = (Path(self.path).parent / safe_relative_name(name)).resolve()
            inside = target.is_relative_to(self.root.resolve()) and target.is_file()
            return FileSource(target, name) if inside else None
        except (WeighbridgeError, OSError, ValueError):
            return None

    def siblings(self) -> frozenset[str]:
        try:
            return frozenset(entry.name for entry in os.scandir(Path(self.path).parent))
        except OSError:
            return frozenset()


def walk(path: str) -> Iterator[Place]:
    """The file itself, or every file below the folder. A path that is not there is a place with an error."""
    root = Path(path)
    if not os.path.isdir(path):  # noqa: PTH112 (no exception for a name that no file can have)
        missing = None if os.path.exists(path) else PathNotFoundError("there is no such file or folder", where=path)  # noqa: PTH110
        yield Place(path, root.parent, missing)
        return
    allowed = _allowed(root)
    for folder, folders, names in os.walk(root):
        folders.sort()
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in sorted([*names, *links]):
            yield _place(Path(folder, name), root, allowed)


def _allowed(root: Path) -> tuple[Path, ...]:
    """Where links may lead: into the folder; in the Hugging Face cache, from a snapshot into its blobs."""
    real = root.resolve()
    blobs = [parent / "blobs" for parent in (real.parent.parent, real) if (parent / "snapshots").is_dir()]
    return (real, *blobs)


def _place(path: Path, root: Path, allowed: tuple[Path, ...]) -> Place:
    told = str(path)
    if path.is_symlink():
        target = path.resolve()
        if not any(target.is_relative_to(folder) for folder in allowed):
            hint = "Scan what it leads to by its own path."
            return Place(told, root, UnsafePathError("is a link that leads out of the folder", where=told, hint=hint))
        if target.is_dir():
            return Place(told, root, UnsafePathError("is a link to a folder, which is not followed", where=told))
    return Place(told, root)
