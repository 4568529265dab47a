"""Codecs: how one block becomes a payload and comes back, losing nothing.

- `Codec`: one way to write a block, with a number and a version that the store keeps beside each payload.
- `Layout`: what is known of the elements in a block; a hint that costs or saves bytes and never changes what is read.
- `CODECS`: the registry, an explicit tuple. Adding a codec is writing its bytes down in spec/codecs.md, adding a
  module, and naming it here and in `choose`.

Codecs are pure: bytes in, bytes out. They know nothing of packs, files or names. A decoder is given hostile bytes: it
raises `CorruptError` and allocates no more than a few times the block's raw length.
"""

from __future__ import annotations

from weighbridge.errors import CorruptError, StoreVersionError
from weighbridge.store.codecs.base import MAX_BLOCK, OPAQUE, Buffer, Codec, Layout
from weighbridge.store.codecs.choose import FILL, FLOATS, PLANES, RAW, RECORDS, ZSTD, encode
from weighbridge.store.codecs.layouts import layout_of

CODECS: tuple[Codec, ...] = (RAW, ZSTD, FILL, PLANES, RECORDS, FLOATS)

__all__ = ["CODECS", "MAX_BLOCK", "OPAQUE", "Buffer", "Codec", "Layout", "codec_name", "decode", "encode", "layout_of"]

_BY_ID = {(codec.id, codec.version): codec for codec in CODECS}


def codec_name(number: int) -> str:
    """What a codec is called; its number where we do not know it."""
    return next((codec.name for codec in CODECS if codec.id == number), f"codec {number}")


def decode(codec: int, version: int, payload: Buffer, raw_length: int) -> bytes:
    """The block behind a payload. Raises `StoreVersionError` for a codec we do not know, `CorruptError` for damage."""
    found = _BY_ID.get((codec, version))
    if found is None:
        raise StoreVersionError(f"was written by version {version} of {codec_name(codec)}, which we do not know")
    if not 1 <= raw_length <= MAX_BLOCK or len(payload) > MAX_BLOCK:
        raise CorruptError(f"a block of {raw_length:,} bytes in {len(payload):,} is beyond every limit")
    return found.decode(payload, raw_length)
