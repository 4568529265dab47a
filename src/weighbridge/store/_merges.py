"""Tensors that came from their base by a merge of low rank: their factors, found once and kept as a block."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from blake3 import blake3

from weighbridge.errors import StoreError
from weighbridge.store import codecs
from weighbridge.store._cutting import TensorRange
from weighbridge.store.codecs.predictors import LOW_RANK, NUMBERS, Factors, Number
from weighbridge.store.packs import Payload

if TYPE_CHECKING:
    from weighbridge.store._lowrank import Reader, Suspicion

_NUMBERS = {number.name: number for number in NUMBERS if number.name}

BaseBytes = Callable[[int, int], bytes]
"""Bytes from, up to, of a base. Raises `StoreError` where they cannot be had."""


@dataclass(frozen=True, slots=True)
class Merge:
    """How a region came from its base, and the payload that its blocks need beside those of the base."""

    factors: Factors
    base: Number
    payload: Payload

    def recipe(self, first: int, offset: int) -> bytes | None:
        """How codec 6 predicts from element `first` of the region on, from byte `offset` of the base's blocks on."""
        elements, rest = divmod(offset, self.base.width)
        return None if rest else LOW_RANK.recipe(self.factors, self.base, first, elements)


class Merges:
    """Looks for merges in the tensors of one file; one tensor at a time, since that takes memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._suspicion: Suspicion | None = None

    def find(self, region: TensorRange, base_dtype: str, base: BaseBytes, new: BaseBytes) -> Merge | None:
        """The merge that made this region, whose bytes `new` gives; None for none, or a base that is unreadable."""
        from weighbridge.store._lowrank import Suspicion, find_factors, may_have_factors  # only here: it imports numpy

        number, base_number = _NUMBERS.get(region.dtype.name), _NUMBERS.get(base_dtype)
        if number is None or base_number is None or not region.row:
            return None
        rows = region.nbytes // number.width // region.row
        if not may_have_factors(rows, region.row, number, base_number):
            return None
        with self._lock:
            suspicion = self._suspicion = self._suspicion or Suspicion()
            if not suspicion.asks():
                return None
            try:
                readers = _reader(base, base_number), _reader(new, number)
                factors = find_factors(*readers, rows, region.row, number, base_number)
            except StoreError:  # a base that is damaged or gone costs bytes, not the file
                factors = None
            suspicion.learned(factors is not None)
        return _kept(factors, base_number) if factors else None


def _reader(read: BaseBytes, number: Number) -> Reader:
    return lambda first, count: read(first * number.width, (first + count) * number.width)


def _kept(factors: Factors, base: Number) -> Merge:
    digest = blake3(factors.block).digest()
    codec, data = codecs.encode(factors.block)
    check = digest[:8] if codec.id == codecs.CODECS[0].id else blake3(data).digest()[:8]
    return Merge(factors, base, Payload(digest, check, len(factors.block), codec.id, codec.version, data))
