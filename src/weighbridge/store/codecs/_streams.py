"""Streams: the parts that planes and records code one by one (spec/codecs.md, Streams)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from weighbridge import native
from weighbridge.store.codecs.base import OPAQUE, Buffer, Codec, damaged
from weighbridge.store.codecs.fill import Fill
from weighbridge.store.codecs.raw import Raw
from weighbridge.store.codecs.zstd import Zstd, compress

_HEAD = struct.Struct("<BI")
_RAW, _ZSTD, _FILL = Raw(), Zstd(), Fill()
_METHODS: dict[int, Codec] = {_RAW.id: _RAW, _ZSTD.id: _ZSTD, _FILL.id: _FILL}

# zstd makes a Huffman table for every 128 KiB, so that is the window in which a gain must show. Below 7.9 bits for
# a byte the table pays for itself; above, the gain is not worth the time to decode it.
WINDOW = 128 << 10
SAMPLE = 32 << 10
WORTH_CODING = 7.9


def pack(streams: Sequence[Buffer], repeats: bool) -> bytes:
    """The heads of all streams, then the coded streams."""
    coded = [_code(stream, repeats) for stream in streams]
    return b"".join([_HEAD.pack(method, len(data)) for method, data in coded] + [bytes(data) for _, data in coded])


def unpack(payload: Buffer, lengths: Sequence[int], codec: str) -> tuple[list[Buffer], Buffer]:
    """The streams, whose raw lengths are known, and what follows them in the payload."""
    at = len(lengths) * _HEAD.size
    if len(payload) < at:
        raise damaged(codec, "it ends before its streams")
    view = memoryview(payload)
    streams: list[Buffer] = []
    for number, length in enumerate(lengths):
        method, size = _HEAD.unpack_from(view, number * _HEAD.size)
        if method not in _METHODS or size > len(view) - at:
            raise damaged(codec, f"stream {number} has method {method} and {size:,} bytes")
        part = view[at : at + size]
        streams.append(part if method == _RAW.id and size == length else _METHODS[method].decode(part, length))
        at += size
    return streams, view[at:]


def _code(stream: Buffer, repeats: bool) -> tuple[int, Buffer]:
    if (constant := _FILL.encode(stream, OPAQUE, repeats)) is not None:
        return _FILL.id, constant
    tried = [compress(stream, matches=True)] if repeats else []
    if repeats or native.least_entropy(stream, WINDOW, SAMPLE) < WORTH_CODING:
        tried.append(compress(stream, matches=False))
    best = min(tried, key=len, default=stream)
    return (_ZSTD.id, best) if len(best) < len(stream) else (_RAW.id, stream)
