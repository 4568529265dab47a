"""A shard: how the files of an upload are put together from chunks of xorbs.

    header    tag (32 bytes) · version u64 = 2 · footer length u64 = 0
    file      hash · flags u32 · terms u32 · 8 spare; then the terms, then their proofs (flag 31), then sha256 (flag 30)
    term      xorb hash · flags u32 · bytes u32 · first chunk u32 · last chunk u32 (exclusive)
    proof     `hashing.term_hash` of the term's chunks · 16 spare
    sha256    the file's, with each eight bytes reversed as in a hash's text · 16 spare
    bookend   32 × 0xFF · 16 × 0
    xorb      hash · flags u32 · chunks u32 · raw bytes u32 · serialised bytes u32; then the chunks
    chunk     hash · first raw byte u32 · raw bytes u32 · 8 spare
    bookend

Every record is 48 bytes, every number little-endian. A shard may be 64 MiB and more, which is over a million records:
`parse` checks the structure and keeps views of the bytes; records become values one file at a time.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from weighbridge.errors import FormatError, LimitError, TruncatedError, UnsupportedError
from weighbridge.wire.xet.hashing import HASH_BYTES

MAX_SHARD_BYTES = 68 << 20  # the client begins another one at 64 MiB
MAX_BLOCKS = (
    1 << 16
)  # files, and likewise xorbs, of one shard; a commit of the reference client has at most 1,000 files
RECORD_BYTES = 48

_TAG = b"HFRepoMetaData\0" + bytes.fromhex("556967456a7b815783a5bdd95ccdd14aa9")
_VERSION = 2
_BOOKEND_HASH = b"\xff" * HASH_BYTES
_BOOKEND = _BOOKEND_HASH + bytes(16)
_WITH_PROOFS = 1 << 31
_WITH_SHA256 = 1 << 30

_HEADER = struct.Struct("<32sQQ")
_RECORD = struct.Struct("<32s4I")


@dataclass(frozen=True, slots=True)
class Term:
    """Chunks `first` to `last` (exclusive) of a xorb: `nbytes` of a file. `proof` is the hash of the chunks' hashes."""

    xorb: bytes
    first: int
    last: int
    nbytes: int
    proof: bytes


@dataclass(frozen=True, slots=True)
class ShardFile:
    """One file: its Xet hash, its sha256 as the client claims it (None if it does not), and its terms in order."""

    hash: bytes
    sha256: bytes | None
    count: int
    _terms: memoryview = field(repr=False)
    _proofs: memoryview = field(repr=False)

    def terms(self) -> Iterator[Term]:
        for at in range(0, self.count * RECORD_BYTES, RECORD_BYTES):
            xorb, _, nbytes, first, last = _RECORD.unpack_from(self._terms, at)
            yield Term(xorb, first, last, nbytes, bytes(self._proofs[at : at + HASH_BYTES]))


@dataclass(frozen=True, slots=True)
class ShardXorb:
    """What the client says of a xorb that it uploaded: its hash, how many chunks, and their raw bytes together."""

    hash: bytes
    chunks: int
    nbytes: int


@dataclass(frozen=True, slots=True)
class Shard:
    files: tuple[ShardFile, ...]
    xorbs: tuple[ShardXorb, ...]


def parse(data: bytes) -> Shard:
    """The shard in `data`, its structure checked: bookends in place, nothing before, between or after the blocks.

    Raises `FormatError` (or `TruncatedError`, `LimitError`) and `UnsupportedError`, naming the byte. What a shard says
    of hashes is not checked here: that takes the chunks.
    """
    if len(data) > MAX_SHARD_BYTES:
        raise LimitError(f"a shard of {len(data):,} bytes, expected at most {MAX_SHARD_BYTES:,}")
    _check_header(data)
    reader = _Reader(memoryview(data), RECORD_BYTES)
    files = tuple(_files(reader))
    xorbs = tuple(_xorbs(reader))
    if reader.at != len(data):
        raise FormatError(f"{len(data) - reader.at:,} bytes after the last bookend", where=f"shard byte {reader.at}")
    return Shard(files, xorbs)


def _check_header(data: bytes) -> None:
    if len(data) < _HEADER.size:
        raise TruncatedError(f"a shard of {len(data)} bytes, expected at least {_HEADER.size}")
    tag, version, footer = _HEADER.unpack_from(data)
    if tag != _TAG:
        raise FormatError(f"begins with {tag[:15]!r}, expected the tag of a shard", where="shard byte 0")
    if version != _VERSION:
        raise UnsupportedError(f"shard version {version}, expected {_VERSION}", where="shard byte 32")
    if footer:
        raise FormatError(f"a footer of {footer} bytes, expected none in an upload", where="shard byte 40")


class _Reader:
    """Takes records off a shard, and says at which byte it ran out of them."""

    def __init__(self, data: memoryview, at: int) -> None:
        self._data = data
        self.at = at

    def take(self, records: int, what: str) -> memoryview:
        stop = self.at + records * RECORD_BYTES
        if stop > len(self._data):
            left = len(self._data) - self.at
            raise TruncatedError(f"{records:,} records of {what} expected, {left:,} bytes left", where=self.where)
        taken = self._data[self.at : stop]
        self.at = stop
        return taken

    @property
    def where(self) -> str:
        return f"shard byte {self.at}"

    def blocks(self, what: str) -> Iterator[tuple[bytes, int, int, int, int]]:
        """The first record of each block, unpacked, up to the bookend."""
        for _ in range(MAX_BLOCKS + 1):
            record = self.take(1, what)
            if record[:HASH_BYTES] == _BOOKEND_HASH:
                return
            yield _RECORD.unpack(record)
        raise LimitError(f"more than {MAX_BLOCKS:,} {what} in one shard", where=self.where)


def _files(reader: _Reader) -> Iterator[ShardFile]:
    for digest, flags, count, _, _ in reader.blocks("files"):
        where = reader.where
        terms = reader.take(count, "terms")
        if count and not flags & _WITH_PROOFS:
            raise FormatError("a file without proofs of its terms, expected one for each", where=where)
        proofs = reader.take(count if flags & _WITH_PROOFS else 0, "proofs")
        sha256 = _reversed_words(reader.take(1, "sha256")[:HASH_BYTES]) if flags & _WITH_SHA256 else None
        yield ShardFile(digest, sha256, count, terms, proofs)


def _xorbs(reader: _Reader) -> Iterator[ShardXorb]:
    for digest, _, count, nbytes, _ in reader.blocks("xorbs"):
        reader.take(count, "chunks")
        yield ShardXorb(digest, count, nbytes)


def _reversed_words(data: bytes | memoryview) -> bytes:
    return struct.pack(">4Q", *struct.unpack("<4Q", data))


def serialise(files: Iterable[tuple[bytes, bytes | None, Iterable[Term]]], xorbs: Iterable[XorbRecord] = ()) -> bytes:
    """A shard as clients upload it: `files` as (Xet hash, sha256, terms)."""
    parts = [_HEADER.pack(_TAG, _VERSION, 0)]
    for digest, sha256, terms in files:
        parts += _file_records(digest, sha256, list(terms))
    parts.append(_BOOKEND)
    for xorb in xorbs:
        parts += _xorb_records(xorb)
    parts.append(_BOOKEND)
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class XorbRecord:
    """What `serialise` writes of one xorb: its hash, its chunks as (hash, raw bytes), and its serialised length."""

    hash: bytes
    chunks: tuple[tuple[bytes, int], ...]
    serialised: int


def _file_records(digest: bytes, sha256: bytes | None, terms: list[Term]) -> Iterator[bytes]:
    flags = _WITH_PROOFS | (_WITH_SHA256 if sha256 is not None else 0)
    yield _RECORD.pack(digest, flags, len(terms), 0, 0)
    for term in terms:
        yield _RECORD.pack(term.xorb, 0, term.nbytes, term.first, term.last)
    for term in terms:
        yield term.proof + bytes(16)
    if sha256 is not None:
        yield _reversed_words(sha256) + bytes(16)


def _xorb_records(xorb: XorbRecord) -> Iterator[bytes]:
    yield _RECORD.pack(xorb.hash, 0, len(xorb.chunks), sum(size for _, size in xorb.chunks), xorb.serialised)
    start = 0
    for digest, size in xorb.chunks:
        yield _RECORD.pack(digest, start, size, 0, 0)
        start += size
