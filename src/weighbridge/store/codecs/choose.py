"""Which codec a block gets: asked of the data, cheaply."""

from __future__ import annotations

from collections.abc import Iterator

from weighbridge import native
from weighbridge.store.codecs import _streams
from weighbridge.store.codecs.base import OPAQUE, Buffer, Codec, Layout
from weighbridge.store.codecs.fill import Fill
from weighbridge.store.codecs.floats import Floats
from weighbridge.store.codecs.planes import Planes
from weighbridge.store.codecs.quantised import Quantised
from weighbridge.store.codecs.raw import Raw
from weighbridge.store.codecs.records import Records
from weighbridge.store.codecs.zstd import Zstd

RAW, ZSTD, FILL, PLANES, RECORDS, FLOATS, QUANTISED = (
    Raw(),
    Zstd(),
    Fill(),
    Planes(),
    Records(),
    Floats(),
    Quantised(),
)

Candidate = tuple[Codec, bytes]

# Below this many bytes, a sample says nothing, and trying is as cheap.
_SMALL = 8 << 10
# Share of words that come again, from which a match stage may earn its time: in weights without repeats inside, under
# one in a hundred do. Words that hold few bits come again by chance, such as two floats that were bf16 before, so those
# are looked at two or four at a time; booleans at 32.
_REPEATS = 0.02
_TELLING_BITS = 40
_BOOLEANS = 4
# In each step of so many bytes, the planes of this many words are looked at. They must promise so much less than what
# floats took, since a sample flatters.
_STEP, _WORDS = 512 << 10, 4 << 10
_PROMISE = 0.98


def encode(raw: Buffer, layout: Layout = OPAQUE) -> Candidate:
    """The codec that keeps this block in the fewest bytes of those worth trying, and its payload."""
    if (constant := FILL.encode(raw, layout, True)) is not None:
        return FILL, constant
    tried = _floats(raw, layout) if layout.number else _others(raw, layout)
    return min(tried, key=lambda candidate: len(candidate[1]), default=None) or (RAW, bytes(raw))


def _floats(raw: Buffer, layout: Layout) -> Iterator[Candidate]:
    """Mantissas of weights are noise; where they are not (few values, many zeros, a ramp), planes or matches win."""
    packed = FLOATS.encode(raw, layout, False)
    if packed is not None:
        yield FLOATS, packed
    least = len(raw) if packed is None else len(packed)
    repeats = _repeats(raw, _words_to_tell(least / len(raw)))
    if repeats:
        yield from _tried((PLANES, ZSTD) if layout.width > 1 else (ZSTD,), raw, layout, repeats)
    elif _order_0(raw, layout) < _PROMISE * least:
        yield from _tried((_split(layout),), raw, layout, repeats)
        yield from _tried((ZSTD,), raw, layout, True)


def _words_to_tell(share: float) -> int:
    """How many eight-byte words hold so many bits that none comes again by chance, where floats leave this share."""
    return next((words for words in (1, 2) if words * 64 * share >= _TELLING_BITS), 4)


def _repeats(raw: Buffer, words: int) -> bool:
    return len(raw) < _SMALL or native.repeat_share(raw, words) > _REPEATS


def _others(raw: Buffer, layout: Layout) -> Iterator[Candidate]:
    integers = layout.width > 1  # counters and indices: their planes repeat where they do not
    repeats = integers or _repeats(raw, _BOOLEANS if layout.record == "BOOL" else 1)
    packed = QUANTISED.encode(raw, layout, repeats)
    if packed is not None:
        yield QUANTISED, packed
        if not repeats:
            return
    split = _split(layout)
    if split is not ZSTD:
        yield from _tried((split, ZSTD) if repeats else (split,), raw, layout, repeats)
    elif repeats or native.least_entropy(raw, _streams.WINDOW, _streams.SAMPLE) < _streams.WORTH_CODING:
        yield from _tried((ZSTD,), raw, layout, repeats)


def _split(layout: Layout) -> Codec:
    return RECORDS if layout.columns else PLANES if layout.width > 1 else ZSTD


def _tried(codecs: tuple[Codec, ...], raw: Buffer, layout: Layout, repeats: bool) -> Iterator[Candidate]:
    for codec in codecs:
        payload = codec.encode(raw, layout, repeats)
        if payload is not None:
            yield codec, payload


def _order_0(raw: Buffer, layout: Layout) -> float:
    """About how many bytes the block's planes take, by the histograms of a sample."""
    view, size = memoryview(raw), _WORDS * layout.width
    bits = []
    for start in range(0, len(view) // layout.width * layout.width, _STEP):
        words = view[start : start + size]
        words = words[: len(words) // layout.width * layout.width]
        planes = memoryview(native.split_planes(words, layout.width, layout.rotate)) if layout.width > 1 else words
        count = len(planes) // layout.width
        entropies = (native.least_entropy(planes[at : at + count], count, count) for at in range(0, len(planes), count))
        bits.append(sum(entropies) / layout.width)
    return sum(bits) / len(bits) / 8 * len(view) if bits else 0.0
