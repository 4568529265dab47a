"""The seam under the store: whole objects by key, written once, atomically.

Five verbs, so that a disk, a bucket and a failing double in a test are the same to everything above. obstore does the
work; the local backend adds what a disk needs to keep a promise through a power cut: fsync before the rename.
"""

from __future__ import annotations

import errno
import os
import re
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore

from weighbridge.errors import ObjectNotFoundError, StorageFullError, StoreError, WeighbridgeError
from weighbridge.store._keys import TMP

STALE_SECONDS = 24 * 3600

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


@dataclass(frozen=True, slots=True)
class Listed:
    key: str
    size: int


class Backend(Protocol):
    """Objects by key. Every method raises `StoreError`; `ObjectNotFoundError` where there is no such object."""

    def get(self, key: str) -> bytes: ...

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """Up to `length` bytes: fewer where the object ends before."""
        ...

    def put(self, key: str, parts: Sequence[bytes], *, replace: bool = False) -> bool:
        """Write an object as a whole, durably. False, and nothing written, if it exists and may not be replaced."""
        ...

    def list(self, prefix: str) -> Iterator[Listed]: ...

    def delete(self, key: str) -> None: ...


class LocalBackend:
    """A folder. `sweep` removes what dead writers left behind."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._store = LocalStore(root)

    def get(self, key: str) -> bytes:
        with _told(key):
            return bytes(obstore.get(self._store, key).bytes())

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        with _told(key):
            try:
                return bytes(obstore.get_range(self._store, key, start=offset, length=length))
            except BaseError as error:
                if "range was invalid" in str(error):  # it begins past the end, and there is no class for that
                    return b""
                raise

    def put(self, key: str, parts: Sequence[bytes], *, replace: bool = False) -> bool:
        folder = (self.root / key).parent
        staged = f"{TMP}{uuid.uuid4().hex}"
        with _told(key):
            try:
                obstore.put(self._store, staged, list(parts), use_multipart=False)
                _sync(self.root / staged)
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
        with _told(prefix):
            for batch in obstore.list(self._store, prefix or None):
                for found in batch:
                    yield Listed(str(found["path"]), int(found["size"]))

    def delete(self, key: str) -> None:
        with _told(key):
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


@contextmanager
def _told(key: str) -> Iterator[None]:
    """Errors of obstore and of the system, as ours."""
    try:
        yield
    except FileNotFoundError:
        raise ObjectNotFoundError("the store has no such object", where=key) from None
    except (BaseError, OSError) as error:
        raise translate(error, key) from error


def translate(error: Exception, key: str) -> WeighbridgeError:
    """Our error for one of obstore's, which tell the system's error number only in their text."""
    number = error.errno if isinstance(error, OSError) else None
    if number is None and (found := re.search(r"\(os error (\d+)\)", str(error))):
        number = int(found.group(1))
    reason = os.strerror(number) if number else str(error).split("\n", 1)[0]
    if number in _FULL:
        return StorageFullError(f"no room to write it: {reason}", where=key)
    if number in _READ_ONLY:
        return StoreError(f"may not be written or read here: {reason}", where=key)
    return StoreError(reason, where=key)
