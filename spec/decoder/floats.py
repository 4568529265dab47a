"""Codec 5 of spec/codecs.md: floats whose exponents and leading mantissa bits are Huffman-coded by clusters of rows."""

from collections.abc import Iterator

from refusal import Cursor, RefusedError

KINDS = {0: (1, 0), 1: (2, 7), 2: (2, 10), 3: (4, 23), 4: (8, 52), 5: (1, 3), 6: (1, 2)}  # bytes, mantissa bits
BYTES = 0  # the kind whose elements are their symbols
MOST_FIELDS = 524_288
GROUP = 256  # elements whose leftover bits are packed together
LONGEST = 12  # bits of a code word


def floats(payload: bytes, length: int) -> bytes:
    """Parts, until the raw length is reached."""
    cursor = Cursor(payload)
    cursor.number(1, "version", 1, 1)
    kind = cursor.number(1, "kind", 0, 6)
    width, _ = KINDS[kind]
    if length % width:
        raise cursor.refused(f"the raw length is a multiple of {width}", length)
    missing, parts = length // width, []
    while missing:
        form = cursor.number(1, "form", 0, 2)
        count = cursor.number(4, "count of elements", 1, min(missing, MOST_FIELDS) if form == 2 else missing)
        if form == 0:
            parts.append(cursor.take(count * width, "the stored elements"))
        elif form == 1:
            parts.append(cursor.take(width, "the repeated element") * count)
        else:
            parts.append(bytes(_symbols(cursor, count)) if kind == BYTES else _words(cursor, count, *KINDS[kind]))
        missing -= count
    cursor.finish()
    return b"".join(parts)


def _words(cursor: Cursor, n: int, width: int, mantissa: int) -> bytes:
    """The elements of a part in fields: planes, leftover bits and symbols put together again."""
    zeros = cursor.number(1, "zeros", 0, mantissa)
    kept = cursor.number(1, "kept", 0, min(8, mantissa - zeros))
    gap = cursor.number(2, "gap")
    rest_bits = mantissa - zeros - kept + 1
    rest = [0] * n
    for plane in range(rest_bits // 8):
        for i, byte in enumerate(_plane(cursor, n)):
            rest[i] |= byte << 8 * plane
    upper = rest_bits % 8
    for i, bits in enumerate(_leftovers(cursor, n, upper)):
        rest[i] |= bits << rest_bits - upper
    mask, top = 256**width - 1, 8 * width - 1
    elements = bytearray()
    for symbol, low in zip(_symbols(cursor, n), rest, strict=True):
        v = symbol if symbol < 1 << kept else symbol + gap
        y = (v << rest_bits) + low & mask
        elements += (((y >> 1) << zeros | y << top) & mask).to_bytes(width, "little")
    return bytes(elements)


def _plane(cursor: Cursor, n: int) -> bytes | list[int]:
    if cursor.number(1, "mode of a plane", 0, 1) == 0:
        return cursor.take(n, "a plane")
    return sequence(cursor, n)


def _leftovers(cursor: Cursor, n: int, bits: int) -> Iterator[int]:
    """The upper `bits` bits of the rest of every element, group by group."""
    for start in range(0, n if bits else 0, GROUP):
        group = min(GROUP, n - start)
        lanes = -(-group // 8)
        packed = cursor.take(bits * lanes, "leftovers")
        values = [_lane(packed[lane::lanes], bits) for lane in range(lanes)]
        yield from (values[i % lanes][i // lanes] for i in range(group))


def _lane(packed: bytes, bits: int) -> list[int]:
    """The eight values of `bits` bits in a lane: so many in the lower bits, the others spread over the upper ones."""
    own = [byte & (1 << bits) - 1 for byte in packed]
    spread = sum((byte >> bits) << j * (8 - bits) for j, byte in enumerate(packed))
    return own + [spread >> bits * k & (1 << bits) - 1 for k in range(8 - bits)]


def _symbols(cursor: Cursor, n: int) -> list[int]:
    """n symbols: one sequence, or one for each cluster of runs."""
    clusters = cursor.number(1, "clusters", 1, 16)
    if clusters == 1:
        return sequence(cursor, n)
    length = cursor.number(2, "length of a run", 1)
    first = cursor.number(2, "length of the first run", 1, length)
    runs = [min(first, n)]
    runs += [min(length, n - at) for at in range(first, n, length)]
    labels = _labels(cursor, len(runs), clusters)
    sums = [0] * clusters
    for label, run in zip(labels, runs, strict=True):
        sums[label] += run
    sequences = [iter(sequence(cursor, total)) for total in sums]
    return [next(sequences[label]) for label, run in zip(labels, runs, strict=True) for _ in range(run)]


def _labels(cursor: Cursor, runs: int, clusters: int) -> list[int]:
    bits = (clusters - 1).bit_length()
    start = cursor.at
    packed = int.from_bytes(cursor.take(-(-bits * runs // 8), "labels"), "little")
    digits = f"{packed:0{bits * runs}b}"[::-1][: bits * runs]  # bit 0 first; one pass, however many labels
    labels = [int(digits[i : i + bits][::-1], 2) for i in range(0, bits * runs, bits)]
    if set(labels) != set(range(clusters)):
        raise cursor.refused(f"labels are 0 … {clusters - 1}, and each occurs", sorted(set(labels)), cursor.at - start)
    return labels


def sequence(cursor: Cursor, n: int) -> list[int]:
    """n symbols of one Huffman code."""
    lowest = cursor.number(1, "lowest symbol")
    highest = cursor.number(1, "highest symbol", lowest)
    if lowest == highest:
        return [lowest] * n
    table = _code(_lengths(cursor, highest - lowest + 1), lowest)
    share = n if n < 1024 else -(-n // 5)
    counts = [min(share, n - at) for at in range(0, n, share)]
    sizes = [cursor.number(3, "length of a stream") for _ in counts]
    return [symbol for count, size in zip(counts, sizes, strict=True) for symbol in _stream(cursor, count, size, table)]


def _lengths(cursor: Cursor, count: int) -> list[int]:
    """How many bits the code word of each symbol has; they must make a complete code."""
    start, bits, before = cursor.at, _Bits(cursor), 8
    lengths = []
    for _ in range(count):
        if bits.take(1):
            if bits.take(1):
                before = bits.take(4)
            else:
                before += 1 if bits.take(1) else -1
        if not 0 <= before <= LONGEST:
            raise cursor.refused(f"a length is 0 … {LONGEST}", before, back=1)
        lengths.append(before)
    if bits.left:
        raise cursor.refused("the bits that fill the last byte are 0", bits.left, back=1)
    if sum(1 << LONGEST - length for length in lengths if length) != 1 << LONGEST:
        raise cursor.refused("the code is complete", lengths, back=cursor.at - start)
    return lengths


class _Bits:
    """Bits from bit 0 of each byte on; `left` holds those of the last byte that are not yet taken."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor, self.left, self.count = cursor, 0, 0

    def take(self, count: int) -> int:
        """The next bits, the first one lowest."""
        while self.count < count:
            self.left |= self.cursor.number(1, "lengths of code words") << self.count
            self.count += 8
        value = self.left & (1 << count) - 1
        self.left >>= count
        self.count -= count
        return value


def _code(lengths: list[int], lowest: int) -> list[tuple[int, int]]:
    """For each number of twelve bits, the symbol whose code word begins it, and the word's length."""
    table: list[tuple[int, int]] = []
    for length, offset in sorted((length, offset) for offset, length in enumerate(lengths) if length):
        table += [(lowest + offset, length)] * (1 << LONGEST - length)
    return table


def _stream(cursor: Cursor, count: int, size: int, table: list[tuple[int, int]]) -> list[int]:
    """`count` symbols from the next `size` bytes, which they fill."""
    start = cursor.at
    data = cursor.take(size, "a stream") + bytes(3)
    symbols: list[int] = []
    at = 0  # the next bit
    while len(symbols) < count and at <= 8 * size:
        byte = at >> 3
        ahead = data[byte] << 16 | data[byte + 1] << 8 | data[byte + 2]
        symbol, length = table[ahead >> LONGEST - (at & 7) & 4095]
        symbols.append(symbol)
        at += length
    if -(-at // 8) != size:
        raise RefusedError(start + min(size, at // 8), f"{count} symbols fill their stream of {size} bytes")
    if at % 8 and data[size - 1] & 255 >> at % 8:
        raise RefusedError(start + size - 1, "the bits left in the last byte of a stream are 0")
    return symbols
