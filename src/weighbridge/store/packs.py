"""Packs: many payloads in one object, and the footer that lists them (spec/store.md, Packs)."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass

from blake3 import blake3

from weighbridge.errors import CorruptError, StoreVersionError
from weighbridge.store._keys import pack_key
from weighbridge.store._sealed import CHECK_BYTES, HEAD_BYTES, Kind, version_of
from weighbridge.store.backends import Backend, Listed
from weighbridge.store.codecs import MAX_BLOCK, RAW
from weighbridge.store.values import Location

PACK_TARGET = 48 << 20
"""A pack is written when its payloads reach this many bytes: it is the most that a writer holds in memory."""

_ENTRY = struct.Struct("<32s8sIIBBHI")
_LENGTH = struct.Struct("<Q")
_COUNT = struct.Struct("<I")
ENTRY_BYTES = _ENTRY.size
TAIL_BYTES = _LENGTH.size + CHECK_BYTES
FOOTER_GUESS = 32 << 10
"""Read at once from the end of a distant pack: 48 MiB of blocks of tensors have a footer of about 3 KB."""
FRAME_BYTES = HEAD_BYTES + TAIL_BYTES
REFERENCE_BYTES = 32
MAX_REFERENCES = 8
"""What one payload may need of other blocks."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A block as a codec wrote it. `check` is the first 8 bytes of the BLAKE3 of `data`.

    `references` are digests of the blocks that decoding needs, in the codec's order; none of those has references.
    """

    digest: bytes
    check: bytes
    raw: int
    codec: int
    version: int
    data: bytes
    references: tuple[bytes, ...] = ()


SALT_BYTES = 16


def salt() -> Payload:
    """A block that nobody names, which gives a pack another id."""
    raw = os.urandom(SALT_BYTES)
    digest = blake3(raw).digest()
    return Payload(digest, digest[:8], len(raw), RAW.id, RAW.version, raw)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a footer."""

    digest: bytes
    check: bytes
    location: Location

    @property
    def references(self) -> tuple[bytes, ...]:
        return self.location.references


class PackBuilder:
    """Gathers payloads until there are enough for a pack."""

    def __init__(self) -> None:
        self._payloads: list[Payload] = []
        self.nbytes = FRAME_BYTES

    def __len__(self) -> int:
        return len(self._payloads)

    def add(self, payload: Payload) -> None:
        self._payloads.append(payload)
        self.nbytes += len(payload.data) + ENTRY_BYTES + REFERENCE_BYTES * len(payload.references)

    def finish(self) -> tuple[str, list[bytes], list[Entry]]:
        """The pack's id, its bytes in parts, and its entries."""
        version, footer = self._footer()
        head, covered = Kind.PACK.head(version), footer + _LENGTH.pack(len(footer))
        check = blake3(head + covered).digest()
        parts = [head, *(p.data for p in self._payloads), covered, check]
        return check.hex(), parts, _entries(version, footer, check.hex())

    def _footer(self) -> tuple[int, bytes]:
        """Version 2 only where a payload has references: a pack that needs nothing new can be read by all."""
        table: list[bytes] = []
        entries: list[bytes] = []
        for p in self._payloads:
            first = len(table) if p.references else 0
            table += p.references
            count = len(p.references)
            entries.append(_ENTRY.pack(p.digest, p.check, len(p.data), p.raw, p.codec, p.version, count, first))
        if not table:
            return 1, b"".join(entries)
        return 2, b"".join((_COUNT.pack(len(table)), *table, *entries))


def read_footer(backend: Backend, pack: str, size: int) -> list[Entry]:
    """The entries of a pack of `size` bytes. Raises `CorruptError` where its frame is damaged."""
    where = pack_key(pack)
    if size < FRAME_BYTES:
        raise CorruptError(f"has only {size} bytes, fewer than any pack", where=where)
    guess = min(size - HEAD_BYTES, FOOTER_GUESS if backend.distant else TAIL_BYTES)
    head, end = backend.get_ranges(where, [(0, HEAD_BYTES), (size - guess, guess)])
    tail = end[-TAIL_BYTES:]
    length = _LENGTH.unpack_from(tail)[0] if len(tail) == TAIL_BYTES else size
    if length > size - FRAME_BYTES:
        raise CorruptError("its footer is damaged: it would be longer than the pack", where=where)
    if length <= guess - TAIL_BYTES:
        footer = end[len(end) - TAIL_BYTES - length : -TAIL_BYTES]
    else:
        footer = backend.get_range(where, size - TAIL_BYTES - length, length)
    check = blake3(head + footer + tail[: _LENGTH.size]).digest()
    if check != tail[_LENGTH.size :] or check.hex() != pack:
        raise CorruptError("its footer is damaged: the check does not match", where=where)
    entries = _entries(version_of(Kind.PACK, head, where), footer, pack)
    last = entries[-1].location.offset + entries[-1].location.stored if entries else HEAD_BYTES
    if last != size - TAIL_BYTES - length:
        raise CorruptError("its payloads do not add up to its size", where=where)
    return entries


def _entries(version: int, footer: bytes, pack: str) -> list[Entry]:
    where = pack_key(pack)
    table, lines = _tables(version, footer, where)
    entries, offset = [], HEAD_BYTES
    for digest, check, stored, raw, codec, codec_version, count, first in _ENTRY.iter_unpack(lines):
        if version == 1 and (count or first):
            raise StoreVersionError(f"holds a block with flags {count:#x} that this version does not know", where=where)
        if not 0 < raw <= MAX_BLOCK or not 0 < stored <= raw:
            raise CorruptError(f"lists a block of {raw:,} bytes kept in {stored:,}", where=where)
        references = table[first : first + count]
        if count > MAX_REFERENCES or len(references) != count or (first and not count) or digest in references:
            raise CorruptError(f"lists a block with the impossible references {first} to {first + count}", where=where)
        entries.append(Entry(digest, check, Location(pack, offset, stored, raw, codec, codec_version, references)))
        offset += stored
    return entries


def _tables(version: int, footer: bytes, where: str) -> tuple[tuple[bytes, ...], memoryview]:
    """The references of a footer, and its entries."""
    at = 0
    references: tuple[bytes, ...] = ()
    if version > 1:
        count = _COUNT.unpack_from(footer)[0] if len(footer) >= _COUNT.size else 0
        at = _COUNT.size + count * REFERENCE_BYTES
        if not 0 < at <= len(footer):
            raise CorruptError("its footer ends within its references", where=where)
        references = tuple(footer[i : i + REFERENCE_BYTES] for i in range(_COUNT.size, at, REFERENCE_BYTES))
    if (len(footer) - at) % ENTRY_BYTES:
        raise CorruptError("its footer is not a whole number of entries", where=where)
    return references, memoryview(footer)[at:]


def pack_of(listed: Listed) -> str:
    """The id of the pack under a listed key, whose form was checked."""
    return listed.key.rsplit("/", 1)[-1].removesuffix(".pack")
