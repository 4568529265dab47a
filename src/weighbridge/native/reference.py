"""The kernel's functions again, in numpy and plain Python: the oracle that the compiled ones are tested against.

Readable before fast; `weighbridge.native` never falls back to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import log2

import numpy as np

Buffer = bytes | bytearray | memoryview

_MASK = (1 << 64) - 1
_REPEAT_KEY = 0x9E3779B97F4A7C15
_REPEAT_SLOTS = 8192


def split_planes(elements: Buffer, width: int, rotate: bool) -> bytes:
    words = np.frombuffer(elements, dtype=f"<u{width}")
    if rotate:
        bits = words.dtype.type(8 * width - 1)
        words = (words << words.dtype.type(1)) | (words >> bits)
    return np.ascontiguousarray(words.view(np.uint8).reshape(-1, width).T).tobytes()


def merge_planes(planes: Sequence[Buffer], rotate: bool) -> bytes:
    width = len(planes)
    stacked = np.stack([np.frombuffer(plane, np.uint8) for plane in planes], axis=1)
    words = np.ascontiguousarray(stacked).view(f"<u{width}").reshape(-1)
    if rotate:
        bits = words.dtype.type(8 * width - 1)
        words = (words >> words.dtype.type(1)) | (words << bits)
    return words.tobytes()


def split_records(records: Buffer, widths: Sequence[int]) -> bytes:
    rows = np.frombuffer(records, np.uint8).reshape(-1, sum(widths))
    ends = np.cumsum(widths)
    return b"".join(rows[:, end - width : end].tobytes() for end, width in zip(ends, widths, strict=True))


def merge_records(columns: Sequence[Buffer], widths: Sequence[int]) -> bytes:
    parts = [np.frombuffer(c, np.uint8).reshape(-1, width) for c, width in zip(columns, widths, strict=True)]
    return np.concatenate(parts, axis=1).tobytes()


def gear_table() -> list[int]:
    """256 outputs of splitmix64 seeded with 0."""
    state, table = 0, []
    for _ in range(256):
        state = (state + 0x9E3779B97F4A7C15) & _MASK
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        table.append(mixed ^ (mixed >> 31))
    return table


def next_cut(data: Buffer, least: int, bits: int, most: int) -> int:
    """Length of the first chunk of `data`: at least `least` (64 or more), at most `most`, or all there is."""
    view, table = memoryview(data).cast("B"), gear_table()
    end = min(len(view), most)
    for position in range(least, end):
        digest = 0
        for byte in view[position - 64 : position]:
            digest = ((digest << 1) + table[byte]) & _MASK
        if digest >> (64 - bits) == 0:
            return position
    return end


def least_entropy(data: Buffer, window: int, sample: int) -> float:
    """Bits for each byte in the window of `data` that an order-0 code would shrink most; 8.0 where there is none.

    Only the first `sample` bytes of each window are looked at.
    """
    stream = np.frombuffer(data, np.uint8)
    least = 8.0
    for start in range(0, len(stream), window):
        part = stream[start : start + min(window, sample)]
        counts = np.bincount(part, minlength=256)
        least = min(least, sum(c / len(part) * log2(len(part) / c) for c in counts.tolist() if c))
    return least


def repeat_share(data: Buffer, words: int = 1) -> float:
    """Of a sample of the different aligned stretches of `words` eight-byte words, the share that comes again.

    0.0 is none, 1.0 all.
    """
    stretch = 8 * words
    rows = np.frombuffer(data, np.uint8)[: len(memoryview(data)) // stretch * stretch].view("<u8").reshape(-1, words)
    table: dict[int, tuple[int, bool]] = {}
    different, repeated = 0, 0
    for row in rows.tolist():
        word = reduce(lambda held, next_word: (held * _REPEAT_KEY & _MASK) ^ next_word, row)
        picked = ((((row[0] ^ row[0] >> 32) + 1) & 0xFFFFFFFF) * 0x9E3779B1) >> 26 & 63 == 0
        if not picked:
            continue
        mixed = (word * _REPEAT_KEY) & _MASK
        slot = (mixed >> 45) % _REPEAT_SLOTS
        held, again = table.get(slot, (None, False))
        different += held != word
        repeated += held == word and not again
        table[slot] = (word, held == word)
    return repeated / different if different else 0.0
