"""Codec 7: ggml's quantised blocks and booleans, their numbers Huffman-coded in contexts that their scales give."""

from __future__ import annotations

from weighbridge import native
from weighbridge.store.codecs.base import Buffer, Layout, damaged

_FORMATS = {"Q4_0": 0, "Q5_0": 1, "Q8_0": 2, "Q4_K": 3, "Q5_K": 4, "Q6_K": 5, "BOOL": 6}


class Quantised:
    id = 7
    version = 1
    name = "quantised"

    def encode(self, raw: Buffer, layout: Layout, repeats: bool) -> bytes | None:
        if layout.record not in _FORMATS:
            return None
        payload = native.encode_quantised(raw, _FORMATS[layout.record])
        return payload if len(payload) < len(raw) else None

    def decode(self, payload: Buffer, raw_length: int) -> bytes:
        try:
            return native.decode_quantised(payload, raw_length)
        except ValueError as error:
            raise damaged(self.name, str(error)) from None
