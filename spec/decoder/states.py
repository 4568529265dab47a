"""Differences by states, of codec 6: every element coded by the code that its run and its prediction tell of (tANS)."""

from dataclasses import dataclass

from grouped import grouped
from refusal import Cursor


@dataclass
class Lane:
    """A state, and the stream that it goes on by."""

    state: int
    bits: "Bits"


def numbers_by_states(cursor: Cursor, width: int, classes_of: list[int]) -> list[int]:
    """The numbers z of a part of form 3, after its zeros, by the classes of its elements."""
    n = len(classes_of)
    length = 1 << cursor.number(1, "r", 5, 10)
    log = cursor.number(1, "T", 8, 11)
    most_label = cursor.number(1, "labels", 1, 15)
    step = cursor.number(1, "step")
    contexts = cursor.number(1, "contexts", 1, 16)
    lowest = cursor.number(1, "lowest class")
    classes = cursor.number(1, "classes", 1, min(32, 256 - lowest))
    bounds: list[int] = []
    for _ in range(contexts - 1):
        bounds.append(cursor.number(1, "a bound", bounds[-1] + 1 if bounds else 1))
    labels = grouped(cursor, -(-n // length))
    if max(labels) > most_label:
        raise cursor.refused(f"a label is at most {most_label}", max(labels))
    codes = [_code(cursor, log, width) for _ in range(contexts)]
    moved = [i for i in range(n) if labels[i // length]]
    levels = [
        step * (labels[i // length] - 1) + 2 * (classes - 1 - min(max(classes_of[i] - lowest, 0), classes - 1))
        for i in moved
    ]
    of = [sum(bound <= level for bound in bounds) for level in levels]
    sizes = [cursor.number(3, what) for what in ("bytes of stream 1", "bytes of stream 2", "bytes of extra bits")]
    symbols = _symbols(cursor, sizes[:2], of, codes, log)
    numbers = [0] * n
    for i, z in zip(moved, _with_extra(cursor, sizes[2], symbols, width), strict=True):
        numbers[i] = z
    return numbers


class Bits:
    """Bits of `data` from bit 0 of each byte on."""

    def __init__(self, cursor: Cursor, data: bytes) -> None:
        self.cursor, self.text, self.at = cursor, "".join(f"{byte:08b}"[::-1] for byte in data), 0

    def take(self, count: int) -> str:
        """As a text of that length, the first bit first."""
        if self.at + count > len(self.text):
            raise self.cursor.refused(f"{count} bits follow", f"{len(self.text) - self.at} bits")
        self.at += count
        return self.text[self.at - count : self.at]

    def number(self, count: int) -> int:
        """A number of so many bits, its lowest one first."""
        return int(self.take(count)[::-1] or "0", 2)


State = tuple[int, int, int]  # symbol, bits to read, what they are added to


def _code(cursor: Cursor, log: int, width: int) -> list[State]:
    """Counts, and the states that follow from them."""
    size = 1 << log
    counts, count = [], 0
    highest = cursor.number(1, "highest symbol", 0, _highest(width))
    byte = ""

    def bit() -> str:
        nonlocal byte
        byte = byte or f"{cursor.take(1, 'counts')[0]:08b}"
        byte, first = byte[:-1], byte[-1]
        return first

    for _ in range(highest + 1):
        zeros = 0
        while bit() == "0":
            zeros += 1
            if zeros > 12:
                raise cursor.refused("the difference of two counts is at most 2^T")
        value = int("1" + "".join(bit() for _ in range(zeros)), 2)
        count += value >> 1 if value & 1 else -(value >> 1)
        if not 0 <= count <= size:
            raise cursor.refused(f"a count is 0 … {size}", count)
        counts.append(count)
    if sum(counts) != size or not count or "1" in byte:
        raise cursor.refused(f"counts are {size} together, the last one is not 0, and zeros fill the byte", sum(counts))
    symbol_at, place = [0] * size, 0
    for symbol, count in enumerate(counts):
        for _ in range(count):
            symbol_at[place] = symbol
            place = (place + size // 2 + size // 8 + 3) % size
    states = []
    for symbol in symbol_at:
        x = counts[symbol]
        counts[symbol] += 1
        bits = log - (x.bit_length() - 1)
        states.append((symbol, bits, (x << bits) - size))
    return states


def _highest(width: int) -> int:
    """The highest symbol whose numbers z are all less than 2^(8w)."""
    kept = _kept(width)
    return (8 * width - kept << kept) + (1 << kept) - 1


def _kept(width: int) -> int:
    return {1: 4, 2: 4, 4: 3, 8: 2}[width]


def _symbols(cursor: Cursor, sizes: list[int], of: list[int], codes: list[list[State]], log: int) -> list[int]:
    lanes = []
    for size in sizes:
        data = cursor.take(size, "a stream")
        if not data or not data[0]:
            raise cursor.refused("a stream begins with at most seven zeros and a one", back=size)
        bits = Bits(cursor, data)
        while bits.take(1) == "0":
            pass
        lanes += [Lane(bits.number(log), bits) for _ in range(4)]
    symbols = []
    for i, context in enumerate(of):
        lane = lanes[i % 8]
        symbol, count, base = codes[context][lane.state]
        lane.state = base + lane.bits.number(count)
        symbols.append(symbol)
    for lane in lanes:
        if lane.state or lane.bits.at != len(lane.bits.text):
            raise cursor.refused("in the end every state is 0 and every bit was read", lane.state)
    return symbols


def _with_extra(cursor: Cursor, size: int, symbols: list[int], width: int) -> list[int]:
    kept, bits, numbers = _kept(width), Bits(cursor, cursor.take(size, "the extra bits")), []
    for y in symbols:
        if y < 2 << kept:
            numbers.append(y)
        else:
            e = (y >> kept) - 1
            numbers.append(((y & (1 << kept) - 1) + (1 << kept) << e) + bits.number(e))
    left = bits.text[bits.at :]
    if len(left) > 7 or "1" in left:
        raise cursor.refused("the extra bits end in their last byte, and zeros fill it", back=size)
    return numbers
