"""Tar archives: every member goes back to the judges. Headers are read here, one block after the other.

Names that lead elsewhere, links out and devices are told, though nothing is ever unpacked here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from weighbridge.errors import FormatError
from weighbridge.scan.item import Inside, Item
from weighbridge.scan.judges._unpacking import RULES, ArchiveDevice, link_found, name_found
from weighbridge.scan.model import Found
from weighbridge.tensors import ByteSource

_BLOCK = 512
_MAGIC_AT = 257
_FILES = b"0\x007S"
_HARD, _SYMBOLIC = b"1", b"2"
_DEVICES = b"346"


@dataclass(frozen=True, slots=True)
class Member:
    """One member. `link` is where a link leads; `start` is the offset of its bytes."""

    name: str
    kind: bytes
    link: str
    start: int
    size: int


class TarJudge:
    """See the module."""

    name = "tar"
    rules = RULES

    def recognises(self, item: Item) -> bool:
        head = item.head[:_BLOCK]
        return len(head) == _BLOCK and (head[_MAGIC_AT : _MAGIC_AT + 5] == b"ustar" or _checked(head))

    def judge(self, item: Item) -> Iterator[Found | Inside]:
        for member in members(item.source):
            yield from name_found(member.name)
            if member.kind in (_HARD, _SYMBOLIC):
                yield from link_found(member.name, member.link, hard=member.kind == _HARD)
            elif member.kind in _DEVICES:
                yield ArchiveDevice.found(f"{member.name[:120]!r} is a device or a pipe", member=member.name[:200])
            elif member.size and member.kind in _FILES:
                yield item.slice(member.name, member.start, member.size)


def members(source: ByteSource) -> Iterator[Member]:
    """Every member, in order. Raises `FormatError` where a header makes no sense."""
    at, long_name, long_link = 0, "", ""
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
        if kind in (b"L", b"K", b"x"):
            data = source.read_at(at, min(size, 1 << 16))
            long_name = _long(data, b"path=" if kind == b"x" else b"", kind == b"K") or long_name
            long_link = _long(data, b"linkpath=" if kind == b"x" else b"", kind == b"L") or long_link
        else:
            yield Member(long_name or _name(header), kind, long_link or _text(header[157:257]), at, size)
            long_name = long_link = ""
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


def _name(header: bytes) -> str:
    """The name in a header; in ustar's form with the folder that stands apart."""
    folder = _text(header[345:500]) if header[_MAGIC_AT : _MAGIC_AT + 6] == b"ustar\0" else ""
    return f"{folder}/{_text(header[:100])}" if folder else _text(header[:100])


def _long(data: bytes, record: bytes, other: bool) -> str:
    """A long name or link: all of GNU's member, or this record of pax's; "" where the member is about the other one."""
    if not record:
        return "" if other else _text(data)
    for line in data.split(b"\n"):
        _, _, told = line.partition(b" ")
        if told.startswith(record):
            return told.removeprefix(record).decode("utf-8", "backslashreplace")
    return ""


TARS = TarJudge()
