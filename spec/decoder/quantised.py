"""Codec 7 of spec/codecs.md: quantised blocks and booleans, coded in contexts that their parameters give."""

from collections.abc import Iterator
from dataclasses import dataclass

from floats import sequence
from refusal import Cursor

MOST_SYMBOLS = 1_048_576
WINDOW = 32


@dataclass(frozen=True)
class Format:
    """A line of the table; a column is its first byte, its width, and whether it is low."""

    name: str
    record: int
    units: int
    symbols: int
    below: int
    columns: tuple[tuple[int, int, bool], ...]


SCALE = ((1, 1, False), (0, 1, True))
SCALES = (*SCALE, (3, 1, False), (2, 1, True), (4, 4, False), (8, 4, False), (12, 4, False))
FORMATS = (
    Format("Q4_0", 18, 1, 16, 256, SCALE),
    Format("Q5_0", 22, 1, 32, 32, SCALE),
    Format("Q8_0", 34, 1, 32, 256, SCALE),
    Format("Q4_K", 144, 8, 16, 256, SCALES),
    Format("Q5_K", 176, 8, 32, 32, SCALES),
    Format("Q6_K", 210, 16, 16, 64, ((192, 16, False), (209, 1, False), (208, 1, True))),
    Format("booleans", 8, 1, 1, 256, ()),
)


def quantised(payload: bytes, length: int) -> bytes:
    """Parts, until all whole records are there, and the tail."""
    cursor = Cursor(payload)
    cursor.number(1, "version", 1, 1)
    shape = FORMATS[cursor.number(1, "format", 0, len(FORMATS) - 1)]
    missing, block = length // shape.record, bytearray()
    while missing:
        form = cursor.number(1, "form", 0, 1)
        most = MOST_SYMBOLS // (shape.units * shape.symbols)
        count = cursor.number(4, "count of records", 1, min(missing, most) if form else missing)
        if form == 0:
            block += cursor.take(count * shape.record, "the stored records")
        else:
            block += b"".join(_part(cursor, count, shape))
        missing -= count
    block += cursor.take(length % shape.record, "the tail")
    cursor.finish()
    return bytes(block)


def _part(cursor: Cursor, count: int, shape: Format) -> Iterator[bytes]:
    """The records of a coded part."""
    records = [bytearray(shape.record) for _ in range(count)]
    for first, width, low in shape.columns:
        _column(cursor, records, first, width, low)
    contexts = _contexts(records, shape)  # of each unit, record by record
    units = _units(cursor, contexts, shape)
    for number, record in enumerate(records):
        _place(record, units[number * shape.units : (number + 1) * shape.units], shape.name)
        yield bytes(record)


def _column(cursor: Cursor, records: list[bytearray], first: int, width: int, low: bool) -> None:
    mode = cursor.number(1, "mode of a column", 0, 2 if low else 1)
    if mode == 2:
        for quarter in range(4):
            own = [record for record in records if record[first + 1] % 4 == quarter]
            for record, byte in zip(own, sequence(cursor, len(own)) if own else [], strict=True):
                record[first] = byte
        return
    n = len(records) * width
    column = bytes(sequence(cursor, n)) if mode else cursor.take(n, "a column")
    for number, record in enumerate(records):
        record[first : first + width] = column[number * width : (number + 1) * width]


def _units(cursor: Cursor, contexts: list[int], shape: Format) -> list[list[int]]:
    """The symbols of every unit, in the order of `contexts`."""
    starts = cursor.number(2, "starts of clusters")
    if starts % 2 == 0:
        raise cursor.refused("context 0 begins a cluster", starts, back=2)
    begins = [context for context in range(16) if starts >> context & 1]
    units: list[list[int]] = [[] for _ in contexts]
    for begin, end in zip(begins, [*begins[1:], 16], strict=True):
        own = [unit for context in range(begin, end) for unit, its in enumerate(contexts) if its == context]
        if not own:
            raise cursor.refused("every cluster has a symbol", f"none of contexts {begin} to {end - 1}")
        symbols = sequence(cursor, len(own) * shape.symbols)
        if max(symbols) >= shape.below:
            raise cursor.refused(f"a symbol is below {shape.below}", max(symbols))
        for number, unit in enumerate(own):
            units[unit] = symbols[number * shape.symbols : (number + 1) * shape.symbols]
    return units


# Contexts


def _contexts(records: list[bytearray], shape: Format) -> list[int]:
    if shape.name == "booleans":
        return [0] * len(records)
    if shape.name in ("Q4_0", "Q5_0", "Q8_0"):
        scales = [int.from_bytes(record[:2], "little") % 0x8000 for record in records]
        windows = [scales[start : start + WINDOW] for start in range(0, len(scales), WINDOW)]
        return [_clamp((s - sum(window) // len(window) + 1024) // 128) for window in windows for s in window]
    return [context for record in records for context in (_relative if shape.name == "Q6_K" else _zero)(record)]


def _clamp(number: int) -> int:
    return max(0, min(15, number))


def _zero(record: bytearray) -> list[int]:
    """Where zero lies among the levels of each sub-block."""
    packed, contexts = record[4:16], []
    for j in range(8):
        if j < 4:
            scale, least = packed[j] % 64, packed[j + 4] % 64
        else:
            scale = packed[j + 4] % 16 + 16 * (packed[j - 4] // 64)
            least = packed[j + 4] // 16 + 16 * (packed[j] // 64)
        step, low = scale * _magnitude(record, 0), 2 * least * _magnitude(record, 2)
        contexts.append(_clamp((23 if low >= 23 * step else low // step) - 8))
    return contexts


def _magnitude(record: bytearray, at: int) -> int:
    bits = int.from_bytes(record[at : at + 2], "little")
    fraction, exponent = bits % 1024, bits // 1024 % 32
    return fraction if exponent == 0 else (1024 + fraction) << (exponent - 1)


def _relative(record: bytearray) -> list[int]:
    """The scale of each sub-block beside their mean."""
    sizes = [min(byte, 256 - byte) for byte in record[192:208]]
    return [_clamp(128 * size // sum(sizes)) if any(sizes) else 0 for size in sizes]


# Symbols


def _place(record: bytearray, units: list[list[int]], name: str) -> None:
    """Put the symbols of a record back where their bits stand."""
    for u, unit in enumerate(units):
        for i, symbol in enumerate(unit):
            PLACES[name](record, u, i, symbol)


def _whole_bytes(record: bytearray, _u: int, i: int, symbol: int) -> None:
    record[2 + i] = symbol


def _q5_0(record: bytearray, _u: int, i: int, symbol: int) -> None:
    record[6 + i % 16] |= symbol % 16 << 4 * (i // 16)
    record[2 + i // 8] |= symbol // 16 << i % 8


def _q4_k(record: bytearray, u: int, i: int, symbol: int) -> None:
    record[16 + 32 * (u // 2) + 2 * i] |= symbol % 16 << 4 * (u % 2)
    record[16 + 32 * (u // 2) + 2 * i + 1] |= symbol // 16 << 4 * (u % 2)


def _q5_k(record: bytearray, u: int, i: int, symbol: int) -> None:
    record[48 + 32 * (u // 2) + i] |= symbol % 16 << 4 * (u % 2)
    record[16 + i] |= symbol // 16 << u


def _q6_k(record: bytearray, u: int, i: int, symbol: int) -> None:
    h, g, p = u // 8, u // 2 % 4, u % 2
    record[64 * h + 32 * (g % 2) + 16 * p + i] |= symbol % 16 << 4 * (g // 2)
    record[128 + 32 * h + 16 * p + i] |= symbol // 16 << 2 * g


def _booleans(record: bytearray, _u: int, _i: int, symbol: int) -> None:
    record[:] = bytes(symbol >> bit & 1 for bit in range(8))


PLACES = {
    "Q4_0": _whole_bytes,
    "Q8_0": _whole_bytes,
    "Q5_0": _q5_0,
    "Q4_K": _q4_k,
    "Q5_K": _q5_k,
    "Q6_K": _q6_k,
    "booleans": _booleans,
}
