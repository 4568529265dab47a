"""Codec 6: a prediction made of other blocks, and the difference of every element from it."""

from __future__ import annotations

from collections.abc import Sequence

from weighbridge import native
from weighbridge.store.codecs.base import Buffer, Layout, damaged
from weighbridge.store.codecs.predictors import NUMBERS, Fields, number_of, predict


class DeltaReader:
    """Reads one version of the codec: what older writers made is read for ever."""

    id = 6
    name = "delta"

    def __init__(self, version: int) -> None:
        self.version = version

    def decode(self, payload: Buffer, raw_length: int, references: Sequence[Buffer]) -> bytes:
        kind, prediction, residual = self._predicted(payload, raw_length, references)
        try:
            return native.decode_residual(residual, prediction, kind, version=self.version)
        except ValueError as error:
            raise damaged(self.name, str(error)) from None

    def decode_into(self, payload: Buffer, out: memoryview, references: Sequence[Buffer]) -> None:
        """As `decode`, into memory of the block's length."""
        kind, prediction, residual = self._predicted(payload, len(out), references)
        try:
            native.decode_residual_into(residual, prediction, kind, out, version=self.version)
        except ValueError as error:
            raise damaged(self.name, str(error)) from None

    def _predicted(
        self, payload: Buffer, raw_length: int, references: Sequence[Buffer]
    ) -> tuple[int, Buffer, memoryview]:
        """Number kind, prediction, residual."""
        fields = Fields(memoryview(payload))
        kind = fields.number(1)
        if kind >= len(NUMBERS) or raw_length % NUMBERS[kind].width:
            raise damaged(self.name, f"{raw_length:,} bytes are no numbers of kind {kind}")
        return kind, predict(fields, NUMBERS[kind], raw_length, references), fields.rest


class Delta(DeltaReader):
    """The newest version, which is also written."""

    def __init__(self) -> None:
        super().__init__(version=2)

    def encode(self, raw: Buffer, layout: Layout, references: Sequence[Buffer], recipe: bytes) -> bytes | None:
        """The payload of a block that `recipe` (see `predictors`) predicts from raw references.

        None where it would not be shorter than the block. Raises `CorruptError` for a recipe that does not suit them.
        """
        number = number_of(layout, len(raw))
        prediction = predict(Fields(memoryview(recipe)), number, len(raw), references)
        payload = native.encode_residual(raw, prediction, number.kind, head=bytes([number.kind]) + recipe)
        return payload if len(payload) < len(raw) else None

    def encode_again(self, payload: Buffer, raw: Buffer, references: Sequence[Buffer]) -> bytes | None:
        """The payload of any version of a block, in this version: predicted from the same raw references as it was.

        None where it would not be shorter than the block. Raises `CorruptError` as `decode` does.
        """
        kind, prediction, residual = self._predicted(payload, len(raw), references)
        head = bytes(memoryview(payload)[: len(payload) - len(residual)])
        again = native.encode_residual(raw, prediction, kind, head=head)
        return again if len(again) < len(raw) else None
