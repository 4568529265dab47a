"""Coding a tensor by its difference from one that it resembles.

For each region of a new file, `FileBases` finds the likeliest base among stored tensors. The first block that is new
decides: is its difference really smaller than the block itself? Then all blocks of the region are coded so, each
against the blocks that hold the same elements of the base, and against the factors of a merge where there was one
(`_merges`). A block that is a difference itself is never a base (depth one): the one that it came from takes its place.
Whatever is wrong with a base, the file is stored all the same.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from blake3 import blake3

from weighbridge.errors import StoreError
from weighbridge.store import codecs
from weighbridge.store._cutting import TensorRange
from weighbridge.store._merges import Merge, Merges
from weighbridge.store._shelf import Base, Shelf
from weighbridge.store.codecs.predictors import CAST, SAME, number_of
from weighbridge.store.manifests import Region
from weighbridge.store.packs import MAX_REFERENCES, REFERENCE_BYTES, Payload
from weighbridge.store.values import BaseUse
from weighbridge.tensors import ByteSource, DType, dtype_named

WORTH = 0.9
"""A difference is kept where it takes less than this share of the block alone: a root serves others better."""

_CANDIDATES, _TRIALS = 4, 2
# A block that is coded to less than this share of itself (a constant, say) tells nothing of the rest of its tensor.
_TELLS = 1 / 16
# What a difference costs that leaves factors nothing to gain: nearly all elements are as they were.
_EXACT = 0.005


class FileBases:
    """What the tensors of one file are coded against. `hints` are files, by SHA-256, that it may well come from."""

    def __init__(self, shelf: Shelf, hints: Iterable[str] = ()) -> None:
        self.shelf = shelf
        self.merges = Merges()
        self._relatives = set(hints)
        self._used: Counter[str] = Counter()
        self._lock = threading.Lock()

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
        self._decided = False
        self._base: Base | None = None
        self._merge: Merge | None = None
        self._plain_share = 1.0

    @property
    def is_decided(self) -> bool:
        """Whether it is settled if there is a base."""
        return self._decided

    @property
    def has_base(self) -> bool:
        return self._base is not None

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
            attempt = attempt and (self._merged(base, attempt, raw, at) or attempt)
            if attempt is not None and _better(attempt, alone) is attempt:
                self._base = base
                self._bases.matched(base)
                return attempt
            trials += attempt is not None
            if trials == _TRIALS:
                break
        return alone

    def _merged(self, base: Base, other: Attempt, raw: bytes, at: int) -> Attempt | None:
        """The block by the factors of a merge; None where there was none, or where `other` costs hardly more."""
        if other.cost < _EXACT * len(raw) or _rows(self._region) != _rows(base.region):
            return None
        shelf, read, first = self._bases.shelf, self._source.read_at, self._region.offset
        merge = self._bases.merges.find(
            self._region,
            base.region.dtype,
            lambda start, stop: shelf.read(base, start, stop),
            lambda start, stop: read(first + start, stop - start),
        )
        if merge is None or merge.factors.expected_bytes > WORTH * other.cost / len(raw) * self._region.nbytes:
            return None
        attempt = self._against(base, other.payload.digest, raw, at, merge)
        if attempt is None or attempt.cost >= WORTH * other.cost:
            return None
        self._merge = merge
        return attempt

    def _against(self, base: Base, digest: bytes, raw: bytes, at: int, merge: Merge | None = None) -> Attempt | None:
        """The block as a difference from this base; None where the base has no such elements, or cannot be read."""
        start, stop = _scaled(self._region, base.region, at), _scaled(self._region, base.region, at + len(raw))
        found = self._bases.shelf.roots(base, start, stop) if start is not None and stop is not None else None
        if found is None:
            return None
        roots, offset = found
        references = (*roots, merge.payload.digest) if merge else roots
        recipe = merge.recipe(at // self._region.dtype.itemsize, offset) if merge else self._recipe(base, raw, offset)
        if recipe is None or len(references) > MAX_REFERENCES or digest in references:
            return None
        try:
            contents = [self._bases.shelf.raw(root) for root in roots]
        except StoreError:  # a base that is damaged or gone costs bytes, not the file; `verify` tells of it
            return None
        delta = codecs.DELTA
        data = delta.encode(raw, self._layout, [*contents, merge.factors.block] if merge else contents, recipe)
        if data is None:
            return None
        check = blake3(data).digest()[:8]
        payload = Payload(digest, check, len(raw), delta.id, delta.version, data, references)
        return Attempt(payload, base.sha256, merge.payload if merge else None)

    def _recipe(self, base: Base, raw: bytes, offset: int) -> bytes | None:
        """How codec 6 predicts the block from byte `offset` of its roots on; None where it cannot."""
        dtype = self._region.dtype.name
        width = number_of(codecs.layout_of(base.region.dtype), 0).width
        if base.region.dtype == dtype:
            width = number_of(self._layout, len(raw)).width
        elements, rest = divmod(offset, width)
        if rest:
            return None
        if base.region.dtype == dtype:
            return SAME.recipe(elements)
        return CAST.recipe(base.region.dtype, elements) if CAST.knows(dtype, base.region.dtype) else None


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
