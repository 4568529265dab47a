"""Which format a file has, told by its bytes."""

from __future__ import annotations

from weighbridge.errors import UnknownFormatError
from weighbridge.formats.base import SNIFF_BYTES, FileIndex, Format
from weighbridge.tensors import ByteSource

# In the order in which they are asked; the most specific signature first.
FORMATS: tuple[Format, ...] = ()


def sniff(source: ByteSource) -> Format | None:
    """The format of this file, or None where no format knows its first bytes."""
    head = source.read_at(0, min(SNIFF_BYTES, source.size))
    return next((candidate for candidate in FORMATS if candidate.sniff(head, source)), None)


def index(source: ByteSource) -> FileIndex:
    """The structure of this file. Raises `UnknownFormatError`, or the `FormatError` that its format gives."""
    found = sniff(source)
    if found is None:
        head = source.read_at(0, min(16, source.size))
        raise UnknownFormatError(f"no format that we read begins with {head!r}", where=source.name)
    return found.index(source)
