"""Codec 0: the block as it is, for what cannot be made smaller."""

from __future__ import annotations

from weighbridge.store.codecs.base import Buffer, Layout, damaged


class Raw:
    id = 0
    version = 1
    name = "raw"

    def encode(self, raw: Buffer, layout: Layout, repeats: bool) -> bytes | None:
        return bytes(raw)

    def decode(self, payload: Buffer, raw_length: int) -> bytes:
        if len(payload) != raw_length:
            raise damaged(self.name, f"expected {raw_length:,} bytes, found {len(payload):,}")
        return bytes(payload)
