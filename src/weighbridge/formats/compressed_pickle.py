"""Pickles inside one compressed stream, gzip, zlib, bzip2 or xz: joblib and pandas write and open such by themselves.

The stream is inflated in memory within a bound, and the pickle inside judged and listed like any other. Nothing of it
lies raw in the file, so its tensors have no extents.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from weighbridge.errors import FormatError, LimitError, TruncatedError
from weighbridge.formats.base import FileIndex
from weighbridge.formats.pickle.sniff import looks_like_pickle
from weighbridge.formats.pickle_file import index_pickles, read_pickled
from weighbridge.tensors import ByteSource, BytesSource, TensorInfo

if TYPE_CHECKING:
    import numpy as np

MAX_INFLATED = 256 << 20
"""Bytes that a stream may inflate to: they are held in memory at once."""

_CHUNK = 1 << 18
_HEAD = 4096


class _Inflater(Protocol):
    """What the decompressors of zlib, bz2 and lzma have in common here."""

    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def _lzma(kind: int) -> Callable[[], _Inflater]:
    return lambda: lzma.LZMADecompressor(kind, memlimit=MAX_INFLATED)


_INFLATERS: tuple[tuple[bytes, Callable[[], _Inflater]], ...] = (
    (b"\x1f\x8b", lambda: zlib.decompressobj(zlib.MAX_WBITS | 16)),
    (b"x\x01", zlib.decompressobj),
    (b"x^", zlib.decompressobj),
    (b"x\x9c", zlib.decompressobj),
    (b"x\xda", zlib.decompressobj),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", _lzma(lzma.FORMAT_XZ)),
    (b"]\x00\x00", _lzma(lzma.FORMAT_ALONE)),
)


class CompressedPickle:
    """See the module."""

    name = "compressed-pickle"

    def sniff(self, head: bytes, source: ByteSource) -> bool:
        try:
            beginning = next(_inflated(source), b"")[:_HEAD]
        except FormatError:
            return False
        return looks_like_pickle(BytesSource(beginning))

    def index(self, source: ByteSource) -> FileIndex:
        return index_pickles(self.name, _opened(source), base=None)

    def read(self, source: ByteSource, info: TensorInfo) -> np.ndarray:
        return read_pickled(_opened(source), info, base=None)


def _opened(source: ByteSource) -> ByteSource:
    parts: list[bytes] = []
    room = MAX_INFLATED
    for part in _inflated(source):
        room -= len(part)
        if room < 0:
            raise LimitError(f"inflates to more than the {MAX_INFLATED:,} bytes that we hold", where=source.name)
        parts.append(part)
    return BytesSource(b"".join(parts), source.name)


def _inflated(source: ByteSource) -> Iterator[bytes]:
    """The bytes inside, a bounded piece at a time. Raises `FormatError` where the stream is broken."""
    head = source.read_at(0, min(_HEAD, source.size))
    make = next((make for magic, make in _INFLATERS if head.startswith(magic)), None)
    if make is None:
        return
    inflater = make()
    at = 0
    pending = b""
    try:
        while not inflater.eof:
            if not pending and at < source.size and _needs_input(inflater):
                pending = source.read_at(at, min(_CHUNK, source.size - at))
                at += len(pending)
            part = inflater.decompress(pending, _CHUNK)
            pending = getattr(inflater, "unconsumed_tail", b"")
            if part:
                yield part
            elif at >= source.size and not pending and not inflater.eof:
                raise TruncatedError("ends inside its compressed stream", where=source.name)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
        raise FormatError(f"cannot be inflated: {error}", where=source.name) from None


def _needs_input(inflater: _Inflater) -> bool:
    return bool(getattr(inflater, "needs_input", True))


COMPRESSED_PICKLE = CompressedPickle()
