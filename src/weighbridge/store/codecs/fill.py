"""Codec 2: a block that repeats every 16 bytes: zeros, a constant of any width, an initial optimiser state."""

from __future__ import annotations

from weighbridge.store.codecs.base import Buffer, Layout, damaged

PERIOD = 16

_GLANCE = 4096


class Fill:
    id = 2
    version = 1
    name = "fill"

    def encode(self, raw: Buffer, layout: Layout, repeats: bool) -> bytes | None:
        if not (_repeats(raw[:_GLANCE]) and _repeats(raw)) or len(raw) <= PERIOD:
            return None
        return bytes(raw[:PERIOD])

    def decode(self, payload: Buffer, raw_length: int) -> bytes:
        if len(payload) != min(PERIOD, raw_length):
            raise damaged(self.name, f"expected {min(PERIOD, raw_length)} bytes, found {len(payload):,}")
        return (bytes(payload) * -(-raw_length // PERIOD))[:raw_length]


def _repeats(raw: Buffer) -> bool:
    return bytes(raw[PERIOD:]) == bytes(raw[:-PERIOD])
