"""Which codec a block gets: asked of the data, cheaply."""

from __future__ import annotations

from weighbridge import native
from weighbridge.store.codecs import _streams
from weighbridge.store.codecs.base import OPAQUE, Buffer, Codec, Layout
from weighbridge.store.codecs.fill import Fill
from weighbridge.store.codecs.planes import Planes
from weighbridge.store.codecs.raw import Raw
from weighbridge.store.codecs.records import Records
from weighbridge.store.codecs.zstd import Zstd

RAW, ZSTD, FILL, PLANES, RECORDS = Raw(), Zstd(), Fill(), Planes(), Records()

# Below this many bytes, a sample says nothing, and trying is as cheap.
_SMALL = 8 << 10
# Share of words that come again, from which a match stage may earn its time: in weights without repeats inside, under
# one in a hundred do.
_REPEATS = 0.02


def encode(raw: Buffer, layout: Layout = OPAQUE) -> tuple[Codec, bytes]:
    """The codec that keeps this block in the fewest bytes of those worth trying, and its payload."""
    best: tuple[Codec, bytes] | None = None
    integers = layout.width > 1 and not layout.rotate  # counters and indices: their planes repeat where they do not
    repeats = integers or len(raw) < _SMALL or native.repeat_share(raw) > _REPEATS
    for codec in _candidates(raw, layout, repeats):
        payload = codec.encode(raw, layout, repeats)
        if payload is not None and (best is None or len(payload) < len(best[1])):
            best = codec, payload
        if codec is FILL and best is not None:
            break
    return best or (RAW, bytes(raw))


def _candidates(raw: Buffer, layout: Layout, repeats: bool) -> tuple[Codec, ...]:
    split = RECORDS if layout.columns else PLANES if layout.width > 1 else None
    if split is not None:
        return (FILL, split, ZSTD) if repeats else (FILL, split)
    promising = repeats or native.least_entropy(raw, _streams.WINDOW, _streams.SAMPLE) < _streams.WORTH_CODING
    return (FILL, ZSTD) if promising else (FILL,)
