"""Predictor 0: the block is what its references hold, from some element on: a fine-tune beside its base."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from weighbridge.store.codecs.base import Buffer, damaged
from weighbridge.store.codecs.predictors.base import Fields, Number

_OFFSET = struct.Struct("<I")


class Same:
    id = 0
    name = "same"

    def recipe(self, offset: int = 0) -> bytes:
        """The fields that predict the bytes of the joined references from element `offset` of the block's kind on."""
        return bytes([self.id]) + _OFFSET.pack(offset)

    def predict(self, fields: Fields, number: Number, length: int, references: Sequence[Buffer]) -> Buffer:
        return window(references, fields.number(_OFFSET.size) * number.width, length)


def window(references: Sequence[Buffer], start: int, length: int) -> Buffer:
    """`length` bytes of the joined references from byte `start` on. Raises `CorruptError` where they end before."""
    total = sum(len(reference) for reference in references)
    if start + length > total:
        raise damaged("delta", f"bytes {start:,} to {start + length:,} are asked of references that have {total:,}")
    parts: list[memoryview] = []
    at = 0
    for reference in references:
        begin, end = max(start - at, 0), min(start + length - at, len(reference))
        if begin < end:
            parts.append(memoryview(reference)[begin:end])
        at += len(reference)
    return parts[0] if len(parts) == 1 else b"".join(parts)
