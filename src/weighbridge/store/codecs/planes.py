"""Codec 3: numbers split into byte planes, each coded by itself: exponents shrink, mantissas stay as they are."""

from __future__ import annotations

import struct

from weighbridge import native
from weighbridge.store.codecs import _streams
from weighbridge.store.codecs.base import Buffer, Layout, damaged

_HEAD = struct.Struct("<BB")
_WIDTHS = (2, 4, 8)


class Planes:
    id = 3
    version = 1
    name = "planes"

    def encode(self, raw: Buffer, layout: Layout, repeats: bool) -> bytes | None:
        width, count = layout.width, len(raw) // layout.width
        if width not in _WIDTHS or not count:
            return None
        view = memoryview(raw)
        whole = count * width
        split = memoryview(native.split_planes(view[:whole], width, layout.rotate))
        planes = [split[p * count : (p + 1) * count] for p in range(width)]
        payload = _HEAD.pack(width, layout.rotate) + _streams.pack(planes, repeats) + bytes(view[whole:])
        return payload if len(payload) < len(raw) else None

    def decode(self, payload: Buffer, raw_length: int) -> bytes:
        if len(payload) < _HEAD.size:
            raise damaged(self.name, "it ends within its head")
        width, rotate = _HEAD.unpack_from(payload)
        if width not in _WIDTHS or rotate > 1 or raw_length < width:
            raise damaged(self.name, f"{raw_length:,} bytes as words of {width} bytes, rotated by {rotate}")
        count = raw_length // width
        planes, tail = _streams.unpack(memoryview(payload)[_HEAD.size :], [count] * width, self.name)
        if len(tail) != raw_length - count * width:
            raise damaged(self.name, f"{len(tail):,} bytes follow its streams")
        merged = native.merge_planes(planes, bool(rotate))
        return merged + bytes(tail) if tail else merged
