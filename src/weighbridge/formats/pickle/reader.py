"""The bytes of a pickle, read forward through a window."""

from __future__ import annotations

from weighbridge.errors import TruncatedError
from weighbridge.tensors import ByteSource

_WINDOW = 1 << 16


class Reader:
    """Reads `source` from `start` on. Memory is one window, whatever is skipped or searched."""

    def __init__(self, source: ByteSource, start: int = 0) -> None:
        self.source = source
        self._base = start
        self._window = b""
        self._at = 0

    @property
    def offset(self) -> int:
        """Where the next byte lies in the source."""
        return self._base + self._at

    @property
    def left(self) -> int:
        return self.source.size - self.offset

    def byte(self) -> int:
        at = self._at
        if at == len(self._window):
            self._fill(1)
            at = 0
        self._at = at + 1
        return self._window[at]

    def take(self, count: int) -> bytes:
        """The next `count` bytes; the caller has bounded `count`."""
        end = self._at + count
        if end > len(self._window):
            self._fill(count)
            end = count
        data = self._window[self._at : end]
        self._at = end
        return data

    def skip(self, count: int) -> int:
        """Step over `count` bytes without reading them; gives the offset where they begin."""
        offset = self.offset
        if count > self.left:
            raise self._ended(count)
        if self._at + count <= len(self._window):
            self._at += count
        else:
            self._base, self._window, self._at = offset + count, b"", 0
        return offset

    def line(self, longest: int) -> tuple[int, int, bytes | None]:
        """Step over a line: where it begins, its length, and its bytes unless they are more than `longest`.

        The newline is neither counted nor given.
        """
        start = self.offset
        found = self._window.find(b"\n", self._at)
        if found >= 0:
            line = self._window[self._at : found] if found - self._at <= longest else None
            length, self._at = found - self._at, found + 1
            return start, length, line
        while found < 0:
            self._base, self._window, self._at = self._base + len(self._window), b"", 0
            self._fill(1)
            found = self._window.find(b"\n")
        self._at = found + 1
        length = self._base + found - start
        return start, length, self.source.read_at(start, length) if length <= longest else None

    def _fill(self, count: int) -> None:
        offset = self.offset
        if count > self.source.size - offset:
            raise self._ended(count)
        self._window = self.source.read_at(offset, max(count, min(_WINDOW, self.source.size - offset)))
        self._base, self._at = offset, 0

    def _ended(self, count: int) -> TruncatedError:
        return TruncatedError(
            f"the pickle needs {count:,} more bytes at offset {self.offset:,}, but only {self.left:,} are left",
            where=self.source.name,
        )
