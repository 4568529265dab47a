"""Codecs: how one block becomes a payload and comes back, losing nothing.

- `Codec`: one way to write a block, with a number and a version that the store keeps beside each payload.
- `Layout`: what is known of the elements in a block; a hint that costs or saves bytes and never changes what is read.
- `DeltaCodec`: the same for a block that is coded against others, its references.
- `CODECS`, `DELTAS`: the registries, explicit tuples. Adding a codec is writing its bytes down in spec/codecs.md,
  adding a module, and naming it here and in `choose`.

Codecs are pure: bytes in, bytes out. They know nothing of packs, files or names. A decoder is given hostile bytes: it
raises `CorruptError` and allocates no more than a few times the block's raw length.
"""

from __future__ import annotations

from collections.abc import Sequence

from weighbridge.errors import CorruptError, StoreVersionError
from weighbridge.store.codecs.base import MAX_BLOCK, OPAQUE, Buffer, Codec, DeltaCodec, Layout
from weighbridge.store.codecs.choose import FILL, FLOATS, PLANES, QUANTISED, RAW, RECORDS, ZSTD, encode
from weighbridge.store.codecs.delta import Delta, DeltaReader
from weighbridge.store.codecs.floats import Floats
from weighbridge.store.codecs.layouts import layout_of

DELTA = Delta()
CODECS: tuple[Codec, ...] = (RAW, ZSTD, FILL, PLANES, RECORDS, FLOATS, QUANTISED)
DELTAS: tuple[DeltaCodec, ...] = (DELTA, DeltaReader(version=1))

__all__ = [
    "CODECS",
    "DELTA",
    "DELTAS",
    "MAX_BLOCK",
    "OPAQUE",
    "RAW",
    "Buffer",
    "Codec",
    "DeltaCodec",
    "Layout",
    "codec_name",
    "decode",
    "decode_into",
    "encode",
    "layout_of",
]

_BY_ID = {(codec.id, codec.version): codec for codec in CODECS}
_DELTAS_BY_ID = {(codec.id, codec.version): codec for codec in DELTAS}


def codec_name(number: int) -> str:
    """What a codec is called; its number where we do not know it."""
    every: tuple[Codec | DeltaCodec, ...] = (*CODECS, *DELTAS)
    return next((codec.name for codec in every if codec.id == number), f"codec {number}")


def decode(codec: int, version: int, payload: Buffer, raw_length: int, references: Sequence[Buffer] = ()) -> bytes:
    """The block behind a payload. `references` are the raw blocks that its entry names, in order.

    Raises `StoreVersionError` for a codec we do not know, `CorruptError` for damage.
    """
    found, delta = _BY_ID.get((codec, version)), _DELTAS_BY_ID.get((codec, version))
    if found is None and delta is None:
        raise StoreVersionError(f"was written by version {version} of {codec_name(codec)}, which we do not know")
    if not 1 <= raw_length <= MAX_BLOCK or len(payload) > MAX_BLOCK:
        raise CorruptError(f"a block of {raw_length:,} bytes in {len(payload):,} is beyond every limit")
    if found is not None and not references:
        return found.decode(payload, raw_length)
    if delta is not None and references:
        return delta.decode(payload, raw_length, references)
    raise CorruptError(f"a payload of {codec_name(codec)} with {len(references)} references makes no sense")


def decode_into(codec: int, version: int, payload: Buffer, out: memoryview, references: Sequence[Buffer] = ()) -> None:
    """`decode` into memory of the block's length; without a copy for the codecs that most bytes have."""
    found, delta = _BY_ID.get((codec, version)), _DELTAS_BY_ID.get((codec, version))
    small = len(payload) <= MAX_BLOCK and 1 <= len(out) <= MAX_BLOCK
    if small and isinstance(found, Floats) and not references:
        found.decode_into(payload, out)
    elif small and isinstance(delta, DeltaReader) and references:
        delta.decode_into(payload, out, references)
    else:
        out[:] = decode(codec, version, payload, len(out), references)
