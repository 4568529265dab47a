"""One file, or one member of an archive at any depth, as a judge sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from posixpath import basename

from weighbridge.tensors import ByteSource, SliceSource

HEAD_BYTES = 4096

Beside = Callable[[str], ByteSource | None]


def _nothing_beside(name: str) -> ByteSource | None:
    return None


@dataclass(frozen=True)
class Inside:
    """Bytes that a judge found inside an item, for every judge to look at. `name` is how the item names them."""

    name: str
    source: ByteSource
    siblings: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Item:
    """`name` is the file's own name, or a member's; `member` the way to it through archives, "" for the file itself.

    `siblings` are the names of what lies in the same folder or archive; `allowed` are imports (``module:name``) that
    the user vouches for.
    """

    name: str
    source: ByteSource
    member: str = ""
    depth: int = 0
    siblings: frozenset[str] = frozenset()
    beside: Beside = field(default=_nothing_beside)
    allowed: frozenset[str] = frozenset()

    @cached_property
    def head(self) -> bytes:
        """The first `HEAD_BYTES`, or all there are."""
        return self.source.read_at(0, min(HEAD_BYTES, self.source.size))

    @property
    def basename(self) -> str:
        return basename(self.name)

    @cached_property
    def extension(self) -> str:
        """With its dot, in lower case; "" for none."""
        stem, dot, extension = self.basename.rpartition(".")
        return f".{extension.lower()}" if dot and stem else ""

    def read(self, most: int) -> bytes:
        """All of its bytes, up to `most`."""
        return self.source.read_at(0, min(self.source.size, most))

    def inside(self, name: str, source: ByteSource, siblings: frozenset[str] = frozenset()) -> Inside:
        """Bytes found inside as an item of their own; `siblings` are the other names in the archive."""
        return Inside(name, source, siblings)

    def slice(self, name: str, start: int, length: int | None = None, siblings: frozenset[str] = frozenset()) -> Inside:
        """Bytes from `start` on as an item of their own; up to the end where `length` is None."""
        length = self.source.size - start if length is None else length
        return Inside(name, SliceSource(self.source, start, length, self.source.name), siblings)
