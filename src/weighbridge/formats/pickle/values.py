"""What the machine's stack holds.

Plain values are Python's own: ``None``, `bool`, `int`, `float`, `str`, and `tuple`. Everything else is a node of this
module. Nodes compare by identity and have no representation that follows references: both would recurse as deep as a
hostile file likes, so only `render` and `walk`, which count their steps, look inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

# mypy cannot say "a tuple of Values" without end; every use narrows by isinstance.
Value = Any

Way = Literal["call", "new", "build", "set", "append"]
Encoding = Literal["", "utf-8", "raw-unicode-escape", "escaped", "latin-1"]


class Raw:
    """Bytes, or a long text in `encoding`, left where they lie: `length` bytes at `offset` of the pickle's source."""

    __slots__ = ("encoding", "length", "offset")

    def __init__(self, offset: int, length: int, encoding: Encoding = "") -> None:
        self.offset = offset
        self.length = length
        self.encoding = encoding


class OldString(str):
    """A string of Python 2, read as latin-1: text or bytes, as whoever uses it takes it. Remembers its place."""

    __slots__ = ("offset",)
    offset: int

    @classmethod
    def at(cls, offset: int, data: bytes) -> OldString:
        text = cls(data.decode("latin-1"))
        text.offset = offset
        return text


class Items:
    """A list, a set or a frozenset."""

    __slots__ = ("items", "kind")

    def __init__(self, kind: Literal["list", "set", "frozenset"], items: list[Value]) -> None:
        self.kind = kind
        self.items = items


class Pairs:
    """A dictionary as the pairs that were set, in order: keys are never hashed, as a file could choose the hashes."""

    __slots__ = ("flat",)

    def __init__(self) -> None:
        self.flat: list[Value] = []  # key, value, key, value …: one list costs half of two

    def __len__(self) -> int:
        return len(self.flat) // 2

    def first(self, count: int) -> list[tuple[Value, Value]]:
        """The first `count` pairs."""
        return list(zip(self.flat[: 2 * count : 2], self.flat[1 : 2 * count : 2], strict=True))

    def __iter__(self) -> Iterator[tuple[Value, Value]]:
        flat = iter(self.flat)
        return zip(flat, flat, strict=True)


class Global:
    """Something that the pickle imports by name."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name

    @property
    def qualified(self) -> str:
        return f"{self.module}.{self.name}"


class Call:
    """What calling `function` would give, and what the pickle does to it afterwards.

    `way` is "new" where the class is made without its ``__init__``. `states` are what BUILD sets, `items` and `pairs`
    what is appended to it and set in it.
    """

    __slots__ = ("args", "function", "items", "kwargs", "pairs", "states", "way")

    def __init__(self, function: Value, args: Value, way: Literal["call", "new"], kwargs: Value = None) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs
        self.way = way
        self.items: list[Value] | None = None
        self.pairs: Pairs | None = None
        self.states: list[Value] | None = None

    @property
    def qualified(self) -> str:
        """The dotted name of what is called; "" where that was computed."""
        return self.function.qualified if isinstance(self.function, Global) else ""

    @property
    def arguments(self) -> tuple[Value, ...]:
        return self.args if isinstance(self.args, tuple) else ()


class Persistent:
    """An object that lies outside the pickle, by its id: in PyTorch files, a storage."""

    __slots__ = ("id",)

    def __init__(self, id: Value) -> None:  # noqa: A002  (the protocol's own name)
        self.id = id


class Opaque:
    """A value that we do not work out: a number too long, an out-of-band buffer."""

    __slots__ = ("what",)

    def __init__(self, what: str) -> None:
        self.what = what
