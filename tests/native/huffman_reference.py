"""Packed blocks decoded from their description alone: readable before fast, the oracle for the compiled decoder.

Every fault of the bytes raises `ValueError`. Nothing here shares code with the kernel.
"""

from __future__ import annotations

import numpy as np

VERSION, LONGEST_CODE, STREAMS, SHORT, LONGEST_PART, MOST_CLUSTERS = 1, 12, 5, 1024, 1 << 19, 16
FORMATS = {
    0: (1, 0),
    1: (2, 7),
    2: (2, 10),
    3: (4, 23),
    4: (8, 52),
    5: (1, 3),
    6: (1, 2),
}  # kind: bytes of an element, mantissa bits


class Cursor:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise ValueError("cut short")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")


class LowBits:
    """Bits of the bytes that a cursor gives, each from the lowest."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor, self.held, self.used = cursor, 0, 0

    def take(self, bits: int) -> int:
        while self.used < bits:
            self.held |= self.cursor.number(1) << self.used
            self.used += 8
        value = self.held & ((1 << bits) - 1)
        self.held >>= bits
        self.used -= bits
        return value


def read_lengths(cursor: Cursor) -> dict[int, int]:
    """Symbol: length of its code word. A constant has a single word of no bits."""
    first, last = cursor.number(1), cursor.number(1)
    if first > last:
        raise ValueError("symbols out of order")
    if first == last:
        return {first: 0}
    bits, length, lengths = LowBits(cursor), 8, {}
    for symbol in range(first, last + 1):
        if bits.take(1):
            length = bits.take(4) if bits.take(1) else length + (1 if bits.take(1) else -1)
        if not 0 <= length <= LONGEST_CODE:
            raise ValueError("impossible length")
        if length:
            lengths[symbol] = length
    if bits.held or sum(2 ** (LONGEST_CODE - n) for n in lengths.values()) != 2**LONGEST_CODE:
        raise ValueError("not a complete code")
    return lengths


def code_words(lengths: dict[int, int]) -> dict[tuple[int, int], int]:
    """(length, word): symbol."""
    words, position = {}, 0
    for length, symbol in sorted((length, symbol) for symbol, length in lengths.items()):
        words[length, position >> (LONGEST_CODE - length)] = symbol
        position += 1 << (LONGEST_CODE - length)
    return words


def decode_stream(stream: bytes, words: dict[tuple[int, int], int], count: int) -> list[int]:
    bits = "".join(f"{byte:08b}" for byte in stream)
    symbols, at = [], 0
    for _ in range(count):
        length = 1
        while (length, int(bits[at : at + length], 2)) not in words:
            length += 1
            if at + length > len(bits):
                raise ValueError("stream cut short")
        symbols.append(words[length, int(bits[at : at + length], 2)])
        at += length
        if at >= len(bits) and len(symbols) != count:
            raise ValueError("stream cut short")
    if len(bits) - at >= 8 or "1" in bits[at:]:
        raise ValueError("stream too long")
    return symbols


def decode_sequence(cursor: Cursor, count: int) -> np.ndarray:
    lengths = read_lengths(cursor)
    if 0 in lengths.values():
        return np.full(count, next(iter(lengths)), np.uint8)
    streams = 1 if count < SHORT else STREAMS
    part = -(-count // streams)
    sizes = [cursor.number(3) for _ in range(streams)]
    words, symbols = code_words(lengths), []
    for index, size in enumerate(sizes):
        symbols += decode_stream(cursor.take(size), words, max(0, min(part, count - part * index)))
    return np.array(symbols, np.uint8)


def run_sizes(length: int, first: int, count: int) -> list[int]:
    sizes = [min(first, count)]
    while sum(sizes) < count:
        sizes.append(min(length, count - sum(sizes)))
    return sizes


def read_symbols(cursor: Cursor, count: int) -> np.ndarray:
    clusters = cursor.number(1)
    if not 1 <= clusters <= MOST_CLUSTERS:
        raise ValueError("impossible number of clusters")
    if clusters == 1:
        return decode_sequence(cursor, count)
    length, first = cursor.number(2), cursor.number(2)
    if not 1 <= first <= length:
        raise ValueError("impossible runs")
    sizes = run_sizes(length, first, count)
    width = (clusters - 1).bit_length()
    packed = LowBits(Cursor(cursor.take((len(sizes) * width + 7) // 8)))
    labels = [packed.take(width) for _ in sizes]
    if set(labels) != set(range(clusters)):
        raise ValueError("labels do not fit clusters")
    runs: dict[int, list[np.ndarray]] = {}
    for cluster in range(clusters):
        own = [size for size, label in zip(sizes, labels, strict=True) if label == cluster]
        runs[cluster] = np.split(decode_sequence(cursor, sum(own)), np.cumsum(own)[:-1])
    return np.concatenate([runs[label].pop(0) for label in labels])


def unpack(packed: bytes, count: int, bits: int) -> np.ndarray:
    """The values of `bits` bits: groups of 256, each in lanes of eight values that take `bits` bytes."""
    groups, at = [], 0
    for start in range(0, count, 256):
        size = min(256, count - start)
        lanes = (size + 7) // 8
        stored = np.frombuffer(packed[at : at + lanes * bits], np.uint8).reshape(bits, lanes).astype(np.uint64)
        at += lanes * bits
        values = np.zeros((8, lanes), np.uint64)
        above = np.zeros(lanes, np.uint64)
        for j in range(bits):
            values[j] = stored[j] & np.uint64(2**bits - 1)
            above |= (stored[j] >> np.uint64(bits)) << np.uint64(j * (8 - bits))
        for i in range(bits, 8):
            values[i] = (above >> np.uint64(bits * (i - bits))) & np.uint64(2**bits - 1)
        groups.append(values.reshape(-1)[:size])
    return np.concatenate(groups)


def packed_size(count: int, bits: int) -> int:
    return sum((min(256, count - start) + 7) // 8 * bits for start in range(0, count, 256))


def read_words(cursor: Cursor, count: int, width: int, mantissa_bits: int) -> bytes:
    zeros, kept, gap = cursor.number(1), cursor.number(1), cursor.number(2)
    if zeros > mantissa_bits or kept > min(8, mantissa_bits - zeros):
        raise ValueError("impossible layout")
    rest_bits = mantissa_bits - zeros - kept + 1
    planes, leftover = divmod(rest_bits, 8)
    rest = np.zeros(count, np.uint64)
    for plane in range(planes):
        mode = cursor.number(1)
        if mode > 1:
            raise ValueError("unknown mode of a plane")
        values = decode_sequence(cursor, count) if mode else np.frombuffer(cursor.take(count), np.uint8)
        rest |= values.astype(np.uint64) << np.uint64(8 * plane)
    if leftover:
        packed = cursor.take(packed_size(count, leftover))
        rest |= unpack(packed, count, leftover) << np.uint64(8 * planes)
    symbols = read_symbols(cursor, count).astype(np.uint64)
    exponents = np.where(symbols < 2**kept, symbols, symbols + np.uint64(gap))
    mask = np.uint64(256**width - 1)
    y = ((exponents << np.uint64(rest_bits)) | rest) & mask
    words = ((y >> np.uint64(1)) << np.uint64(zeros)) | (y << np.uint64(8 * width - 1))
    return (words & mask).astype(f"<u{width}").tobytes()


def read_part(cursor: Cursor, width: int, mantissa_bits: int, left: int) -> bytes:
    form, count = cursor.number(1), cursor.number(4)
    if not 1 <= count <= left:
        raise ValueError("impossible number of elements")
    if form == 0:
        return cursor.take(count * width)
    if form == 1:
        return cursor.take(width) * count
    if form != 2 or count > LONGEST_PART:
        raise ValueError("unknown form of a part")
    return (
        read_symbols(cursor, count).tobytes() if mantissa_bits == 0 else read_words(cursor, count, width, mantissa_bits)
    )


def decode_block(block: bytes, size: int) -> bytes:
    cursor = Cursor(block)
    version, kind = cursor.number(1), cursor.number(1)
    if version != VERSION or kind not in FORMATS:
        raise ValueError("unknown version or kind")
    width, mantissa_bits = FORMATS[kind]
    if size % width:
        raise ValueError("no whole number of elements")
    raw = bytearray()
    while len(raw) < size:
        raw += read_part(cursor, width, mantissa_bits, (size - len(raw)) // width)
    if cursor.at != len(block):
        raise ValueError("bytes left over")
    return bytes(raw)
