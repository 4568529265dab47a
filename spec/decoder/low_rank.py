"""Predictor 2 of codec 6 in spec/codecs.md: a base plus the product of two narrow matrices."""

import struct
from collections.abc import Sequence

from refusal import Cursor

SIZES = {1: 2, 2: 2, 3: 4}  # bytes of an element, by kind: bf16, fp16, fp32
INFINITE = {1: 0x7F80, 2: 0x7C00, 3: 0x7F800000}  # the exponent of infinities and NaN


def low_rank(cursor: Cursor, kind: int, length: int, references: Sequence[bytes]) -> bytes:
    """The prediction of a block of `length` bytes of numbers of `kind`; the fields are taken from `cursor`."""
    if kind not in SIZES:
        raise cursor.refused("low rank predicts bf16, fp16 and fp32", kind)
    base_kind = cursor.number(1, "kind of the base", 1, 3)
    offset = cursor.number(4, "offset in the base")
    rounding = cursor.number(1, "rounding", 0, 1)
    width = cursor.number(1, "width", 1, 4)
    rank = cursor.number(2, "rank", 1, 256)
    rows = cursor.number(4, "rows", 1, 2**31)
    columns = cursor.number(4, "columns", 1, 2**31)
    first = cursor.number(8, "first element")
    exponents = [int.from_bytes(cursor.take(1, "an exponent"), "little", signed=True) for _ in range(rank)]
    if max(exponents) > 32:
        raise cursor.refused("an exponent is at most 32", max(exponents), back=rank)
    if not references:
        raise cursor.refused("the last reference is the factors", "no reference")
    *blocks, factors = references
    count = length // SIZES[kind]
    if len(factors) != rank * (rows + columns) * width:
        raise cursor.refused(f"the factors have {rank * (rows + columns) * width} bytes", len(factors))
    if first + count > rows * columns:
        raise cursor.refused(f"the block ends by element {rows * columns}", first + count)
    base = b"".join(blocks)[offset * SIZES[base_kind] : (offset + count) * SIZES[base_kind]]
    if len(base) != count * SIZES[base_kind]:
        raise cursor.refused(f"the base has {count} elements from {offset} on", len(base) // SIZES[base_kind])
    numbers = len(factors) // width
    prediction = bytearray()
    for element in range(count):
        row, column = divmod(first + element, columns)
        sum64 = 0.0
        for k in range(rank):
            a = _integer(factors[k * columns + column :: numbers])
            b = _integer(factors[rank * columns + k * rows + row :: numbers])
            sum64 += b * (a * 2.0 ** exponents[k])
        at = element * SIZES[base_kind]
        word = int.from_bytes(base[at : at + SIZES[base_kind]], "little")
        prediction += _predicted(word, base_kind, sum64, kind, rounding).to_bytes(SIZES[kind], "little")
    return bytes(prediction)


def _integer(zigzag: bytes) -> float:
    z = int.from_bytes(zigzag, "little")
    return float(z >> 1 if z % 2 == 0 else -(z >> 1) - 1)


def _predicted(word: int, base_kind: int, sum64: float, kind: int, rounding: int) -> int:
    if word & INFINITE[base_kind] == INFINITE[base_kind]:
        return 0
    difference = _nearest(sum64, 3)
    if rounding:
        difference = _nearest(_value(difference, 3), kind)
    # Two binary32 numbers add up in binary64 so nearly that rounding that to binary32 gives their rounded sum.
    total = _value(word, base_kind) + _value(difference, kind if rounding else 3)
    return _nearest(_value(_nearest(total, 3), 3), kind)


def _value(word: int, kind: int) -> float:
    """The number that a word stands for."""
    if kind == 2:
        return struct.unpack("<e", word.to_bytes(2, "little"))[0]
    return struct.unpack("<f", (word << 16 if kind == 1 else word).to_bytes(4, "little"))[0]


def _nearest(number: float, kind: int) -> int:
    """The word whose number is nearest, of two the even one; infinity beyond the largest."""
    low, high = 0, INFINITE[kind]  # words of positive numbers are in order
    magnitude, sign = abs(number), 1 << 8 * SIZES[kind] - 1 if str(number).startswith("-") else 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _value(middle, kind) <= magnitude else (low, middle)
    if magnitude == float("inf"):
        return sign | high
    above = 2.0 ** {1: 128, 2: 16, 3: 128}[kind] if high == INFINITE[kind] else _value(high, kind)
    down, up = magnitude - _value(low, kind), above - magnitude
    return sign | (low if down < up or (down == up and low % 2 == 0) else high)
