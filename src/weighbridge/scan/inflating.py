"""Compressed streams, opened within bounds: a source that holds what they inflate to.

Up to `IN_MEMORY` bytes of one stream stay in memory, and `IN_ALL` of all that are open; the rest goes to files without
names, so that memory stays bounded whatever a file inflates to.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Any

from weighbridge.errors import FormatError, LimitError, TruncatedError, UnsupportedError
from weighbridge.scan.limits import MAX_INFLATED
from weighbridge.tensors import ByteSource

IN_MEMORY = 16 << 20
IN_ALL = 64 << 20
_CHUNK = 1 << 18
_LZMA_MEMORY = 64 << 20


class _Aside:
    """One file for all that does not stay in memory; it goes when nobody needs anything of it any more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._file: Any = None
        self._end = self._users = 0
        self.held = 0

    def hold(self, count: int) -> bool:
        """Whether so many bytes may stay in memory; `held` counts them if so."""
        with self._lock:
            if self.held + count > IN_ALL:
                return False
            self.held += count
            return True

    def let_go(self, count: int) -> None:
        with self._lock:
            self.held -= count

    def put(self, data: bytes | bytearray) -> tuple[Any, int]:
        """Put bytes into the file. Returns the file and where in it they begin."""
        with self._lock:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as what lies in it)
            start = self._end
            self._file.seek(start)
            self._file.write(data)
            self._file.flush()
            self._end += len(data)
            self._users += 1
            return self._file, start

    def drop(self) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                self._file.close()
                self._file, self._end = None, 0


_ASIDE = _Aside()


class Inflated:
    """What a stream held: a `ByteSource`. `inflated` is its size, for the allowance; `fault` why it broke off."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.size = 0
        self.fault: FormatError | None = None
        self.rest = 0
        """How many bytes of the source lie behind the stream."""
        self._memory = bytearray()
        self._file: Any = None
        self._start = 0
        self._held = 0
        self._shares = False

    @property
    def inflated(self) -> int:
        return self.size

    def add(self, part: bytes) -> None:
        self.size += len(part)
        if self._file is None and self.size > IN_MEMORY:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the source)
            self._file.write(self._memory)
            self._memory = bytearray()
        if self._file is None:
            self._memory += part
        else:
            self._file.write(part)

    def done(self) -> None:
        """Nothing more will be added."""
        if self._file is not None:
            self._file.flush()
        elif _ASIDE.hold(self.size):
            self._held = self.size
        else:
            self._file, self._start = _ASIDE.put(self._memory)
            self._memory, self._shares = bytearray(), True

    def __del__(self) -> None:
        if self._held:
            _ASIDE.let_go(self._held)
        if self._shares:
            _ASIDE.drop()
        elif self._file is not None:
            self._file.close()

    def read_at(self, offset: int, length: int) -> bytes:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise TruncatedError(
                f"expected {length:,} bytes at offset {offset:,}, but there are only {self.size:,}", where=self.name
            )
        if self._file is None:
            return bytes(self._memory[offset : offset + length])
        return os.pread(self._file.fileno(), length, self._start + offset)


def _gzip() -> Any:
    import zlib

    return zlib.decompressobj(zlib.MAX_WBITS | 16)


def _zlib() -> Any:
    import zlib

    return zlib.decompressobj()


def _deflate() -> Any:
    import zlib

    return zlib.decompressobj(-zlib.MAX_WBITS)


def _bz2() -> Any:
    import bz2

    return bz2.BZ2Decompressor()


def _xz() -> Any:
    import lzma

    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_LZMA_MEMORY)


def _lzma() -> Any:
    import lzma

    return lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_LZMA_MEMORY)


def _lz4() -> Any:
    import lz4.frame

    return lz4.frame.LZ4FrameDecompressor()


def _zstd() -> Any:
    import zstandard

    return zstandard.ZstdDecompressor(max_window_size=_LZMA_MEMORY).decompressobj()


CODECS: dict[str, Callable[[], Any]] = {
    "gzip": _gzip,
    "zlib": _zlib,
    "deflate": _deflate,
    "bzip2": _bz2,
    "xz": _xz,
    "lzma": _lzma,
    "lz4": _lz4,
    "zstd": _zstd,
}
"""How a stream of each kind is opened; the library is imported when the first such stream is met."""

_BOUNDED = frozenset({"gzip", "zlib", "deflate", "bzip2", "xz", "lzma", "lz4"})  # take the most bytes to give


def inflate(
    codec: str | Callable[[], Any],
    source: ByteSource,
    start: int,
    length: int,
    name: str,
    *,
    most: int | None = None,
) -> Inflated:
    """What the stream at `start` holds, up to `most` bytes. One that breaks gives what came before, with a `fault`.

    `codec` is a name of `CODECS`, or makes a decompressor that takes the most bytes to give. Raises `LimitError` where
    it inflates to more than any file may.
    """
    out = Inflated(name)
    try:
        for part in _parts(codec, source, start, start + length, out):
            out.add(part if most is None else part[: most - out.size])
            if most is not None and out.size >= most:
                break
            if out.size > MAX_INFLATED:
                raise LimitError(f"inflates to more than the {MAX_INFLATED:,} bytes that we read", where=name)
    except FormatError as error:
        if isinstance(error, LimitError):
            raise
        out.fault = error
    out.done()
    return out


def _parts(codec: str | Callable[[], Any], source: ByteSource, start: int, end: int, out: Inflated) -> Iterator[bytes]:
    """The bytes inside, a bounded piece at a time; streams of one kind that follow each other are one."""
    make = CODECS.get(codec) if isinstance(codec, str) else codec
    if make is None:
        raise UnsupportedError(f"is compressed by {codec}, which we do not read", where=out.name)
    machine, at, pending, first = make(), start, b"", True
    bounded = not isinstance(codec, str) or codec in _BOUNDED
    while True:
        if not pending and at < end and getattr(machine, "needs_input", True):
            pending = source.read_at(at, min(_CHUNK, end - at))
            at += len(pending)
        try:
            part = machine.decompress(pending, _CHUNK) if bounded else machine.decompress(pending)
        except Exception as error:  # noqa: BLE001 (each library has its own, all of them mean: broken)
            if not first:  # what follows a whole stream is not one more
                out.rest = end - at + len(pending)
                return
            raise FormatError(f"cannot be inflated: {error}", where=out.name) from None
        pending = getattr(machine, "unconsumed_tail", b"")
        if part:
            yield part
        if machine.eof:
            left = machine.unused_data
            if not left and at >= end:
                return
            pending = left or source.read_at(at, min(_CHUNK, end - at))
            at += 0 if left else len(pending)
            machine, first = make(), False
        elif not part and not pending and at >= end:
            if first:
                raise TruncatedError("ends inside its compressed stream", where=out.name)
            return
