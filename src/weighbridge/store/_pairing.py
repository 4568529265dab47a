"""Coding a tensor by its difference from one that it resembles.

For each region of a new file, `FileBases` finds the likeliest base among stored tensors. The first block that is new
decides: is its difference really smaller than the block itself? Then all blocks of the region are coded so, each
against the blocks that hold the same elements of the base, and against the factors of a merge where there was one (see
`_merges`). A block that is a difference itself is never a base (depth
one): the one that it came from takes its place. Whatever is wrong with a base, the file is stored all the same.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from blake3 import blake3

from weighbridge.errors import CorruptError, StoreError
from weighbridge.store import codecs
from weighbridge.store._catalog import Catalog
from weighbridge.store._cutting import TensorRange
from weighbridge.store._families import Families
from weighbridge.store._merges import Merge, Merges
from weighbridge.store._pack_writer import PackWriter
from weighbridge.store._reader import BlockReader
from weighbridge.store.codecs.delta import Delta
from weighbridge.store.codecs.predictors import SAME, number_of
from weighbridge.store.manifests import Region
from weighbridge.store.packs import MAX_REFERENCES, REFERENCE_BYTES, Payload
from weighbridge.store.values import BaseUse
from weighbridge.tensors import ByteSource, DType, dtype_named

DELTA = Delta()

WORTH = 0.9
"""A difference is kept where it takes less than this share of the block alone: a root serves others better."""

_CANDIDATES, _TRIALS = 4, 2
# A block that is coded to less than this share of itself (a constant, say) tells nothing of the rest of its tensor.
_TELLS = 1 / 16


@dataclass(frozen=True, slots=True)
class Base:
    """A stored tensor beside which another is coded. `ends` are the ends of its blocks, in bytes from its start."""

    sha256: str
    region: Region
    ends: tuple[int, ...]

    def window(self, start: int, stop: int) -> tuple[list[int], int]:
        """The numbers of the blocks that hold these bytes, and where in the first of them they begin."""
        first, last = bisect_right(self.ends, start), bisect_right(self.ends, stop - 1)
        return list(range(first, last + 1)), start - (self.ends[first - 1] if first else 0)


class Shelf:
    """Where bases and their blocks come from in one writing session: the store, and its own unwritten packs."""

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

    def root(self, digest: bytes, length: int) -> bytes | None:
        """The block itself if it is stored whole, else the one of the same length that it is a difference from."""
        needed = self._references(digest)
        if needed is None:
            return None
        root = needed[0] if needed else digest
        return root if not needed or (self._references(root) == () and self._length(root) == length) else None

    def raw(self, digest: bytes) -> bytes:
        """The bytes of a root. Raises `StoreError` where they cannot be had."""
        payload = self._packs.find(digest)
        if payload is not None:
            return codecs.decode(payload.codec, payload.version, payload.data, payload.raw)
        return self._reader.root(digest)

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


class FileBases:
    """What the tensors of one file are coded against. `hints` are files, by SHA-256, that it may well come from."""

    def __init__(self, shelf: Shelf, hints: Iterable[str] = ()) -> None:
        self.shelf = shelf
        self._relatives = set(hints)
        self._used: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.merges = Merges()

    def candidates(self, region: TensorRange, sketch: bytes) -> Iterator[Base]:
        """Tensors that this one may come from, the likeliest first."""
        with self._lock:
            relatives = frozenset(self._relatives)
        dtype = region.dtype.name
        for found in self.shelf.families.relatives(sketch, region.row, dtype, relatives, _CANDIDATES):
            base = self.shelf.base(found.sha256, found.region)
            if base is not None:
                yield base

    def matched(self, base: Base) -> None:
        """Note that a region came from this file, so that the next one is looked for there first."""
        with self._lock:
            self._relatives.add(base.sha256)

    def used(self, sha256: str) -> None:
        """Count a block that was coded against a file."""
        with self._lock:
            self._used[sha256] += 1

    def uses(self) -> tuple[BaseUse, ...]:
        """The files that blocks were coded against, and how many, the most first."""
        return tuple(BaseUse(sha256, blocks) for sha256, blocks in self._used.most_common())


@dataclass(frozen=True, slots=True)
class Attempt:
    """A block as it would be kept, and the file that it was coded against, "" for none.

    `factors` is what it needs that is no block of any file: to be kept before it.
    """

    payload: Payload
    base: str = ""
    factors: Payload | None = None

    @property
    def cost(self) -> int:
        return len(self.payload.data) + REFERENCE_BYTES * len(self.payload.references)


class RegionCoder:
    """Codes the blocks of one region of `source`, in any order and from several threads."""

    def __init__(self, bases: FileBases, source: ByteSource, region: TensorRange, sketch: bytes) -> None:
        self._bases = bases
        self._source = source
        self._region = region
        self._sketch = sketch
        self._layout = codecs.layout_of(region.dtype.name)
        self._lock = threading.Lock()
        self._decided = not codecs.DELTAS
        self._base: Base | None = None
        self._merge: Merge | None = None
        self._plain_share = 1.0

    def code(self, digest: bytes, raw: bytes, at: int) -> Attempt:
        """The block of these bytes, which begins at byte `at` of the region, in as few bytes as we know how."""
        with self._lock:  # the other blocks of the region wait for the first one to choose a base
            if not self._decided:
                return self._decide(digest, raw, at)
        if self._base is None:
            return plain(digest, raw, self._layout)
        attempt = self._against(self._base, digest, raw, at, self._merge)
        if attempt is not None and attempt.cost < WORTH * self._plain_share * len(raw):
            return attempt
        return _better(attempt, plain(digest, raw, self._layout))

    def _decide(self, digest: bytes, raw: bytes, at: int) -> Attempt:
        alone = plain(digest, raw, self._layout)
        if alone.cost < _TELLS * len(raw):
            return alone
        self._decided = True
        self._plain_share = alone.cost / len(raw)
        trials = 0
        for base in self._bases.candidates(self._region, self._sketch):
            attempt = self._against(base, digest, raw, at)
            merged = self._merged(base, attempt, digest, raw, at) if attempt is not None else None
            attempt = merged or attempt
            if attempt is not None and _better(attempt, alone) is attempt:
                self._base = base
                self._bases.matched(base)
                return attempt
            trials += attempt is not None
            if trials == _TRIALS:
                break
        return alone

    def _merged(self, base: Base, other: Attempt, digest: bytes, raw: bytes, at: int) -> Attempt | None:
        """The block by the factors of a merge; None where there was none, or where `other` costs hardly more."""
        if other.cost < _TELLS / 4 * len(raw) or _rows(self._region) != _rows(base.region):
            return None
        start, read = self._region.offset, self._source.read_at
        merge = self._bases.merges.find(
            self._region,
            base.region.dtype,
            lambda start, stop: self._base_bytes(base, start, stop),
            lambda begin, end: read(start + begin, end - begin),
        )
        if merge is None or merge.factors.expected_bytes > WORTH * other.cost / len(raw) * self._region.nbytes:
            return None
        attempt = self._against(base, digest, raw, at, merge)
        if attempt is None or attempt.cost >= WORTH * other.cost:
            return None
        self._merge = merge
        return attempt

    def _base_bytes(self, base: Base, start: int, stop: int) -> bytes:
        numbers, offset = base.window(start, stop)
        roots = [
            self._bases.shelf.root(block.digest, block.length) for block in map(base.region.blocks.__getitem__, numbers)
        ]
        whole = b"".join(self._bases.shelf.raw(root) for root in roots if root is not None)
        if None in roots or len(whole) < offset + stop - start:
            raise CorruptError(f"the base has no bytes {start:,} to {stop:,}")
        return whole[offset : offset + stop - start]

    def _against(self, base: Base, digest: bytes, raw: bytes, at: int, merge: Merge | None = None) -> Attempt | None:
        """The block as a difference from this base; None where the base has no such elements, or cannot be read."""
        start, stop = _scaled(self._region, base.region, at), _scaled(self._region, base.region, at + len(raw))
        if start is None or stop is None or stop > base.region.nbytes:
            return None
        numbers, offset = base.window(start, stop)
        blocks = [base.region.blocks[number] for number in numbers]
        roots = [self._bases.shelf.root(block.digest, block.length) for block in blocks]
        if len(roots) + (merge is not None) > MAX_REFERENCES or digest in roots:
            return None
        references = tuple(root for root in roots if root is not None)
        recipe = _recipe(self._region.dtype.name, base.region.dtype, self._layout, len(raw), offset)
        if merge is not None:
            recipe = merge.recipe(at // self._region.dtype.itemsize, offset)
        if len(references) != len(roots) or recipe is None:
            return None
        try:
            contents = [self._bases.shelf.raw(root) for root in references]
        except StoreError:  # a base that is damaged or gone costs bytes, not the file; `verify` tells of it
            return None
        if merge is not None:
            references, contents = (*references, merge.payload.digest), [*contents, merge.factors.block]
        data = DELTA.encode(raw, self._layout, contents, recipe)
        if data is None:
            return None
        check = blake3(data).digest()[:8]
        payload = Payload(digest, check, len(raw), DELTA.id, DELTA.version, data, references)
        return Attempt(payload, base.sha256, merge.payload if merge else None)


def plain(digest: bytes, raw: bytes, layout: codecs.Layout) -> Attempt:
    """The block without references."""
    codec, data = codecs.encode(raw, layout)
    check = digest[:8] if codec.id == codecs.CODECS[0].id else blake3(data).digest()[:8]
    return Attempt(Payload(digest, check, len(raw), codec.id, codec.version, data))


def _better(attempt: Attempt | None, alone: Attempt) -> Attempt:
    return attempt if attempt is not None and attempt.cost < WORTH * alone.cost else alone


def _rows(region: TensorRange | Region) -> tuple[int, int]:
    """Elements in a row, and rows; any two of the same shape agree, whatever their dtypes."""
    dtype = region.dtype if isinstance(region.dtype, DType) else dtype_named(region.dtype)
    width = dtype.itemsize if dtype else 0
    return region.row, region.nbytes // (region.row * width) if region.row and width else 0


def _scaled(region: TensorRange, base: Region, at: int) -> int | None:
    """Where the element at byte `at` of a region lies in the base; None where it is no element's beginning."""
    if base.dtype == region.dtype.name:
        return at
    other = dtype_named(base.dtype)
    if other is None or not other.itemsize or not region.dtype.itemsize or at % region.dtype.itemsize:
        return None
    return at // region.dtype.itemsize * other.itemsize


def _recipe(dtype: str, base: str, layout: codecs.Layout, length: int, offset: int) -> bytes | None:
    """How codec 6 predicts `length` bytes of one dtype from those of the other, from byte `offset` of them on."""
    elements, rest = divmod(offset, number_of(layout, length).width)
    return SAME.recipe(elements) if dtype == base and not rest else None
