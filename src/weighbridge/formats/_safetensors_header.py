"""The JSON header of a safetensors file, by a parser that knows its one shape and builds nothing else.

A general JSON parser would first build whatever the header holds: 100 MB of ``[[],[],…`` become gigabytes, deep
nesting ends in RecursionError, duplicate names vanish. This one walks the bytes once, keeps only what the format
defines, and tells the offset at which a header stops being one.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple, NoReturn

from weighbridge.errors import FormatError
from weighbridge.formats._shape import MAX_ANOMALIES, MAX_RANK, check_tensor_count, shown
from weighbridge.formats.base import Anomaly

METADATA = "__metadata__"
_WS = rb"[ \t\n\r]*+"
_STRING = re.compile(_WS + rb'"((?:[^"\\\x00-\x1f]++|\\.)*+)"' + _WS)
_INTEGER = rb"(?:0|[1-9][0-9]{0,19}+)"
_LIST = rb"\[" + _WS + rb"((?:" + _INTEGER + rb"(?:" + _WS + rb"," + _WS + _INTEGER + rb")*+)?+)" + _WS + rb"\]"
_INTEGERS = re.compile(_WS + _LIST + _WS)
# An entry as every writer in use writes it: one match instead of twenty. Anything else takes the careful way.
_USUAL = re.compile(
    rb'\{"dtype":' + _WS + rb'"([A-Z0-9_]{1,20}+)",' + _WS + rb'"shape":' + _WS + _LIST
    + rb"," + _WS + rb'"data_offsets":' + _WS + rb"\[(0|[1-9][0-9]{0,18}+)," + _WS + rb"(0|[1-9][0-9]{0,18}+)\]\}" + _WS
)  # fmt: skip
_SPACE = re.compile(_WS)
_BLANKS = frozenset((b" ", b"\t", b"\n", b"\r"))
_SCALAR = re.compile(rb"-?[0-9][0-9.eE+-]{0,40}|true|false|null")
_MAX_INTEGER = 2**64
_FIELDS = ("dtype", "shape", "data_offsets")


class Entry(NamedTuple):
    """One tensor as the header describes it; `begin` and `end` count from the end of the header."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


class Header(NamedTuple):
    entries: list[Entry]
    metadata: dict[str, str]
    anomalies: list[Anomaly]


def parse_header(data: bytes, where: str) -> Header:
    """The header's entries in their order. Raises `FormatError` at the first byte that breaks the format."""
    if data[:1] != b"{":
        raise FormatError(f"expected a header that begins with '{{', found {data[:16]!r}", where=where)
    return _Parser(data, where).header()


class _Parser:
    """A cursor over the header. Offsets in messages count from the start of the file."""

    def __init__(self, data: bytes, where: str) -> None:
        self._data = data
        self._where = where
        self._at = 0
        self._anomalies: list[Anomaly] = []

    def header(self) -> Header:
        entries: list[Entry] = []
        metadata: dict[str, str] | None = None
        names: set[str] = set()
        for name in self._keys():
            if name in names:
                self._fail(f"the name {shown(name)} is listed twice")
            names.add(name)
            if name == METADATA:
                metadata = self._metadata()
            else:
                entries.append(self._entry(name))
                check_tensor_count(len(entries), self._where)
        if self._at != len(self._data):
            self._fail("expected only spaces after the header's closing brace")
        return Header(entries, metadata or {}, self._anomalies)

    def _keys(self) -> Any:
        """Walk one object: yields each key, and expects its value to be consumed before the next."""
        self._take(b"{", "an object")
        if self._next() == b"}":
            self._step()
            return
        while True:
            key = self._string("a name in double quotes")
            self._take(b":", "':' after a name")
            yield key
            if self._next() == b",":
                self._step()
                continue
            self._take(b"}", "',' or '}'")
            return

    def _entry(self, name: str) -> Entry:
        usual = _USUAL.match(self._data, self._at)
        if usual is None or usual[2].count(b",") >= MAX_RANK:
            return self._unusual_entry(name)
        shape = tuple(map(int, usual[2].split(b","))) if usual[2] else ()
        if shape and max(shape) >= _MAX_INTEGER:
            return self._unusual_entry(name)
        self._at = usual.end()
        return Entry(name, usual[1].decode(), shape, int(usual[3]), int(usual[4]))

    def _unusual_entry(self, name: str) -> Entry:
        found: dict[str, Any] = {}
        for key in self._keys():
            if key in found:
                self._fail(f"tensor {shown(name)} gives {shown(key)} twice")
            if key == "dtype":
                found[key] = self._string('a type such as "F32"')
            elif key in _FIELDS:
                found[key] = self._integers(name, key)
            else:
                self._skip_value()
                self._note_unknown(name, key)
        missing = [key for key in _FIELDS if key not in found]
        if missing:
            self._fail(f"tensor {shown(name)} does not say its {' nor its '.join(missing)}")
        if len(found["data_offsets"]) != 2:
            self._fail(f"tensor {shown(name)} has {len(found['data_offsets'])} data offsets instead of 2")
        return Entry(name, found["dtype"], found["shape"], *found["data_offsets"])

    def _note_unknown(self, name: str, key: str) -> None:
        if len(self._anomalies) < MAX_ANOMALIES:
            message = f"the header gives {shown(key)}, which no reader knows"
            self._anomalies.append(Anomaly("safetensors.unknown-field", message, shown(name)))

    def _metadata(self) -> dict[str, str]:
        if self._next() != b"{":
            self._fail(f"expected {METADATA} to be an object of texts")
        found: dict[str, str] = {}
        for key in self._keys():
            if key in found:
                self._fail(f"{METADATA} gives {shown(key)} twice")
            if self._next() != b'"':
                self._fail(f"expected {METADATA} to hold only texts, but {shown(key)} is something else")
            found[key] = self._string("a text")
        return found

    def _string(self, expected: str) -> str:
        match = _STRING.match(self._data, self._at)
        if match is None:
            self._fail(f"expected {expected}")
        raw: bytes = match[1]
        try:
            text: str = raw.decode() if b"\\" not in raw else json.loads(b'"' + raw + b'"')
            if b"\\" in raw:
                text.encode()  # half a surrogate pair can be escaped, but is no character
        except UnicodeError:
            self._fail("expected UTF-8 text")
        except ValueError:
            self._fail("expected a text with valid escapes")
        self._at = match.end()
        return text

    def _integers(self, name: str, key: str) -> tuple[int, ...]:
        match = _INTEGERS.match(self._data, self._at)
        if match is None:
            self._fail(f"expected {key} of tensor {shown(name)} to be a list of whole numbers from 0 to 2^64-1")
        if match[1].count(b",") >= MAX_RANK:
            self._fail(f"tensor {shown(name)} has more than {MAX_RANK} numbers in its {key}")
        numbers = tuple(map(int, match[1].split(b","))) if match[1] else ()
        if numbers and max(numbers) >= _MAX_INTEGER:
            self._fail(f"{key} of tensor {shown(name)} holds a number above 2^64-1")
        self._at = match.end()
        return numbers

    def _skip_value(self) -> None:
        """Step over any JSON value that the format does not define: text, number, or a flat list or object."""
        opening = self._next()
        if opening == b'"':
            self._string("a text")
        elif opening == b"{":
            for _ in self._keys():
                self._skip_scalar()
        elif opening == b"[":
            self._skip_list()
        else:
            self._skip_scalar()

    def _skip_list(self) -> None:
        self._step()
        while self._next() != b"]":
            self._skip_scalar()
            if self._next() == b",":
                self._step()
        self._step()

    def _skip_scalar(self) -> None:
        if self._next() == b'"':
            self._string("a text")
            return
        match = _SCALAR.match(self._data, self._at)
        if match is None:
            self._fail("expected a plain value in a field that the format does not define")
        self._at = match.end()

    def _next(self) -> bytes:
        """The next byte that is not white space; empty at the end."""
        found = self._data[self._at : self._at + 1]
        if found in _BLANKS:
            self._at = _SPACE.match(self._data, self._at).end()  # type: ignore[union-attr]  # matches anything
            found = self._data[self._at : self._at + 1]
        return found

    def _step(self) -> None:
        self._at += 1
        self._next()

    def _take(self, token: bytes, expected: str) -> None:
        if self._next() != token:
            self._fail(f"expected {expected}")
        self._step()

    def _fail(self, message: str) -> NoReturn:
        found = self._data[self._at : self._at + 24]
        text = f"found {found!r}" if found else "found its end"
        raise FormatError(f"{message}; {text} at byte {8 + self._at:,} of the header", where=self._where)
