"""Many byte strings by number: in memory while they are few, in a temporary file from then on."""

from __future__ import annotations

import os
import tempfile
from typing import IO, Any, final

import numpy as np
from numpy.typing import NDArray

from weighbridge.errors import StorageFullError

IN_MEMORY = 256 << 20


@final
class Blobs:
    """Append, then read by number. Memory holds at most `limit` bytes and 8 bytes for each string.

    The file has no name and goes when the process does.
    """

    def __init__(self, limit: int = IN_MEMORY) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._file: IO[bytes] | None = None
        self._ends: list[int] = []
        self._size = 0

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def spilled(self) -> bool:
        return self._file is not None

    def append(self, blob: bytes) -> None:
        """Raises `StorageFullError` where the temporary file finds no room."""
        self._size += len(blob)
        self._ends.append(self._size)
        if self._file is None and self._size > self._limit:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as this object)
            for piece in self._pieces:
                self._write(piece)
            self._pieces.clear()
        if self._file is None:
            self._pieces.append(blob)
        else:
            self._write(blob)

    def _write(self, blob: bytes) -> None:
        assert self._file is not None  # noqa: S101 (for the type checker)
        try:
            self._file.write(blob)
        except OSError as error:
            raise StorageFullError(f"no room for samples: {error}", where=tempfile.gettempdir()) from error

    def __getitem__(self, index: int) -> bytes:
        if self._file is None:
            return self._pieces[index]
        start = self._ends[index - 1] if index else 0
        self._file.flush()
        return os.pread(self._file.fileno(), self._ends[index] - start, start)


def matrix(rows: int, columns: int, dtype: type[np.float64] | type[np.int64], limit: int = IN_MEMORY) -> NDArray[Any]:
    """A matrix to fill: in memory, or mapped from a temporary file where it is larger than `limit` bytes."""
    nbytes = rows * columns * np.dtype(dtype).itemsize
    if nbytes <= limit:
        return np.zeros((rows, columns), dtype)
    with tempfile.TemporaryFile() as file:
        try:
            os.posix_fallocate(file.fileno(), 0, nbytes)  # a full disk is an error now, not a signal while writing
        except OSError as error:
            raise StorageFullError(
                f"no room for {nbytes:,} bytes of samples: {error}", where=tempfile.gettempdir()
            ) from error
        return np.memmap(file, dtype, "r+", shape=(rows, columns))
