"""Files on their way into a folder: written under tmp/, locked by their writer, and swept once that is dead.

Age alone does not tell a dead writer from a living one: clocks jump, and machines sleep. A lock does, since the system
lets go of it when a process dies, however it dies. Age stays a condition beside it, for writers that do not lock.
"""

from __future__ import annotations

import fcntl
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from weighbridge.store.page_file import DIRECT_LEAST, write_parts

STALE_SECONDS = 24 * 3600


@contextmanager
def staged(folder: Path, parts: Sequence[bytes]) -> Iterator[Path]:
    """A durable file of these parts, which its user renames or links. What is left of it in the end is removed."""
    path, lock = _create(folder)
    try:
        _write(path, parts)
        yield path  # locked until it has its name
    finally:
        os.close(lock)
        path.unlink(missing_ok=True)


def _write(path: Path, parts: Sequence[bytes]) -> None:
    """Packs past the page cache, what is small as usual."""
    if sum(map(len, parts)) >= DIRECT_LEAST:
        return write_parts(path, parts, made=True)
    with path.open("wb", buffering=0) as file:
        for part in parts:
            view = memoryview(part)
            while view:
                view = view[file.write(view) :]
        os.fsync(file.fileno())
    return None


def sweep(folder: Path) -> None:
    """Remove files that are older than a day and that no living process has locked."""
    limit = time.time() - STALE_SECONDS
    for path in folder.glob("*"):
        # It was swept by another process, is being written, or may not be removed: in any case it is invisible.
        with suppress(OSError):
            if path.stat().st_mtime < limit:
                _remove_unlocked(path)


def _create(folder: Path) -> tuple[Path, int]:
    """A new, empty, locked file."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / uuid.uuid4().hex
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with suppress(OSError):  # a file system without locks; nobody can sweep there either
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_nlink:
            return path, descriptor
        os.close(descriptor)  # swept in the moment before it was locked


def _remove_unlocked(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    finally:
        os.close(descriptor)
