"""Many files, few open at once.

A model may come in hundreds of files, and a process may often hold only 1,024 open. A pooled file is opened when it is
read and closed again when others need its place; it is still one file: if what is found on reopening is not what was
there before, that is `FileChangedError`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from weighbridge.errors import FileChangedError
from weighbridge.tensors import FileSource

MAX_OPEN = 64


class FilePool:
    """Keeps the files that were read last open. Safe from several threads."""

    def __init__(self, limit: int = MAX_OPEN) -> None:
        self._limit = limit
        self._open: OrderedDict[PooledFile, FileSource] = OrderedDict()
        self._lock = threading.Lock()

    def file(self, path: Path, name: str) -> PooledFile:
        """A source for this file, opened now: raises as `FileSource` does."""
        return PooledFile(self, path, name)

    def acquire(self, file: PooledFile) -> FileSource:
        with self._lock:
            source = self._open.pop(file, None)
            if source is None:
                source = FileSource(file.path, file.name)
            self._open[file] = source
            while len(self._open) > self._limit:
                # Not closed here: another thread may be reading it. The last reference closes it.
                self._open.popitem(last=False)
            return source

    def close(self) -> None:
        with self._lock:
            self._open.clear()


class PooledFile:
    """A file that opens itself again when needed, and notices if it is not the same any more."""

    def __init__(self, pool: FilePool, path: Path, name: str) -> None:
        self._pool = pool
        self.path = path
        self.name = name
        first = pool.acquire(self)
        self.size = first.size
        self._stamp = first.stamp

    def read_at(self, offset: int, length: int) -> bytes:
        source = self._pool.acquire(self)
        if source.stamp != self._stamp:
            raise FileChangedError("was replaced or written to since it was opened", where=self.name)
        return source.read_at(offset, length)

    def __repr__(self) -> str:
        return f"<PooledFile {self.name!r} {self.size:,} bytes>"
