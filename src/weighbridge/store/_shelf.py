"""Where bases come from: stored tensors, and of each the blocks that others may refer to."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from weighbridge.errors import CorruptError, StoreError
from weighbridge.store import codecs
from weighbridge.store._catalog import Catalog
from weighbridge.store._families import Families
from weighbridge.store._pack_writer import PackWriter
from weighbridge.store._reader import BlockReader
from weighbridge.store.manifests import Region


@dataclass(frozen=True, slots=True)
class Base:
    """A stored tensor beside which another is coded. `ends` are the ends of its blocks, in bytes from its start."""

    sha256: str
    region: Region
    ends: tuple[int, ...]

    def window(self, start: int, stop: int) -> tuple[range, int]:
        """The numbers of the blocks that hold these bytes, and where in the first of them they begin."""
        first, last = bisect_right(self.ends, start), bisect_right(self.ends, stop - 1)
        return range(first, last + 1), start - (self.ends[first - 1] if first else 0)


class Shelf:
    """Bases and their blocks in one writing session: of the store, and of the session's own unwritten packs."""

    def __init__(self, families: Families, catalog: Catalog, reader: BlockReader, packs: PackWriter) -> None:
        self.families = families
        self._catalog = catalog
        self._reader = reader
        self._packs = packs

    def base(self, sha256: str, region: int) -> Base | None:
        """The tensor, or None where its file is gone or damaged, or has no such region."""
        try:
            regions = self.families.manifest(sha256).regions
        except StoreError:
            return None
        if region >= len(regions):
            return None
        found = regions[region]
        return Base(sha256, found, tuple(accumulate(block.length for block in found.blocks)))

    def roots(self, base: Base, start: int, stop: int) -> tuple[tuple[bytes, ...], int] | None:
        """The blocks without references that stand for these bytes of a base, and where in the first they begin.

        None where the base has no such bytes or a block has no root.
        """
        if not 0 <= start < stop <= base.region.nbytes:
            return None
        numbers, offset = base.window(start, stop)
        blocks = (base.region.blocks[number] for number in numbers)
        roots = [self._root(block.digest, block.length) for block in blocks]
        found = tuple(root for root in roots if root is not None)
        return (found, offset) if len(found) == len(roots) else None

    def raw(self, root: bytes) -> bytes:
        """The bytes of a root. Raises `StoreError` where they cannot be had."""
        payload = self._packs.find(root)
        if payload is not None:
            return codecs.decode(payload.codec, payload.version, payload.data, payload.raw)
        return self._reader.root(root)

    def read(self, base: Base, start: int, stop: int) -> bytes:
        """What the roots hold for these bytes of a base. Raises `StoreError` where there are none."""
        found = self.roots(base, start, stop)
        if found is None:
            raise CorruptError(f"bytes {start:,} to {stop:,} of a tensor cannot be read", where=base.sha256)
        roots, offset = found
        return b"".join(map(self.raw, roots))[offset : offset + stop - start]

    def _root(self, digest: bytes, length: int) -> bytes | None:
        """The block itself if it is stored whole, else the one of the same length that it is a difference from."""
        needed = self._references(digest)
        if needed is None:
            return None
        root = needed[0] if needed else digest
        return root if not needed or (self._references(root) == () and self._length(root) == length) else None

    def _references(self, digest: bytes) -> tuple[bytes, ...] | None:
        """What the block needs, the least of all its copies; None where there is no copy."""
        payload = self._packs.find(digest)
        if payload is not None and not payload.references:
            return ()
        found = [place.references for place in self._catalog.places(digest)]
        return min([*found, payload.references] if payload else found, key=len, default=None)

    def _length(self, digest: bytes) -> int:
        payload = self._packs.find(digest)
        return payload.raw if payload else next((place.raw for place in self._catalog.places(digest)), 0)
