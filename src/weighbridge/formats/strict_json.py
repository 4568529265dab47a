"""A cursor over JSON text for readers that know which shape they expect, and build nothing else.

A general parser first builds whatever the text holds: 100 MB of ``[[],[],…`` become gigabytes, deep nesting ends in
RecursionError, the second of two equal names replaces the first. Here the reader walks the bytes once, keeps what its
format defines, and names the byte at which the text stops being that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NoReturn

from weighbridge.errors import FormatError
from weighbridge.formats.base import shown

MAX_DEPTH = 32  # of values that are skipped
SPACE = rb"[ \t\n\r]*+"
INTEGER = rb"(?:0|[1-9][0-9]{0,19}+)"
INTEGERS = (
    rb"\[" + SPACE + rb"((?:" + INTEGER + rb"(?:" + SPACE + rb"," + SPACE + INTEGER + rb")*+)?+)" + SPACE + rb"\]"
)

_SPACE = re.compile(SPACE)
_BLANKS = frozenset((b" ", b"\t", b"\n", b"\r"))
# Possessive: a text that does not end is refused after one pass, not after every way of cutting it.
_STRING = re.compile(SPACE + rb'"((?:[^"\\\x00-\x1f]++|\\.)*+)"' + SPACE)
_INTEGERS = re.compile(SPACE + INTEGERS + SPACE)
_SCALAR = re.compile(rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?|true|false|null")


class JsonCursor:
    """Where one is in a JSON text. `origin` is the offset of the text in its file, for messages."""

    def __init__(self, data: bytes, where: str, origin: int = 0) -> None:
        self.data = data
        self.at = 0
        self.where = where
        self._origin = origin

    def fail(self, message: str) -> NoReturn:
        found = self.data[self.at : self.at + 24]
        text = f"found {found!r}" if found else "found its end"
        raise FormatError(f"{message}; {text} at byte {self._origin + self.at:,}", where=self.where)

    def keys(self) -> Iterator[str]:
        """Walk one object: each key once, its value to be consumed by the caller before the next."""
        self.take(b"{", "an object")
        if self.next() == b"}":
            self.step()
            return
        seen: set[str] = set()
        while True:
            key = self.string("a name in double quotes")
            if key in seen:
                self.fail(f"the name {shown(key)} is listed twice")
            seen.add(key)
            self.take(b":", "':' after a name")
            yield key
            if self.next() != b",":
                break
            self.step()
        self.take(b"}", "',' or '}'")

    def string(self, expected: str) -> str:
        match = _STRING.match(self.data, self.at)
        if match is None:
            self.fail(f"expected {expected}")
        raw: bytes = match[1]
        try:
            text = raw.decode() if b"\\" not in raw else _unescaped(raw)
        except UnicodeError:
            self.fail("expected UTF-8 text")
        except ValueError:
            self.fail("expected a text with valid escapes")
        self.at = match.end()
        return text

    def integers(self, what: str, limit: int) -> tuple[int, ...]:
        """A list of at most `limit` whole numbers, each below 2^64."""
        match = _INTEGERS.match(self.data, self.at)
        if match is None:
            self.fail(f"expected {what} to be a list of whole numbers from 0 to 2^64-1")
        if match[1].count(b",") >= limit:
            self.fail(f"{what} has more than {limit} numbers")
        numbers = tuple(map(int, match[1].split(b","))) if match[1] else ()
        if numbers and max(numbers) >= 2**64:
            self.fail(f"{what} holds a number above 2^64-1")
        self.at = match.end()
        return numbers

    def skip_value(self, depth: int = 0) -> None:
        """Step over one value of any kind, keeping nothing of it."""
        if depth > MAX_DEPTH:
            self.fail(f"expected values nested at most {MAX_DEPTH} deep")
        opening = self.next()
        if opening == b'"':
            self.string("a text")
        elif opening == b"{":
            for _ in self.keys():
                self.skip_value(depth + 1)
        elif opening == b"[":
            self._skip_list(depth)
        else:
            match = _SCALAR.match(self.data, self.at)
            if match is None:
                self.fail("expected a value")
            self.at = match.end()

    def _skip_list(self, depth: int) -> None:
        self.step()
        if self.next() != b"]":
            self.skip_value(depth + 1)
            while self.next() == b",":
                self.step()
                self.skip_value(depth + 1)
        self.take(b"]", "',' or ']'")

    def next(self) -> bytes:
        """The next byte that is not white space; empty at the end."""
        found = self.data[self.at : self.at + 1]
        if found in _BLANKS:
            self.at = _SPACE.match(self.data, self.at).end()  # type: ignore[union-attr]  # matches anything
            found = self.data[self.at : self.at + 1]
        return found

    def step(self) -> None:
        self.at += 1
        self.next()

    def take(self, token: bytes, expected: str) -> None:
        if self.next() != token:
            self.fail(f"expected {expected}")
        self.step()

    def end(self) -> None:
        """Nothing but white space may follow."""
        if self.next():
            self.fail("expected nothing after the closing brace")


def _unescaped(raw: bytes) -> str:
    text: str = json.loads(b'"' + raw + b'"')
    text.encode()  # half of a surrogate pair can be escaped, but is no character: UnicodeEncodeError
    return text
