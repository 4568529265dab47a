"""Packs: many payloads in one object, and the footer that lists them (spec/store.md, Packs)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from blake3 import blake3

from weighbridge.errors import CorruptError, StoreVersionError
from weighbridge.store._keys import pack_key
from weighbridge.store._sealed import CHECK_BYTES, HEAD_BYTES, Kind, ensure_head
from weighbridge.store.backend import Backend, Listed
from weighbridge.store.codecs import MAX_BLOCK
from weighbridge.store.values import Location

PACK_TARGET = 64 << 20
"""A pack is written when its payloads reach this many bytes: it is the most that a writer holds in memory."""

_ENTRY = struct.Struct("<32s8sIIBBHI")
_LENGTH = struct.Struct("<Q")
ENTRY_BYTES = _ENTRY.size
TAIL_BYTES = _LENGTH.size + CHECK_BYTES
FRAME_BYTES = HEAD_BYTES + TAIL_BYTES


@dataclass(frozen=True, slots=True)
class Payload:
    """A block as a codec wrote it. `check` is the first 8 bytes of the BLAKE3 of `data`."""

    digest: bytes
    check: bytes
    raw: int
    codec: int
    version: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a footer."""

    digest: bytes
    check: bytes
    location: Location


class PackBuilder:
    """Gathers payloads until there are enough for a pack."""

    def __init__(self) -> None:
        self._payloads: list[Payload] = []
        self.nbytes = FRAME_BYTES

    def __len__(self) -> int:
        return len(self._payloads)

    def add(self, payload: Payload) -> None:
        self._payloads.append(payload)
        self.nbytes += len(payload.data) + ENTRY_BYTES

    def finish(self) -> tuple[str, list[bytes], list[Entry]]:
        """The pack's id, its bytes in parts, and its entries."""
        footer = b"".join(
            _ENTRY.pack(p.digest, p.check, len(p.data), p.raw, p.codec, p.version, 0, 0) for p in self._payloads
        )
        covered = footer + _LENGTH.pack(len(footer))
        check = blake3(Kind.PACK.head + covered).digest()
        parts = [Kind.PACK.head, *(p.data for p in self._payloads), covered, check]
        return check.hex(), parts, list(_entries(footer, check.hex()))


def read_footer(backend: Backend, pack: str, size: int) -> list[Entry]:
    """The entries of a pack of `size` bytes. Raises `CorruptError` where its frame is damaged."""
    where = pack_key(pack)
    if size < FRAME_BYTES:
        raise CorruptError(f"has only {size} bytes, fewer than any pack", where=where)
    head = backend.get_range(where, 0, HEAD_BYTES)
    tail = backend.get_range(where, size - TAIL_BYTES, TAIL_BYTES)
    length = _LENGTH.unpack_from(tail)[0] if len(tail) == TAIL_BYTES else size
    if length > size - FRAME_BYTES:
        raise CorruptError("its footer is damaged: it would be longer than the pack", where=where)
    footer = backend.get_range(where, size - TAIL_BYTES - length, length) if length else b""
    check = blake3(head + footer + tail[: _LENGTH.size]).digest()
    if check != tail[_LENGTH.size :] or check.hex() != pack:
        raise CorruptError("its footer is damaged: the check does not match", where=where)
    ensure_head(Kind.PACK, head, where)
    if length % ENTRY_BYTES:
        raise CorruptError("its footer is not a whole number of entries", where=where)
    entries = list(_entries(footer, pack))
    end = entries[-1].location.offset + entries[-1].location.stored if entries else HEAD_BYTES
    if end != size - TAIL_BYTES - length:
        raise CorruptError("its payloads do not add up to its size", where=where)
    return entries


def _entries(footer: bytes, pack: str) -> Iterator[Entry]:
    where = pack_key(pack)
    offset = HEAD_BYTES
    for digest, check, stored, raw, codec, version, flags, reserved in _ENTRY.iter_unpack(footer):
        if flags or reserved:
            raise StoreVersionError(f"holds a block with flags {flags:#x} that this version does not know", where=where)
        if not 0 < raw <= MAX_BLOCK or not 0 < stored <= raw:
            raise CorruptError(f"lists a block of {raw:,} bytes kept in {stored:,}", where=where)
        yield Entry(digest, check, Location(pack, offset, stored, raw, codec, version))
        offset += stored


def pack_of(listed: Listed) -> str:
    """The id of the pack under a listed key, whose form was checked."""
    return listed.key.rsplit("/", 1)[-1].removesuffix(".pack")
