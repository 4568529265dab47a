"""Which bytes of which blocks make a file, in the order of the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from weighbridge.store.manifests import Manifest
from weighbridge.store.values import BlockRef


@dataclass(frozen=True, slots=True)
class Piece:
    """`length` bytes of the file at `offset`, which are those of a block from `start` on."""

    offset: int
    length: int
    block: BlockRef
    start: int


def pieces_of(manifest: Manifest) -> Iterator[Piece]:
    """The file in order: blocks of regions, and between them the rest, whose blocks do not stop at a region."""
    rest = _Rest(manifest.rest)
    at = 0
    for region in manifest.regions:
        yield from rest.take(at, region.offset - at)
        at = region.offset
        for block in region.blocks:
            yield Piece(at, block.length, block, 0)
            at += block.length
    yield from rest.take(at, manifest.size - at)


class _Rest:
    """The rest's blocks, used up in order."""

    def __init__(self, blocks: tuple[BlockRef, ...]) -> None:
        self._blocks = iter(blocks)
        self._block: BlockRef | None = None
        self._used = 0

    def take(self, offset: int, length: int) -> Iterator[Piece]:
        while length:
            if self._block is None or self._used == self._block.length:
                self._block, self._used = next(self._blocks), 0
            part = min(length, self._block.length - self._used)
            yield Piece(offset, part, self._block, self._used)
            self._used += part
            offset += part
            length -= part
