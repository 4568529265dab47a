"""A xorb: chunks of files, each compressed on its own, one after another.

    chunk    version u8 = 0 · stored length u24 · scheme u8 · raw length u24 (little-endian), then the stored bytes
    footer   optional, begins with "XETBLOB": everything in it can be computed, so reading stops there

A xorb is named by the hash over its chunks (`hashing.xorb_hash`), so the same chunks compressed otherwise are the same
xorb. `read_chunks` holds one chunk at a time, whatever a hostile sender claims.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import BinaryIO

from lz4.frame import LZ4FrameDecompressor
from lz4.frame import compress as lz4_compress

from weighbridge.errors import FormatError, InputError, LimitError, TruncatedError, UnsupportedError
from weighbridge.wire.xet import hashing

HEADER_BYTES = 8
MAX_CHUNK_BYTES = 128 << 10  # raw; the client's chunker never cuts longer ones
MAX_STORED_CHUNK_BYTES = 2 * MAX_CHUNK_BYTES
MAX_CHUNKS = 1 << 16  # the reference client stops at 8,192, but the format sets no limit
# The published limit of 64 MiB is kept by the client before it adds headers: noise, which does not shrink, goes beyond.
MAX_XORB_BYTES = (64 << 20) + MAX_CHUNKS * HEADER_BYTES
MAX_RAW_BYTES = (4 << 30) - 1  # a shard counts them in 32 bits; the reference client stops at 64 MiB
MAX_FOOTER_BYTES = 4 << 20  # a footer of 65,536 chunks is 2.6 MB

_FOOTER_MAGIC = b"XETBLOB"
_PLANES = 4


class Scheme(IntEnum):
    """How one chunk is compressed."""

    NONE = 0
    LZ4 = 1  # LZ4's frame format
    BG4_LZ4 = 2  # bytes 0, 4, 8 … first, then 1, 5, 9 …, and so on: four planes, then LZ4


@dataclass(frozen=True, slots=True)
class ChunkHeader:
    scheme: Scheme
    stored: int  # bytes that follow the header
    raw: int  # bytes that they stand for

    @classmethod
    def parse(cls, data: bytes) -> ChunkHeader:
        """Eight bytes. Raises `FormatError` for lengths and schemes that no client writes."""
        version, scheme = data[0], data[4]
        stored, raw = int.from_bytes(data[1:4], "little"), int.from_bytes(data[5:8], "little")
        if version:
            raise UnsupportedError(f"chunk version {version}, expected 0")
        if scheme not in Scheme.__members__.values():
            raise UnsupportedError(f"chunk compression scheme {scheme}, expected 0 (none), 1 (LZ4) or 2 (BG4-LZ4)")
        if not 0 < raw <= MAX_CHUNK_BYTES:
            raise LimitError(f"a chunk of {raw:,} bytes, expected 1 to {MAX_CHUNK_BYTES:,}")
        if not 0 < stored <= MAX_STORED_CHUNK_BYTES:
            raise LimitError(f"a chunk stored in {stored:,} bytes, expected 1 to {MAX_STORED_CHUNK_BYTES:,}")
        return cls(Scheme(scheme), stored, raw)

    def pack(self) -> bytes:
        return bytes([0, *self.stored.to_bytes(3, "little"), self.scheme, *self.raw.to_bytes(3, "little")])


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk of a xorb: its raw bytes and their hash, and where its header lies in the xorb."""

    data: bytes
    hash: bytes
    offset: int


def read_chunks(xorb: BinaryIO) -> Iterator[Chunk]:
    """The chunks of a serialised xorb, in order, up to its end or its footer.

    Raises `FormatError` (or `TruncatedError`, `LimitError`) and `UnsupportedError` for bytes that are not a xorb. The
    name of the xorb is for the caller to check, once all chunks are read.
    """
    offset, count, raw = xorb.tell(), 0, 0
    while head := xorb.read(HEADER_BYTES):
        if head.startswith(_FOOTER_MAGIC):
            return
        where = f"chunk {count} at byte {offset}"
        try:
            chunk = _read_chunk(xorb, head, offset)
        except InputError as error:
            raise error.at(where) from None
        yield chunk
        offset = xorb.tell()
        count += 1
        raw += len(chunk.data)
        if raw > MAX_RAW_BYTES:
            raise LimitError(f"more than {MAX_RAW_BYTES:,} raw bytes in one xorb", where=where)
        if count > MAX_CHUNKS:
            raise LimitError(f"more than {MAX_CHUNKS:,} chunks in one xorb", where=where)
        if offset > MAX_XORB_BYTES:
            raise LimitError(f"more than {MAX_XORB_BYTES:,} bytes of chunks in one xorb", where=where)


def _read_chunk(xorb: BinaryIO, head: bytes, offset: int) -> Chunk:
    if len(head) < HEADER_BYTES:
        raise TruncatedError(f"{len(head)} bytes of a chunk header, expected {HEADER_BYTES}")
    header = ChunkHeader.parse(head)
    stored = xorb.read(header.stored)
    if len(stored) < header.stored:
        raise TruncatedError(f"{len(stored):,} bytes of a chunk, expected {header.stored:,}")
    data = decode(header, stored)
    return Chunk(data, hashing.chunk_hash(data), offset)


def decode(header: ChunkHeader, stored: bytes) -> bytes:
    """The raw bytes of one chunk; never allocates more than `header.raw` of them."""
    if header.scheme is Scheme.NONE:
        if header.raw != header.stored:
            raise FormatError(f"{header.stored:,} bytes stored as they are, but said to be {header.raw:,}")
        return stored
    raw = _decompress(stored, header.raw)
    return _merge_planes(raw) if header.scheme is Scheme.BG4_LZ4 else raw


def _decompress(stored: bytes, size: int) -> bytes:
    """Exactly `size` bytes out of one LZ4 frame. A frame that holds more is not decompressed to its end."""
    frame = LZ4FrameDecompressor()
    try:
        raw: bytes = frame.decompress(stored, max_length=size + 1)
    except (RuntimeError, ValueError) as error:
        raise FormatError(f"not an LZ4 frame: {error}") from None
    if len(raw) != size:
        found = "more" if len(raw) > size else f"{len(raw):,}"
        raise FormatError(f"the LZ4 frame was said to hold {size:,} bytes and holds {found}")
    if not frame.eof or frame.unused_data:
        raise FormatError("the LZ4 frame does not end where the chunk does")
    return raw


def _merge_planes(planes: bytes) -> bytes:
    merged = bytearray(len(planes))
    start = 0
    for plane in range(_PLANES):
        stop = start + (len(planes) - plane + _PLANES - 1) // _PLANES
        merged[plane::_PLANES] = planes[start:stop]
        start = stop
    return bytes(merged)


def encode(data: bytes, scheme: Scheme = Scheme.LZ4) -> bytes:
    """One chunk, header and all; stored as it is where compression would not shrink it."""
    plain = b"".join(data[plane::_PLANES] for plane in range(_PLANES)) if scheme is Scheme.BG4_LZ4 else data
    stored: bytes = data if scheme is Scheme.NONE else lz4_compress(plain)
    if len(stored) >= len(data):
        scheme, stored = Scheme.NONE, data
    return ChunkHeader(scheme, len(stored), len(data)).pack() + stored


def serialise(chunks: Iterable[bytes], scheme: Scheme = Scheme.LZ4) -> bytes:
    """A xorb of these chunks, without a footer. ``[c.data for c in read_chunks(BytesIO(serialise(x)))] == list(x)``."""
    return b"".join(encode(chunk, scheme) for chunk in chunks)
