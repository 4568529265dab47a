"""Predictor 2: the block is its base plus a product of two narrow matrices, as after a LoRA merge."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from weighbridge import native
from weighbridge.store.codecs.base import Buffer, damaged
from weighbridge.store.codecs.predictors.base import NUMBERS, Fields, Number
from weighbridge.store.codecs.predictors.same import window

MOST_RANK = 256
_FIELDS = struct.Struct("<BIBBHIIQ")


@dataclass(frozen=True, slots=True)
class Factors:
    """How a tensor of `rows` by `columns` came from its base: the difference is a product of rank ``len(exponents)``.

    `block` holds the integers of the columns' factor (one component after the other), then those of the rows', zigzag,
    as `width` planes of a byte each. It is a block of its own, which all blocks of the tensor refer to. Component k
    counts 2 ** exponents[k] times. `rounded` says that the difference was rounded to the tensor's format before it was
    added. `expected_bytes` is about what the tensor will cost: the factors as they will be coded, and the rest.
    """

    rows: int
    columns: int
    exponents: tuple[int, ...]
    width: int
    rounded: bool
    block: bytes
    expected_bytes: int = 0


class LowRank:
    id = 2
    name = "low rank"

    def recipe(self, factors: Factors, base: Number, first: int, offset: int = 0) -> bytes:
        """The fields for a block that begins at element `first` of its tensor.

        The references are blocks of the base, which has numbers of kind `base`, from element `offset` on (as in
        `Same`), and then, as the last one, `factors.block`.
        """
        shape = (len(factors.exponents), factors.rows, factors.columns, first)
        fields = _FIELDS.pack(base.kind, offset, factors.rounded, factors.width, *shape)
        return bytes([self.id]) + fields + struct.pack(f"{len(factors.exponents)}b", *factors.exponents)

    def predict(self, fields: Fields, number: Number, length: int, references: Sequence[Buffer]) -> Buffer:
        kind, offset, rounded, width, rank, rows, columns, first = _FIELDS.unpack(fields.take(_FIELDS.size))
        if not references:
            raise damaged("delta", "low rank needs its factors, and the block has no reference")
        if rounded > 1 or not 1 <= rank <= MOST_RANK or kind >= len(NUMBERS):
            raise damaged("delta", f"low rank of rank {rank}, numbers of kind {kind}, rounded {rounded} makes no sense")
        exponents = bytes(fields.take(rank))
        base = NUMBERS[kind]
        elements = window(references[:-1], offset * base.width, length // number.width * base.width)
        try:
            return native.predict_low_rank(
                elements, base.kind, number.kind, references[-1], exponents, rows, columns, width, first, bool(rounded)
            )
        except ValueError as error:
            raise damaged("delta", f"low rank: {error}") from None
