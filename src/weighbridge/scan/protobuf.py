"""Protocol buffers read field by field, without a schema and without holding more than a window of them.

The wire format (protobuf.dev, "Encoding"): a message is a row of fields, each a key (number and wire type, a varint)
and a value. Nothing says where a message ends but the field that holds it, so a reader may step over what it does not
ask about: the weights in a model of many gigabytes cost nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from weighbridge.errors import FormatError, LimitError
from weighbridge.tensors import ByteSource

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_MOST_FIELDS = 3_000_000
_DEEPEST = 64
_WINDOW = 1 << 16
_LONGEST_HEADER = 20  # a key and a length, ten bytes each at most


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `value` where it is a number, and otherwise its bytes, by `start` and `length`."""

    number: int
    wire: int
    value: int
    start: int
    length: int


@dataclass
class Pages:
    """A source read by windows, and how many more fields may be read from it."""

    source: ByteSource
    left: int = _MOST_FIELDS
    _start: int = 0
    _window: bytes = field(default=b"", repr=False)

    def at(self, offset: int, length: int) -> tuple[bytes, int]:
        """A window that holds `length` bytes from `offset` on, or all up to the end, and where in it they begin."""
        if offset < self._start or offset + length > self._start + len(self._window):
            self._start = offset
            self._window = self.source.read_at(offset, max(0, min(_WINDOW, self.source.size - offset)))
        return self._window, offset - self._start

    def count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise LimitError(f"has more than {_MOST_FIELDS:,} fields")


@dataclass(frozen=True, slots=True)
class Message:
    """A message that lies in ``[start, end)`` of a source. Iterating gives its fields in the order of the bytes.

    Raises `FormatError` where the bytes are no message, `LimitError` for one too deep or with too many fields.
    """

    pages: Pages
    start: int
    end: int
    depth: int = 0

    @classmethod
    def whole(cls, source: ByteSource) -> Message:
        """The message that the whole of a file is."""
        return cls(Pages(source), 0, source.size)

    def __iter__(self) -> Iterator[Field]:
        at = self.start
        while at < self.end:
            self.pages.count()
            found = self._field(at)
            at = found.start + found.length
            if at > self.end:
                raise FormatError(
                    f"ends inside field {found.number}, which needs {found.length:,} bytes", where=_place(at)
                )
            yield found

    def inner(self, found: Field) -> Message:
        """The message that a field holds."""
        if found.wire != BYTES:
            raise FormatError(
                f"holds a number where a message belongs (field {found.number})", where=_place(found.start)
            )
        if self.depth >= _DEEPEST:
            raise LimitError(f"holds messages within messages, more than {_DEEPEST} deep", where=_place(found.start))
        return Message(self.pages, found.start, found.start + found.length, self.depth + 1)

    def data(self, found: Field, most: int) -> bytes:
        """The first `most` bytes that a field holds; none where it holds a number."""
        if found.wire != BYTES:
            return b""
        length = min(found.length, most)
        if length > _WINDOW:
            return self.pages.source.read_at(found.start, length)
        window, begin = self.pages.at(found.start, length)
        return window[begin : begin + length]

    def text(self, found: Field, most: int = 4096) -> str:
        """The first `most` bytes that a field holds, as text."""
        return self.data(found, most).decode("utf-8", "backslashreplace")

    def _field(self, start: int) -> Field:
        window, begin = self.pages.at(start, min(_LONGEST_HEADER, self.end - start))
        end = min(len(window), begin + self.end - start)
        key, at = _varint(window, begin, end, start)
        number, wire = key >> 3, key & 7
        if number == 0 or number >= 1 << 29:
            raise FormatError(f"has a field of the number {number}", where=_place(start))
        if wire == VARINT:
            value, at = _varint(window, at, end, start)
            return Field(number, wire, value, start + at - begin, 0)
        if wire == BYTES:
            length, at = _varint(window, at, end, start)
            return Field(number, wire, 0, start + at - begin, length)
        if wire not in (FIXED32, FIXED64):
            raise FormatError(f"has a field of the wire type {wire}", where=_place(start))
        return Field(number, wire, 0, start + at - begin, 8 if wire == FIXED64 else 4)


def signed(value: int) -> int:
    """A varint as the int64 that it stands for."""
    return value - (1 << 64) if value >= 1 << 63 else value


def _varint(data: bytes, at: int, end: int, start: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (1 << 64) - 1, at
        shift += 7
    raise FormatError("has a number that does not end", where=_place(start))


def _place(at: int) -> str:
    return f"byte {at:,}"
