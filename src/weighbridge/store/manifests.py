"""Manifests: how a file is put together from blocks (spec/store.md, Manifests)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise

from weighbridge.errors import CorruptError
from weighbridge.store._keys import file_key
from weighbridge.store._sealed import Kind, seal, unseal
from weighbridge.store._sketch import NO_SKETCH, SKETCH_BYTES
from weighbridge.store.codecs import MAX_BLOCK
from weighbridge.store.values import BlockRef

INLINE_LIMIT = 32 << 10
"""Files of up to this many bytes live in their manifest: one object to write, none to look for."""

_HEAD = struct.Struct("<32sQB")
_INLINE = struct.Struct("<BB")
_COUNTS = struct.Struct("<II")
_REGIONS = {1: struct.Struct("<QQI16s"), 2: struct.Struct(f"<QQI16sQ{SKETCH_BYTES}s")}
_BLOCK = struct.Struct("<32sI")
_INLINE_KIND, _BLOCKS_KIND = 0, 1


@dataclass(frozen=True, slots=True)
class Region:
    """The raw bytes of a tensor within the file, and the blocks that hold them.

    `row` counts the elements of a row, 0 where that is not known; `sketch` tells what the tensor resembles (`_sketch`).
    """

    offset: int
    nbytes: int
    dtype: str
    blocks: tuple[BlockRef, ...]
    row: int = 0
    sketch: bytes = NO_SKETCH

    @property
    def end(self) -> int:
        return self.offset + self.nbytes


@dataclass(frozen=True, slots=True)
class Inline:
    """The coded bytes of a small file."""

    codec: int
    version: int
    payload: bytes


EMPTY = Inline(codec=0, version=1, payload=b"")
"""How the file of no bytes is kept."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A file as the store keeps it: inline, or regions and the rest. ``Manifest.decode(m.encode(), m.sha256) == m``."""

    sha256: str
    size: int
    regions: tuple[Region, ...] = ()
    rest: tuple[BlockRef, ...] = ()
    inline: Inline | None = None

    @property
    def blocks(self) -> tuple[BlockRef, ...]:
        return tuple(block for region in self.regions for block in region.blocks) + self.rest

    def encode(self) -> bytes:
        kind = _BLOCKS_KIND if self.inline is None else _INLINE_KIND
        head = _HEAD.pack(bytes.fromhex(self.sha256), self.size, kind)
        if self.inline is not None:
            return seal(Kind.FILE, head + self._encode_inline(self.inline))
        version = 2 if any(region.row or region.sketch != NO_SKETCH for region in self.regions) else 1
        return seal(Kind.FILE, head + self._encode_blocks(version), version)

    @staticmethod
    def _encode_inline(inline: Inline) -> bytes:
        return _INLINE.pack(inline.codec, inline.version) + inline.payload

    def _encode_blocks(self, version: int) -> bytes:
        blocks = self.blocks
        region, fields = _REGIONS[version], 4 if version == 1 else 6
        lines = ((r.offset, r.nbytes, len(r.blocks), r.dtype.encode(), r.row, r.sketch)[:fields] for r in self.regions)
        return b"".join(
            (
                _COUNTS.pack(len(self.regions), len(blocks)),
                *(region.pack(*line) for line in lines),
                *(_BLOCK.pack(block.digest, block.length) for block in blocks),
            )
        )

    @classmethod
    def decode(cls, sealed: bytes, sha256: str) -> Manifest:
        """The manifest kept under this SHA-256. Raises `CorruptError` or `StoreVersionError`."""
        where = file_key(sha256)
        version, body = unseal(Kind.FILE, sealed, where)
        if len(body) < _HEAD.size:
            raise CorruptError("the manifest ends within its own head", where=where)
        named, size, kind = _HEAD.unpack_from(body)
        if named.hex() != sha256:
            raise CorruptError(f"is the manifest of another file, {named.hex()}", where=where)
        rest = body[_HEAD.size :]
        if kind == _INLINE_KIND:
            return cls(sha256, size, inline=_decode_inline(rest, size, where))
        if kind == _BLOCKS_KIND:
            return _decode_blocks(version, rest, sha256, size, where)
        raise CorruptError(f"the manifest is of the unknown kind {kind}", where=where)


def _decode_inline(body: bytes, size: int, where: str) -> Inline:
    if len(body) < _INLINE.size or size > MAX_BLOCK:
        raise CorruptError("the manifest's inline content makes no sense", where=where)
    codec, version = _INLINE.unpack_from(body)
    return Inline(codec, version, body[_INLINE.size :])


def _decode_blocks(version: int, body: bytes, sha256: str, size: int, where: str) -> Manifest:
    if len(body) < _COUNTS.size:
        raise CorruptError("the manifest ends before its tables", where=where)
    regions_count, blocks_count = _COUNTS.unpack_from(body)
    line = _REGIONS[version]
    table = _COUNTS.size + regions_count * line.size
    if len(body) != table + blocks_count * _BLOCK.size:
        raise CorruptError("the manifest's tables do not fill it", where=where)
    blocks = [BlockRef(digest, length) for digest, length in _BLOCK.iter_unpack(body[table:])]
    if any(not 0 < block.length <= MAX_BLOCK for block in blocks):
        raise CorruptError("the manifest names a block of an impossible length", where=where)
    regions, used = [], 0
    for offset, nbytes, count, dtype, *hints in line.iter_unpack(body[_COUNTS.size : table]):
        name = dtype.rstrip(b"\0").decode("ascii", "replace")
        regions.append(Region(offset, nbytes, name, tuple(blocks[used : used + count]), *hints))
        used += count
    manifest = Manifest(sha256, size, tuple(regions), tuple(blocks[used:]))
    if used > blocks_count or not _adds_up(manifest):
        raise CorruptError("the manifest's parts do not add up to the file", where=where)
    return manifest


def _adds_up(manifest: Manifest) -> bool:
    regions = manifest.regions
    ordered = all(one.end <= two.offset for one, two in pairwise(regions))
    inside = not regions or regions[-1].end <= manifest.size
    whole = all(region.nbytes and _length(region.blocks) == region.nbytes for region in regions)
    rest = manifest.size - sum(region.nbytes for region in regions)
    return ordered and inside and whole and _length(manifest.rest) == rest


def _length(blocks: tuple[BlockRef, ...]) -> int:
    return sum(block.length for block in blocks)
