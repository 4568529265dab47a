"""`native.predict_low_rank` again, in plain Python numbers: the oracle that the compiled one is tested against."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import copysign, inf

Buffer = bytes | bytearray | memoryview

BF16, FP16, FP32 = 1, 2, 3


def predict_low_rank(
    base: Buffer,
    base_kind: int,
    kind: int,
    factors: Buffer,
    exponents: Sequence[int],
    rows: int,
    columns: int,
    width: int,
    first: int,
    round_difference: bool,
) -> bytes:
    rank = len(exponents)
    numbers = unzigzag(bytes(factors), width)
    predicted = bytearray()
    for index, word in enumerate(words(bytes(base), base_kind)):
        row, column = divmod(first + index, columns)
        total = 0.0
        for k, exponent in enumerate(exponents):
            total += numbers[rank * columns + k * rows + row] * (numbers[k * columns + column] * 2.0**exponent)
        difference = to_binary32(total)
        if round_difference:
            difference = value(rounded(difference, kind), kind)
        here = value(word, base_kind)
        result = rounded(to_binary32(here + difference), kind) if abs(here) < inf else 0
        predicted += result.to_bytes(4 if kind == FP32 else 2, "little")
    return bytes(predicted)


def unzigzag(planes: bytes, width: int) -> list[float]:
    count = len(planes) // width
    folded = [int.from_bytes(planes[index::count], "little") for index in range(count)]
    return [float(-(number >> 1) - 1 if number & 1 else number >> 1) for number in folded]


def words(data: bytes, kind: int) -> list[int]:
    size = 4 if kind == FP32 else 2
    return [int.from_bytes(data[at : at + size], "little") for at in range(0, len(data), size)]


def value(word: int, kind: int) -> float:
    if kind == BF16:
        word, kind = word << 16, FP32
    code, size = ("<f", 4) if kind == FP32 else ("<e", 2)
    return float(struct.unpack(code, word.to_bytes(size, "little"))[0])


def rounded(number: float, kind: int) -> int:
    """The word of this kind nearest to a binary32 number, the even one where two are equally near."""
    if kind == BF16:
        bits = rounded(number, FP32)
        return bits + 0x7FFF + (bits >> 16 & 1) >> 16
    code = "<f" if kind == FP32 else "<e"
    try:
        return int.from_bytes(struct.pack(code, number), "little")
    except OverflowError:
        return int.from_bytes(struct.pack(code, copysign(inf, number)), "little")


def to_binary32(number: float) -> float:
    return value(rounded(number, FP32), FP32)
