"""Predictor 1: what its references hold, in another float format: bf16 beside the fp32 that it was rounded from."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from weighbridge import native
from weighbridge.store.codecs.base import Buffer, damaged
from weighbridge.store.codecs.predictors.base import NUMBERS, Fields, Number
from weighbridge.store.codecs.predictors.same import window

_FIELDS = struct.Struct("<BI")
_CASTS = {number.kind: number for number in NUMBERS if number.name in ("BF16", "F16", "F32")}
_BY_NAME = {number.name: number for number in _CASTS.values()}


class Cast:
    id = 1
    name = "cast"

    def knows(self, number: str, other: str) -> bool:
        """Whether numbers of one float format (as `Layout` names them) are predicted from those of another."""
        return number in _BY_NAME and other in _BY_NAME and number != other

    def recipe(self, other: str, offset: int = 0) -> bytes:
        """The fields that predict the joined references, numbers of format `other`, from element `offset` on."""
        return bytes([self.id]) + _FIELDS.pack(_BY_NAME[other].kind, offset)

    def predict(self, fields: Fields, number: Number, length: int, references: Sequence[Buffer]) -> Buffer:
        kind, offset = _FIELDS.unpack(fields.take(_FIELDS.size))
        if kind not in _CASTS or number.kind not in _CASTS or kind == number.kind:
            raise damaged("delta", f"numbers of kind {kind} are not cast to kind {number.kind}")
        width = _CASTS[kind].width
        words = window(references, offset * width, length // number.width * width)
        return native.cast_words(words, kind, number.kind)
