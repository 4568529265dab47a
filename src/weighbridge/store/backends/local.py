"""A store in a folder. obstore gets and lists; writing is our own, for what a disk needs to keep a promise through a
power cut: fsync before the rename, and of the folder after it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import obstore
from obstore.store import LocalStore

from weighbridge.errors import PathNotFoundError, UsageError
from weighbridge.store._keys import INDEX, TMP
from weighbridge.store.backends._errors import told, translate
from weighbridge.store.backends._staging import staged, sweep
from weighbridge.store.backends.base import Listed


def connect(location: str, *, create: bool = False) -> LocalBackend:
    """The folder at this path or file:// URL, made if `create`. Raises `PathNotFoundError` or `UsageError`."""
    root = Path(location.removeprefix("file://"))
    if create:
        _make(root)
    if not root.is_dir():
        raise PathNotFoundError("there is no store here", where=str(root))
    backend = LocalBackend(root)
    backend.sweep()
    return backend


class LocalBackend:
    """A folder. `sweep` removes what dead writers left behind."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._store = LocalStore(root)

    @property
    def location(self) -> str:
        return str(self.root)

    @property
    def exclusive(self) -> bool:
        return True

    @property
    def distant(self) -> bool:
        return False

    def cache(self, store_id: str) -> Path:
        return self.root / INDEX

    def get(self, key: str) -> bytes:
        with told(key):
            return bytes(obstore.get(self._store, key).bytes())

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        if length <= 0:
            return b""
        with told(key):
            descriptor = os.open(self.root / key, os.O_RDONLY | os.O_CLOEXEC)
            try:
                return os.pread(descriptor, length, offset)
            finally:
                os.close(descriptor)

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        return [self.get_range(key, offset, length) for offset, length in ranges]

    def put(self, key: str, parts: Sequence[bytes], *, replace: bool = False) -> bool:
        target = self.root / key
        with told(key), staged(self.root / TMP, parts) as path:
            fresh = not target.parent.is_dir()
            target.parent.mkdir(parents=True, exist_ok=True)
            if replace:
                path.replace(target)
            else:
                try:
                    target.hardlink_to(path)  # fails, at once and for all but one, where the name is taken
                except FileExistsError:
                    _sync_names(target)  # whoever made it may not have come so far, and the caller will rely on it
                    return False
                path.unlink()
            if fresh:
                _sync_names(target)
            else:
                _sync(target.parent)
        return True

    def list(self, prefix: str) -> Iterator[Listed]:
        with told(prefix):
            for batch in obstore.list(self._store, prefix or None):
                for found in batch:
                    yield Listed(str(found["path"]), int(found["size"]), found["last_modified"].timestamp())

    def delete(self, key: str) -> None:
        with told(key), suppress(FileNotFoundError):
            obstore.delete(self._store, key)

    def close(self) -> None:
        pass

    def sweep(self) -> None:
        """Delete staged objects that a dead writer left."""
        sweep(self.root / TMP)


def _sync_names(target: Path) -> None:
    """Make an object's name durable, and those of the folders that hold it (no key of ours is deeper than two)."""
    for folder in target.parents[:3]:
        _sync(folder)


def _sync(path: Path) -> None:
    """Make a file, or the names in a folder, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UsageError("is a file, so it cannot become a store", where=str(root)) from None
    except OSError as error:
        raise translate(error, str(root)) from error
