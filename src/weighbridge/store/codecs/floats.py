"""Codec 5: floats as exponents with a few mantissa bits, Huffman-coded by the kernel, and the rest of the mantissas.

Integers of one byte are symbols as they are.
"""

from __future__ import annotations

from weighbridge import native
from weighbridge.store.codecs.base import Buffer, Layout, damaged

# Number format: its kind in the payload, and bytes of an element.
_KINDS = {
    "I8": (0, 1),
    "U8": (0, 1),
    "BF16": (1, 2),
    "F16": (2, 2),
    "F32": (3, 4),
    "F64": (4, 8),
    "F8_E4M3": (5, 1),
    "F8_E5M2": (6, 1),
}


class Floats:
    id = 5
    version = 1
    name = "floats"

    def encode(self, raw: Buffer, layout: Layout, repeats: bool) -> bytes | None:
        if layout.number not in _KINDS:
            return None
        kind, width = _KINDS[layout.number]
        if len(raw) % width:
            return None
        payload = native.encode_block(raw, kind)
        return payload if len(payload) < len(raw) else None

    def decode_into(self, payload: Buffer, out: memoryview) -> None:
        """As `decode`, into memory of the block's length."""
        try:
            native.decode_block_into(payload, out)
        except ValueError as error:
            raise damaged(self.name, str(error)) from None

    def decode(self, payload: Buffer, raw_length: int) -> bytes:
        try:
            return native.decode_block(payload, raw_length)
        except ValueError as error:
            raise damaged(self.name, str(error)) from None
