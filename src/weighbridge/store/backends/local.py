"""A store in a folder. obstore does the work; what a disk needs to keep a promise through a power cut is added here:
fsync before the rename, and of the folder after it.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import LocalStore

from weighbridge.errors import PathNotFoundError, UsageError
from weighbridge.store._keys import INDEX, TMP
from weighbridge.store.backends._errors import told, translate
from weighbridge.store.backends.base import Listed
from weighbridge.store.page_file import DIRECT_LEAST, write_parts

SCHEMES = ("file",)
STALE_SECONDS = 24 * 3600


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
    def cache(self) -> Path | None:
        return self.root / INDEX

    def get(self, key: str) -> bytes:
        with told(key):
            return bytes(obstore.get(self._store, key).bytes())

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        with told(key):
            descriptor = os.open(self.root / key, os.O_RDONLY | os.O_CLOEXEC)
            try:
                return os.pread(descriptor, length, offset)
            finally:
                os.close(descriptor)

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        return [self.get_range(key, offset, length) for offset, length in ranges]

    def put(self, key: str, parts: Sequence[bytes], *, replace: bool = False) -> bool:
        folder = (self.root / key).parent
        staged = f"{TMP}{uuid.uuid4().hex}"
        with told(key):
            try:
                self._write(staged, parts)
                fresh = not folder.is_dir()
                obstore.rename(self._store, staged, key, overwrite=replace)
            except AlreadyExistsError:
                self._drop(staged)
                return False
            except BaseException:
                self._drop(staged)
                raise
            _sync(folder)
            if fresh:
                _sync(folder.parent)
                _sync(folder.parent.parent)
        return True

    def list(self, prefix: str) -> Iterator[Listed]:
        with told(prefix):
            for batch in obstore.list(self._store, prefix or None):
                for found in batch:
                    yield Listed(str(found["path"]), int(found["size"]), found["last_modified"].timestamp())

    def delete(self, key: str) -> None:
        with told(key):
            obstore.delete(self._store, key)

    def sweep(self) -> None:
        """Delete staged objects that are older than a day: no put takes so long, so their writers are dead."""
        limit = time.time() - STALE_SECONDS
        for path in (self.root / TMP).glob("*"):
            try:
                if path.stat().st_mtime < limit:
                    path.unlink()
            except OSError:  # another process swept it first, or the folder is read-only: either way it is invisible
                continue

    def _write(self, staged: str, parts: Sequence[bytes]) -> None:
        """A durable object under `tmp/`: packs past the page cache, what is small as usual."""
        if sum(map(len, parts)) >= DIRECT_LEAST:
            (self.root / TMP).mkdir(exist_ok=True)
            write_parts(self.root / staged, parts)
        else:
            obstore.put(self._store, staged, list(parts), use_multipart=False)
            _sync(self.root / staged)

    def _drop(self, staged: str) -> None:
        for path in (self.root / TMP).glob(f"{staged.removeprefix(TMP)}*"):
            path.unlink(missing_ok=True)


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
