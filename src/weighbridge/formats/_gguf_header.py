"""The header of a GGUF file: a cursor that never runs past the file, and the key-values.

Every count is checked against the bytes that are left before anything is made of it, arrays are walked and not kept
beyond their first items, and the whole header has a limit in bytes and in items, so that a hostile one costs seconds
and megabytes at worst.
"""

from __future__ import annotations

import struct
from math import isfinite
from typing import Literal

from weighbridge.errors import FormatError, LimitError, TruncatedError
from weighbridge.formats.base import Json, shown
from weighbridge.tensors import ByteSource

MAX_HEADER = 256 << 20  # the largest tokenizers take about 20 MB
MAX_ITEMS = 8_000_000  # texts and arrays inside arrays; a tokenizer has about a million
MAX_KEYS = 100_000
MAX_DEPTH = 8
MAX_NAME = 65_535  # the specification's limit for keys
MAX_TEXT = 1 << 20  # bytes of one text that are kept: chat templates whole, embedded tokenizers not
MAX_TEXTS = 16 << 20  # bytes of all texts that are kept
SHORT_ARRAY = 16  # arrays up to this long are kept whole
_FIRST = 8
_WINDOW = 1 << 20

_TEXT, _ARRAY, _BOOL = 8, 9, 7
# Value type: its name and its struct code.
_SCALARS = {
    0: ("uint8", "B"), 1: ("int8", "b"), 2: ("uint16", "H"), 3: ("int16", "h"), 4: ("uint32", "I"), 5: ("int32", "i"),
    6: ("float32", "f"), _BOOL: ("bool", "B"), 10: ("uint64", "Q"), 11: ("int64", "q"), 12: ("float64", "d"),
}  # fmt: skip
_TYPE_NAMES = {kind: name for kind, (name, _) in _SCALARS.items()} | {_TEXT: "string", _ARRAY: "array"}


class Cursor:
    """Reads a header from front to back through a window of a megabyte."""

    def __init__(self, source: ByteSource, at: int, byteorder: Literal["<", ">"], wide: bool) -> None:
        self._source = source
        self.where = source.name
        self._start = at
        self._window = b""
        self._at = 0
        self._items = 0
        self._kept = 0
        self._order = byteorder
        self._length = struct.Struct(byteorder + ("Q" if wide else "I"))
        self.wide = wide

    @property
    def position(self) -> int:
        return self._start + self._at

    @property
    def left(self) -> int:
        return self._source.size - self.position

    def fail(self, message: str) -> FormatError:
        return FormatError(f"{message}, at byte {self.position:,}", where=self.where)

    def number(self, code: str) -> int | float:
        layout = struct.Struct(self._order + code)
        value: int | float = layout.unpack(self.take(layout.size))[0]
        return value

    def integer(self, code: str) -> int:
        return int(self.number(code))

    def length(self) -> int:
        """A count or length: 8 bytes wide, 4 in the first version of the format."""
        return int(self._length.unpack(self.take(self._length.size))[0])

    def take(self, count: int) -> bytes:
        self._fill(count)
        taken = self._window[self._at : self._at + count]
        self._at += count
        return taken

    def skip(self, count: int) -> None:
        if count > self.left:
            raise self._truncated(count)
        self._at += count

    def spend(self, items: int) -> None:
        self._items += items
        if self._items > MAX_ITEMS:
            raise LimitError(f"keeps more than {MAX_ITEMS:,} items in its metadata", where=self.where)

    def name(self, what: str) -> str:
        """A key or a tensor's name: short, and UTF-8."""
        length = self.length()
        if length > min(MAX_NAME, self.left):
            raise self.fail(f"{what} of {length:,} bytes; expected at most {min(MAX_NAME, self.left):,}")
        raw = self.take(length)
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise self.fail(f"{what} {raw[:40]!r} is not UTF-8") from None

    def text(self) -> str:
        """A value: its beginning is kept. Tokens need not be UTF-8, so what is not is shown as U+FFFD."""
        length = self.length()
        if length > self.left:
            raise self._truncated(length)
        kept = self.take(min(length, MAX_TEXT))
        self.skip(length - len(kept))
        self._kept += len(kept)
        if self._kept > MAX_TEXTS:
            raise LimitError(f"keeps more than {MAX_TEXTS:,} bytes of text in its metadata", where=self.where)
        return kept.decode(errors="replace") + ("…" if length > len(kept) else "")

    def skip_texts(self, count: int) -> None:
        width, unpack = self._length.size, self._length.unpack_from
        for _ in range(count):
            if len(self._window) - self._at < width:
                self._fill(width)
            self._at += width + unpack(self._window, self._at)[0]
        if self.left < 0:
            raise self._truncated(0)

    def _fill(self, count: int) -> None:
        """Make `count` bytes available in the window."""
        if len(self._window) - self._at >= count:
            return
        if count > self.left:
            raise self._truncated(count)
        if self.position + count > MAX_HEADER:
            raise LimitError(f"has a header of more than {MAX_HEADER:,} bytes", where=self.where)
        self._start, self._at = self.position, 0
        self._window = self._source.read_at(self._start, min(max(count, _WINDOW), self._source.size - self._start))

    def _truncated(self, count: int) -> TruncatedError:
        return TruncatedError(
            f"its header needs {count:,} bytes at {self.position:,}, but the file has {self._source.size:,}",
            where=self.where,
        )


def read_key_values(cursor: Cursor, count: int) -> dict[str, Json]:
    """The metadata, long values shortened. Raises `FormatError` for a key that comes twice."""
    if count > MAX_KEYS:
        raise LimitError(f"has {count:,} metadata keys, more than the {MAX_KEYS:,} that we read", where=cursor.where)
    found: dict[str, Json] = {}
    for _ in range(count):
        key = cursor.name("a metadata key")
        if key in found:
            raise cursor.fail(f"metadata key {shown(key)} comes twice")
        found[key] = _value(cursor, cursor.integer("I"), 0)
    return found


def _value(cursor: Cursor, kind: int, depth: int) -> Json:
    if kind in _SCALARS:
        return _scalar(cursor, kind, cursor.number(_SCALARS[kind][1]))
    if kind == _TEXT:
        return cursor.text()
    if kind == _ARRAY:
        return _array(cursor, depth + 1)
    raise cursor.fail(f"metadata of type {kind}; the format defines 0 to 12")


def _scalar(cursor: Cursor, kind: int, value: int | float) -> Json:
    if kind == _BOOL:
        if value not in (0, 1):
            raise cursor.fail(f"a bool of {value}; expected 0 or 1")
        return bool(value)
    return value if isfinite(value) else str(value)  # JSON has no NaN


def _array(cursor: Cursor, depth: int) -> Json:
    """A short array whole; a long one as its type, its length and its first items."""
    if depth > MAX_DEPTH:
        raise cursor.fail(f"metadata arrays nested more than {MAX_DEPTH} deep")
    kind, count = cursor.integer("I"), cursor.length()
    if kind not in _TYPE_NAMES:
        raise cursor.fail(f"a metadata array of type {kind}; the format defines 0 to 12")
    kept = count if count <= SHORT_ARRAY else _FIRST
    if kind in _SCALARS:
        first: list[Json] = _scalars(cursor, kind, count, kept)
    else:
        if count > cursor.left // (4 if kind == _TEXT and not cursor.wide else 8):
            raise cursor.fail(f"a metadata array of {count:,} items in a file with {cursor.left:,} bytes left")
        cursor.spend(count)
        first = [_value(cursor, kind, depth) for _ in range(kept)]
        if kind == _TEXT:
            cursor.skip_texts(count - kept)
        else:
            for _ in range(count - kept):
                _value(cursor, kind, depth)
    return first if count == kept else {"type": _TYPE_NAMES[kind], "count": count, "first": first}


def _scalars(cursor: Cursor, kind: int, count: int, kept: int) -> list[Json]:
    code = _SCALARS[kind][1]
    first = [_scalar(cursor, kind, cursor.number(code)) for _ in range(kept)]
    cursor.skip((count - kept) * struct.calcsize("=" + code))
    return first
