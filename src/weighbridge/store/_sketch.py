"""What of a tensor survives a fine-tune or a cast: 128 bits of its beginning (spec/store.md, Sketches).

A sign is lost only where a value crosses zero and an exponent only where it crosses a power of two, so two tensors
that come from one another agree in nearly all of these bits, and unrelated ones in half of them.
"""

from __future__ import annotations

from collections.abc import Callable

from weighbridge.tensors import DType, dtype_named

SKETCH_BYTES = 16
NO_SKETCH = bytes(SKETCH_BYTES)
"""Of a region that is too small, or that no sketch was made of."""

SAMPLES = 64
MOST_WORDS = 1 << 18
"""Only so many words from the beginning count, so that a vocabulary to which rows were added still looks the same."""

LEAST_ROW = 32


def sketch(first: bytes, nbytes: int, dtype: str) -> bytes:
    """The sketch of a region of `nbytes`, of which `first` holds at least the first `MOST_WORDS` words, or all."""
    known = dtype_named(dtype)
    width = word_bytes(known)
    words = min(nbytes // width, MOST_WORDS)
    if words < SAMPLES:
        return NO_SKETCH
    sign_and_exponent = _fields(known, 8 * width)
    signs = exponents = 0
    step = (1 << (words.bit_length() - 1)) // SAMPLES
    for sample, jitter in enumerate(_JITTERS):
        at = (sample * step + jitter % step) * width
        sign, exponent = sign_and_exponent(int.from_bytes(first[at : at + width], "little"))
        signs |= sign << sample
        exponents |= (exponent & 1) << sample
    return signs.to_bytes(8, "little") + exponents.to_bytes(8, "little")


def row_length(shape: tuple[int, ...]) -> int:
    """Elements in a row: as few of the last dimensions as make `LEAST_ROW`, but never the first of several."""
    row = 1
    for size in reversed(shape[1:] or shape):
        row *= size
        if row >= LEAST_ROW:
            break
    return row


def word_bytes(dtype: DType | None) -> int:
    """How many bytes a sampled word of this dtype has."""
    if dtype is None or not dtype.itemsize:
        return 1
    return dtype.itemsize // 2 if dtype.kind == "complex" else dtype.itemsize


def _fields(dtype: DType | None, bits: int) -> Callable[[int], tuple[int, int]]:
    """A function of a word that gives its sign and the exponent of its value (or that plus an even number)."""
    if dtype is None or not dtype.mantissa or not dtype.itemsize:
        return lambda word: _integer(word, bits)
    mantissa, top = dtype.mantissa, (1 << dtype.exponent) - 1
    bias = top >> 1

    def number(word: int) -> tuple[int, int]:
        field, fraction = word >> mantissa & top, word & ((1 << mantissa) - 1)
        if field:
            return word >> (bits - 1), field - bias
        return word >> (bits - 1), fraction.bit_length() - mantissa - bias if fraction else 0

    return number


def _integer(word: int, bits: int) -> tuple[int, int]:
    sign = word >> (bits - 1)
    value = (1 << bits) - word if sign else word
    return sign, value.bit_length() - 1 if value else 0


def _splitmix64(count: int) -> tuple[int, ...]:
    outputs, state, mask = [], 0, (1 << 64) - 1
    for _ in range(count):
        state = state + 0x9E3779B97F4A7C15 & mask
        z = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
        outputs.append(z ^ z >> 31)
    return tuple(outputs)


_JITTERS = _splitmix64(SAMPLES)
