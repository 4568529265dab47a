"""Codec 4: equal records split into columns, so that a quantised block's scales are apart from its numbers."""

from __future__ import annotations

import struct
from itertools import accumulate, pairwise

from weighbridge import native
from weighbridge.store.codecs import _streams
from weighbridge.store.codecs.base import MAX_BLOCK, Buffer, Layout, damaged

MAX_COLUMNS = 64


class Records:
    id = 4
    version = 1
    name = "records"

    def encode(self, raw: Buffer, layout: Layout, repeats: bool) -> bytes | None:
        record = sum(layout.columns)
        count = len(raw) // record if record else 0
        if not count:
            return None
        view = memoryview(raw)
        split = memoryview(native.split_records(view[: count * record], layout.columns))
        ends = accumulate((width * count for width in layout.columns), initial=0)
        columns = [split[start:end] for start, end in pairwise(ends)]
        head = struct.pack(f"<B{len(columns)}H", len(columns), *layout.columns)
        payload = head + _streams.pack(columns, repeats) + bytes(view[count * record :])
        return payload if len(payload) < len(raw) else None

    def decode(self, payload: Buffer, raw_length: int) -> bytes:
        widths, body = self._head(memoryview(payload))
        record = sum(widths)
        count = raw_length // record
        if not count or record > MAX_BLOCK:
            raise damaged(self.name, f"{raw_length:,} bytes hold no record of {record:,} bytes")
        columns, tail = _streams.unpack(body, [width * count for width in widths], self.name)
        if len(tail) != raw_length - count * record:
            raise damaged(self.name, f"{len(tail):,} bytes follow its streams")
        merged = native.merge_records(columns, widths)
        return merged + bytes(tail) if tail else merged

    def _head(self, payload: memoryview) -> tuple[tuple[int, ...], memoryview]:
        columns = payload[0] if payload else 0
        if not 1 <= columns <= MAX_COLUMNS or len(payload) < 1 + 2 * columns:
            raise damaged(self.name, f"it claims {columns} columns in {len(payload):,} bytes")
        widths = struct.unpack_from(f"<{columns}H", payload, 1)
        if 0 in widths:
            raise damaged(self.name, "it has a column without bytes")
        return widths, payload[1 + 2 * columns :]
