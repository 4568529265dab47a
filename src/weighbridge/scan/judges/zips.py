"""Zip archives, read in every way in which some reader might: what any of them would find is judged.

Python's zipfile goes by the directory at the end, PyTorch's reader by its own idea of flags and sizes, others by the
headers beside the bytes. Names that occur twice, members that the directory does not list, flags and methods that
differ: we do not choose, we look at all of them. Names that lead elsewhere and links out are told, though nothing is
ever unpacked here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from weighbridge.errors import FormatError, UnsupportedError, WeighbridgeError
from weighbridge.scan.inflating import inflate
from weighbridge.scan.item import Inside, Item
from weighbridge.scan.judges._unpacking import RULES, link_found, name_found
from weighbridge.scan.model import Found
from weighbridge.tensors import ByteSource, SliceSource

LOCAL_MAGIC, ENTRY_MAGIC, END_MAGIC = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_LOCAL = struct.Struct("<4s5H3I2H")
_ENTRY = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_WIDE = 0xFFFFFFFF
_METHODS = {8: "deflate", 12: "bzip2", 14: "lzma", 93: "zstd", 95: "xz"}
_MAX_DIRECTORY = 64 << 20
_SEARCHED = 256 << 20
_STEP = 4 << 20
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class Entry:
    """A member as one of the archive's two lists tells it. `data` is where its bytes begin."""

    name: str
    data: int
    stored: int
    methods: tuple[int, ...]
    encrypted: bool
    crc: int = 0
    listed: bool = True
    header: int = 0
    link: bool = False


class ZipJudge:
    """See the module."""

    name = "zip"
    rules = RULES

    def recognises(self, item: Item) -> bool:
        return LOCAL_MAGIC in item.head or _end_record(item.source) >= 0

    def judge(self, item: Item) -> Iterator[Found | Inside]:
        faults: list[WeighbridgeError] = []
        members = list(entries(item.source))
        names = frozenset(entry.name for entry in members)
        for entry in members:
            yield from name_found(entry.name)
            if entry.link:
                yield from link_found(entry.name, _target(item, entry, names))
            for method in entry.methods:
                try:
                    yield _opened(item, entry, method, names)
                except WeighbridgeError as error:
                    faults.append(error)
        if faults:
            raise faults[0]


def entries(source: ByteSource) -> Iterator[Entry]:
    """Every member that the directory lists, then those that only their own headers tell of."""
    listed = _directory(source)
    yield from listed
    covered = sorted((entry.header, entry.data + entry.stored) for entry in listed)
    at = 0
    for start, end in [*covered, (source.size, source.size)]:
        if start > at:
            yield from _unlisted(source, at, start)
        at = max(at, end)


def _end_record(source: ByteSource) -> int:
    """Where the last end record lies; -1 for none."""
    length = min(source.size, _END.size + 0xFFFF)
    found = source.read_at(source.size - length, length).rfind(END_MAGIC)
    return -1 if found < 0 or length - found < _END.size else source.size - length + found


def _directory(source: ByteSource) -> list[Entry]:
    """The members that the directory lists, as far as it can be read."""
    end = _end_record(source)
    if end < 0:
        return []
    *_, size, start, _ = _END.unpack(source.read_at(end, _END.size))
    if end >= _LOCATOR.size:
        _, _, wide, _ = _LOCATOR.unpack(source.read_at(end - _LOCATOR.size, _LOCATOR.size))
        if wide + _END64.size <= source.size and source.read_at(wide, 4) == b"PK\x06\x06":
            *_, size, start = _END64.unpack(source.read_at(wide, _END64.size))
            end = wide
    at = start if _is_entry(source, start) else end - size
    if at < 0 or not _is_entry(source, at):
        return []
    shift = at - start
    data = source.read_at(at, min(max(end - at, 0), _MAX_DIRECTORY))
    return list(_records(source, data, shift))


def _is_entry(source: ByteSource, at: int) -> bool:
    return 0 <= at <= source.size - 4 and source.read_at(at, 4) == ENTRY_MAGIC


def _records(source: ByteSource, data: bytes, shift: int) -> Iterator[Entry]:
    at = 0
    while at + _ENTRY.size <= len(data) and data.startswith(ENTRY_MAGIC, at):
        fields = _ENTRY.unpack_from(data, at)
        _, _, _, flags, method, _, _, crc, stored, size, name_length, extra_length, comment, _, _, mode, header = fields
        name_at = at + _ENTRY.size
        name = data[name_at : name_at + name_length].decode("utf-8", "backslashreplace")
        extra = data[name_at + name_length : name_at + name_length + extra_length]
        at = name_at + name_length + extra_length + comment
        _, stored, header = _widened(extra, size, stored, header)
        local = _local(source, header + shift)
        if local is None:
            continue
        both = (method, *(other for other in local.methods if other != method))
        room = min(max(stored, local.stored), source.size - local.data)
        link = (mode >> 16) & 0o170000 == 0o120000
        yield Entry(name, local.data, room, both, bool(flags & _ENCRYPTED), crc, header=header + shift, link=link)


def _widened(extra: bytes, size: int, stored: int, header: int) -> tuple[int, int, int]:
    """The 64-bit values of the fields that did not fit."""
    values = [size, stored, header]
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<2H", extra, at)
        if tag == 1:
            wide = iter(extra[at + 4 + 8 * place : at + 12 + 8 * place] for place in range(length // 8))
            values = [int.from_bytes(next(wide, b""), "little") if value == _WIDE else value for value in values]
        at += 4 + length
    return values[0], values[1], values[2]


def _local(source: ByteSource, header: int) -> Entry | None:
    """What the header beside a member's bytes says; None where there is none."""
    if not 0 <= header <= source.size - _LOCAL.size:
        return None
    fields = _LOCAL.unpack(source.read_at(header, _LOCAL.size))
    magic, _, flags, method, _, _, crc, stored, size, name_length, extra_length = fields
    if magic != LOCAL_MAGIC or header + _LOCAL.size + name_length + extra_length > source.size:
        return None
    tail = source.read_at(header + _LOCAL.size, name_length + extra_length)
    _, stored, _ = _widened(tail[name_length:], size, stored, 0)
    data = header + _LOCAL.size + name_length + extra_length
    name = tail[:name_length].decode("utf-8", "backslashreplace")
    stored = 0 if flags & 8 and method == 0 and not stored else min(stored, source.size - data)
    return Entry(name, data, stored, (method,), bool(flags & _ENCRYPTED), crc, listed=False, header=header)


def _unlisted(source: ByteSource, start: int, end: int) -> Iterator[Entry]:
    """Members whose headers lie between `start` and `end`, where the directory knows of none."""
    last = min(end, start + _SEARCHED)
    at = start
    while at < last:
        window = source.read_at(at, min(_STEP + 3, last - at))
        found = window.find(LOCAL_MAGIC)
        if found < 0:
            at += _STEP
            continue
        entry = _local(source, at + found)
        at += found + 4
        if entry is not None:
            length = entry.stored or end - entry.data
            yield Entry(entry.name, entry.data, max(length, 0), entry.methods, entry.encrypted, entry.crc, listed=False)
            at = max(at, entry.data + entry.stored)


def _opened(item: Item, entry: Entry, method: int, names: frozenset[str]) -> Inside:
    name = entry.name or "(no name)"
    if method == 0:
        if entry.encrypted and not _has_crc(item.source, entry):
            raise UnsupportedError(f"member {name[:120]!r} is encrypted")
        return item.slice(name, entry.data, entry.stored, names)
    codec = _METHODS.get(method)
    if codec is None:
        return item.slice(name, entry.data, entry.stored, names)
    room = entry.stored or item.source.size - entry.data
    source: ByteSource = SliceSource(item.source, entry.data, room, f"{item.source.name} member {name[:120]!r}")
    if codec == "lzma":
        source = _Alone(source)
    opened = inflate(codec, source, 0, source.size, source.name)
    if opened.fault is not None and not opened.size:
        if entry.encrypted:
            raise UnsupportedError(f"member {name[:120]!r} is encrypted")
        raise FormatError(f"member {name[:120]!r}: {opened.fault.message}")
    return item.inside(name, opened, names)


def _target(item: Item, entry: Entry, names: frozenset[str]) -> str:
    """Where a symbolic link leads: zip keeps that as its content. "/", which leads outside, where it cannot be read."""
    try:
        source = _opened(item, entry, entry.methods[0], names).source
        return source.read_at(0, min(source.size, 4096)).decode("utf-8", "backslashreplace")
    except WeighbridgeError:
        return "/"


class _Alone:
    """An LZMA stream as zip keeps it, told as a file of its own: the same properties, and a size that is not known."""

    def __init__(self, member: ByteSource) -> None:
        head = member.read_at(0, min(9, member.size))
        self._member = member
        self._head = head[4:9] + b"\xff" * 8
        self.name = member.name
        self.size = max(0, member.size - 9) + len(self._head)

    def read_at(self, offset: int, length: int) -> bytes:
        start = len(self._head)
        head = self._head[offset : offset + length]
        rest = length - len(head)
        return head + (self._member.read_at(9 + max(0, offset - start), rest) if rest else b"")


def _has_crc(source: ByteSource, entry: Entry) -> bool:
    """Whether bytes that are marked as encrypted are not: then they have the checksum of what they should become."""
    import zlib

    if entry.stored > _SEARCHED:
        return False
    return zlib.crc32(source.read_at(entry.data, entry.stored)) == entry.crc


ZIPS = ZipJudge()
