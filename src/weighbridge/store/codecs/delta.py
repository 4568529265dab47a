"""Codec 6: a prediction made of other blocks, and the difference of every element from it."""

from __future__ import annotations

from collections.abc import Sequence

from weighbridge import native
from weighbridge.store.codecs.base import Buffer, Layout, damaged
from weighbridge.store.codecs.predictors import NUMBERS, Fields, number_of, predict


class Delta:
    id = 6
    version = 1
    name = "delta"

    def encode(self, raw: Buffer, layout: Layout, references: Sequence[Buffer], recipe: bytes) -> bytes | None:
        """The payload of a block that `recipe` (see `predictors`) predicts from raw references.

        None where it would not be shorter than the block. Raises `CorruptError` for a recipe that does not suit them.
        """
        number = number_of(layout, len(raw))
        prediction = predict(Fields(memoryview(recipe)), number, len(raw), references)
        payload = bytes([number.kind]) + recipe + native.encode_residual(raw, prediction, number.kind)
        return payload if len(payload) < len(raw) else None

    def decode(self, payload: Buffer, raw_length: int, references: Sequence[Buffer]) -> bytes:
        fields = Fields(memoryview(payload))
        kind = fields.number(1)
        if kind >= len(NUMBERS) or raw_length % NUMBERS[kind].width:
            raise damaged(self.name, f"{raw_length:,} bytes are no numbers of kind {kind}")
        prediction = predict(fields, NUMBERS[kind], raw_length, references)
        try:
            return native.decode_residual(fields.rest, prediction, kind)
        except ValueError as error:
            raise damaged(self.name, str(error)) from None
