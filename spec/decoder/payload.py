"""Payloads to blocks: what spec/codecs.md says, in its order."""

from collections.abc import Callable, Sequence

import zstandard
from delta import delta_1, delta_2
from floats import floats
from quantised import quantised
from refusal import Cursor, RefusedError, UnknownError

LIMIT = 16 * 1024 * 1024  # the longest raw block, in bytes


def decode(codec: int, version: int, payload: bytes, length: int, references: Sequence[bytes] = ()) -> bytes:
    """The raw block of `length` bytes that `payload` stands for, with the raw blocks of its references."""
    if (codec, version) not in CODECS and (codec, version) not in DELTAS:
        raise UnknownError(0, f"codec {codec} version {version} is not known", None)
    if not 1 <= length <= LIMIT:
        raise RefusedError(0, f"the raw length is 1 … {LIMIT}", length)
    if len(payload) > LIMIT:
        raise RefusedError(LIMIT, f"a payload has at most {LIMIT} bytes", len(payload))
    if ((codec, version) in DELTAS) != bool(references):
        raise RefusedError(0, "a codec that takes references has some, and another none", len(references))
    if references:
        return DELTAS[codec, version](payload, length, references)
    return CODECS[codec, version](payload, length)


def raw(payload: bytes, length: int) -> bytes:
    """The payload is the block."""
    _expect(len(payload), length, "a raw payload is as long as the block")
    return payload


def zstd(payload: bytes, length: int) -> bytes:
    """One Zstandard frame that states its content size and needs no dictionary."""
    if payload[:4] != (0xFD2FB528).to_bytes(4, "little"):
        raise RefusedError(0, "a Zstandard frame begins with its magic", payload[:4])
    try:
        frame = zstandard.get_frame_parameters(payload)
    except zstandard.ZstdError as error:
        raise RefusedError(4, "a Zstandard frame header is whole and valid", str(error)) from None
    if frame.content_size != length:  # a size that is not stated reads as 2⁶⁴ - 1
        raise RefusedError(4, f"the frame header states the content size {length}", frame.content_size)
    if frame.dict_id != 0:
        raise RefusedError(4, "the frame needs no dictionary", frame.dict_id)
    try:
        block = zstandard.ZstdDecompressor().decompress(payload, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise RefusedError(4, "the payload is one valid Zstandard frame", str(error)) from None
    _expect(len(block), length, "the frame holds as many bytes as it states")
    return block


def fill(payload: bytes, length: int) -> bytes:
    """Byte i is byte i mod 16 of the payload."""
    _expect(len(payload), min(16, length), "fill has 16 bytes, or the raw length where that is less")
    return (payload * (length // 16 + 1))[:length]


def planes(payload: bytes, length: int) -> bytes:
    """Byte p of every element stands in plane p."""
    cursor = Cursor(payload)
    width = cursor.number(1, "width")
    if width not in (2, 4, 8):
        raise cursor.refused("width is 2, 4 or 8", width, back=1)
    rotate = cursor.number(1, "rotate", 0, 1)
    count = _whole(length, width, cursor)
    parts = _streams(cursor, [count] * width)
    tail = _tail(cursor, length - count * width)
    if rotate:
        parts = [_rotated_right(part, parts[(p + 1) % width]) for p, part in enumerate(parts)]
    block = bytearray(count * width)
    for p, part in enumerate(parts):
        block[p::width] = part
    return bytes(block) + tail


def records(payload: bytes, length: int) -> bytes:
    """The same field of every record stands together."""
    cursor = Cursor(payload)
    columns = cursor.number(1, "number of columns", 1, 64)
    widths = [cursor.number(2, f"width of column {c}", 1) for c in range(columns)]
    record = sum(widths)
    count = _whole(length, record, cursor)
    parts = _streams(cursor, [count * width for width in widths])
    tail = _tail(cursor, length - count * record)
    block = bytearray(count * record)
    column_at = 0  # of the column in the record
    for width, part in zip(widths, parts, strict=True):
        for byte in range(width):
            block[column_at + byte :: record] = part[byte::width]
        column_at += width
    return bytes(block) + tail


METHODS = {0: raw, 1: zstd, 2: fill}
CODECS = {(0, 1): raw, (1, 1): zstd, (2, 1): fill, (3, 1): planes, (4, 1): records, (5, 1): floats, (7, 1): quantised}
DELTAS: dict[tuple[int, int], Callable[[bytes, int, Sequence[bytes]], bytes]] = {
    (6, 1): delta_1,
    (6, 2): delta_2,
}


def _streams(cursor: Cursor, lengths: list[int]) -> list[bytes]:
    """The streams of a block: a table of methods and coded lengths, then the coded streams."""
    table = [(cursor.number(1, "method", 0, 2), cursor.number(4, "length of the coded stream")) for _ in lengths]
    decoded = []
    for (method, coded_length), length in zip(table, lengths, strict=True):
        start = cursor.at
        coded = cursor.take(coded_length, "a coded stream")
        try:
            decoded.append(METHODS[method](coded, length))
        except RefusedError as refused:
            raise RefusedError(start + refused.byte, f"in a stream, {refused.rule}", refused.found) from None
    return decoded


def _rotated_right(plane: bytes, above: bytes) -> bytes:
    """A plane after every element was rotated right by one bit: `above`, the plane over it, lends its lowest bit."""
    own = int.from_bytes(plane.translate(bytes(byte >> 1 for byte in range(256))))
    lent = int.from_bytes(above.translate(bytes((byte & 1) << 7 for byte in range(256))))
    return (own | lent).to_bytes(len(plane))


def _whole(length: int, size: int, cursor: Cursor) -> int:
    """How many elements or records of `size` bytes the block has."""
    if length < size:
        raise cursor.refused(f"there is at least one whole element or record of {size} bytes", f"{length} bytes")
    return length // size


def _tail(cursor: Cursor, length: int) -> bytes:
    """The raw bytes after the last whole element, which end the payload."""
    tail = cursor.take(length, "the tail")
    cursor.finish()
    return tail


def _expect(found: int, expected: int, rule: str) -> None:
    if found != expected:
        raise RefusedError(min(found, expected), f"{rule}: {expected} bytes", found)
