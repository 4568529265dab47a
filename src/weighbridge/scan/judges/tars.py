"""Tar archives: every member goes back to the judges. Headers are read here, one block after the other."""

from __future__ import annotations

from collections.abc import Iterator

from weighbridge.errors import FormatError
from weighbridge.scan.item import Inside, Item
from weighbridge.scan.model import Found
from weighbridge.tensors import ByteSource

_BLOCK = 512
_MAGIC_AT = 257
_FILES = b"0\x007S"


class TarJudge:
    """See the module."""

    name = "tar"
    rules = ()

    def recognises(self, item: Item) -> bool:
        head = item.head[:_BLOCK]
        return len(head) == _BLOCK and (head[_MAGIC_AT : _MAGIC_AT + 5] == b"ustar" or _checked(head))

    def judge(self, item: Item) -> Iterator[Found | Inside]:
        for name, kind, start, size in members(item.source):
            if size and kind in _FILES:
                yield item.slice(name, start, size)


def members(source: ByteSource) -> Iterator[tuple[str, bytes, int, int]]:
    """Name, type, offset and size of every member, in order. Raises `FormatError` where a header makes no sense."""
    at, long_name = 0, ""
    while at + _BLOCK <= source.size:
        header = source.read_at(at, _BLOCK)
        at += _BLOCK
        if not header.strip(b"\0"):
            continue  # readers may be told to go on behind an end
        if not _checked(header):
            raise FormatError(f"expected a member's header at offset {at - _BLOCK:,}", where=source.name)
        size = _number(header[124:136])
        kind = header[156:157]
        if size < 0 or at + size > source.size:
            raise FormatError(f"a member at offset {at:,} would have {size:,} bytes", where=source.name)
        if kind in (b"L", b"x"):
            long_name = _long_name(source.read_at(at, min(size, 1 << 16)), kind) or long_name
        else:
            yield long_name or _text(header[:100]), kind, at, size
            long_name = ""
        at += -(-size // _BLOCK) * _BLOCK


def _checked(header: bytes) -> bool:
    """Whether the header's checksum holds."""
    total = sum(header[:148]) + 8 * 32 + sum(header[156:])
    return bool(header[:1].strip(b"\0")) and total == _number(header[148:156])


def _number(field: bytes) -> int:
    if field[:1] in (b"\x80", b"\xff"):
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0").split(b"\0")[0].strip()
    return int(digits, 8) if digits and all(digit in b"01234567" for digit in digits) else -1 if digits else 0


def _text(field: bytes) -> str:
    return field.split(b"\0")[0].decode("utf-8", "backslashreplace")


def _long_name(data: bytes, kind: bytes) -> str:
    if kind == b"L":
        return _text(data)
    for line in data.split(b"\n"):
        _, _, record = line.partition(b" ")
        if record.startswith(b"path="):
            return record[5:].decode("utf-8", "backslashreplace")
    return ""


TARS = TarJudge()
