"""Something of a known size that can be read at an offset: a file, bytes in memory, a stored file, a part of one.

Files are read with pread rather than mapped: a mapped file that is cut short while it is read kills the process with
SIGBUS, a short read is an error that can be told (docs/design/0008-reading-without-mmap.md).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from weighbridge.errors import FileChangedError, PathNotFoundError, TruncatedError, UsageError


class ByteSource(Protocol):
    """`read_at` gives exactly `length` bytes or raises: `TruncatedError` past the end. Safe from several threads."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    def read_at(self, offset: int, length: int) -> bytes: ...


def _check_range(name: str, size: int, offset: int, length: int) -> None:
    if offset < 0 or length < 0 or offset + length > size:
        raise TruncatedError(
            f"expected {length:,} bytes at offset {offset:,}, but there are only {size:,} bytes", where=name
        )


class BytesSource:
    """Bytes that are already in memory."""

    def __init__(self, data: bytes, name: str = "memory") -> None:
        self._data = data
        self.name = name
        self.size = len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        _check_range(self.name, self.size, offset, length)
        return self._data[offset : offset + length]


class SliceSource:
    """The part of another source that begins at `start` and holds `size` bytes: a member of a zip, say."""

    def __init__(self, parent: ByteSource, start: int, size: int, name: str = "") -> None:
        _check_range(parent.name, parent.size, start, size)
        self._parent = parent
        self._start = start
        self.size = size
        self.name = name or parent.name

    def read_at(self, offset: int, length: int) -> bytes:
        _check_range(self.name, self.size, offset, length)
        return self._parent.read_at(self._start + offset, length)


class FileSource:
    """A regular file. A change of its size, time or identity between opening and a read raises `FileChangedError`."""

    def __init__(self, path: str | os.PathLike[str], name: str = "") -> None:
        self.path = Path(path)
        self.name = name or str(self.path)
        try:
            # O_NONBLOCK: opening a named pipe must not wait for a writer before we can refuse it.
            self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            raise PathNotFoundError("there is no such file", where=self.name) from None
        except (OSError, ValueError) as error:
            raise PathNotFoundError(f"cannot be opened: {error}", where=self.name) from error
        opened = os.fstat(self._fd)
        if not stat.S_ISREG(opened.st_mode):
            self.close()
            raise UsageError("is not a regular file", where=self.name)
        self.size = opened.st_size
        self.stamp = _stamp(opened)

    def read_at(self, offset: int, length: int) -> bytes:
        _check_range(self.name, self.size, offset, length)
        data = os.pread(self._fd, length, offset)
        while len(data) < length:  # the system reads at most 2 GiB at a time
            part = os.pread(self._fd, length - len(data), offset + len(data))
            if not part:
                end = offset + len(data)
                raise FileChangedError(
                    f"had {self.size:,} bytes when it was opened and now ends at {end:,}", where=self.name
                )
            data += part
        self.ensure_unchanged()
        return data

    def ensure_unchanged(self) -> None:
        """Raise `FileChangedError` if the file was written since it was opened."""
        if _stamp(os.fstat(self._fd)) != self.stamp:
            raise FileChangedError("was written to while it was being read", where=self.name)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            self.close()


def _stamp(status: os.stat_result) -> tuple[int, int, int, int]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
