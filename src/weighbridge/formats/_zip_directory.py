"""The end record and the central directory of a zip archive."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from weighbridge.errors import FormatError, LimitError, TruncatedError
from weighbridge.tensors import ByteSource

STORED, DEFLATED = 0, 8
MAX_MEMBERS = 262_144
_MAX_DIRECTORY = 64 << 20
_MAX_COMMENT = 65_535
_SNIFFED = 1 << 20
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF

_END_MAGIC, _LOCATOR_MAGIC, _END64_MAGIC, _ENTRY_MAGIC = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06", b"PK\x01\x02"
_END = struct.Struct("<4s4H2IH")
_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQ2H2I4Q")
_ENTRY = struct.Struct("<4s6H3I5H2I")


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of the central directory. `sizes` are the two 32-bit fields as they are written."""

    name: str
    raw_name: bytes
    header: int
    stored: int
    size: int
    sizes: tuple[int, int]
    method: int
    flags: int
    crc: int


def read_directory(source: ByteSource) -> tuple[list[Record], int]:
    """The entries of the central directory, and the offset where it begins."""
    count, size, start = _end(source)
    if count > MAX_MEMBERS or size > _MAX_DIRECTORY:
        raise LimitError(f"lists {count:,} members in {size:,} bytes, more than we read", where=source.name)
    if size < count * _ENTRY.size:
        raise FormatError(f"lists {count:,} members in a directory of {size:,} bytes", where=source.name)
    data = source.read_at(start, size)
    records: list[Record] = []
    names: set[bytes] = set()
    at = 0
    for _ in range(count):
        record, at = _record(source, data, at)
        if record.raw_name in names or b"\0" in record.raw_name:
            raise FormatError(f"has two members that some reader takes for {record.name[:120]!r}", where=source.name)
        names.add(record.raw_name)
        records.append(record)
    if at != size:
        raise FormatError(f"{size - at:,} bytes follow the last entry of the directory", where=source.name)
    return records, start


def _end(source: ByteSource) -> tuple[int, int, int]:
    """Entries, bytes and offset of the central directory, from the end record or its 64-bit form."""
    at = _end_offset(source)
    fields = _END.unpack(source.read_at(at, _END.size))
    _, disk, first_disk, here, count, size, start, _ = fields
    if disk not in (0, _FULL16) or first_disk not in (0, _FULL16) or here != count:
        raise FormatError("is one volume of an archive of several", where=source.name)
    end = at
    if at >= _LOCATOR.size and source.read_at(at - _LOCATOR.size, 4) == _LOCATOR_MAGIC:
        wide_count, wide_size, wide_start, end = _end64(source, at)
        narrow = ((count, wide_count, _FULL16), (size, wide_size, _FULL32), (start, wide_start, _FULL32))
        if any(given not in (wide, full) for given, wide, full in narrow):
            raise FormatError("has two end records that say different things", where=source.name)
        count, size, start = wide_count, wide_size, wide_start
    if start + size != end:
        raise FormatError(
            f"its directory should end at offset {start + size:,}, but the end record lies at {end:,}:"
            " something was put in front, behind or between",
            where=source.name,
        )
    return count, size, start


def _end_offset(source: ByteSource) -> int:
    """Where the end record lies. Refuses a second candidate: readers search for it in different ways."""
    length = min(source.size, _END.size + _MAX_COMMENT)
    tail = source.read_at(source.size - length, length)
    found = tail.rfind(_END_MAGIC)
    if found < 0 or length - found < _END.size:
        raise TruncatedError("is a zip archive whose end record is missing", where=source.name)
    comment = int.from_bytes(tail[found + _END.size - 2 : found + _END.size], "little")
    if found + _END.size + comment != length:
        raise FormatError("its end record does not lie at its end", where=source.name)
    return source.size - length + found


def _end64(source: ByteSource, end: int) -> tuple[int, int, int, int]:
    _, _, at, _ = _LOCATOR.unpack(source.read_at(end - _LOCATOR.size, _LOCATOR.size))
    if at + _END64.size > end - _LOCATOR.size:
        raise FormatError(f"its 64-bit end record should lie at offset {at:,}, outside the file", where=source.name)
    magic, length, _, _, _, _, _, count, size, start = _END64.unpack(source.read_at(at, _END64.size))
    if magic != _END64_MAGIC or at + 12 + length != end - _LOCATOR.size:
        raise FormatError("its 64-bit end record does not lie where its locator says", where=source.name)
    return count, size, start, at


def _record(source: ByteSource, data: bytes, at: int) -> tuple[Record, int]:
    """The entry at `at` of the directory's bytes, and where the next begins."""
    where = f"{source.name} directory byte {at:,}"
    if at + _ENTRY.size > len(data):
        raise TruncatedError("the directory ends inside an entry", where=where)
    fields = _ENTRY.unpack_from(data, at)
    magic, _, _, flags, method, _, _, crc, stored, size, name_length, extra_length, comment_length, _, _, _, header = (
        fields
    )
    if magic != _ENTRY_MAGIC:
        raise FormatError(f"expected an entry, found {magic!r}", where=where)
    name_at = at + _ENTRY.size
    extra_at = name_at + name_length
    end = extra_at + extra_length + comment_length
    if end > len(data):
        raise TruncatedError("the directory ends inside an entry", where=where)
    raw_name = data[name_at:extra_at]
    wide = _wide_fields(data[extra_at : extra_at + extra_length], (size, stored, header), where)
    name = raw_name.decode("utf-8", "backslashreplace")
    return Record(name, raw_name, wide[2], wide[1], wide[0], (stored, size), method, flags, crc), end


def _wide_fields(extra: bytes, narrow: tuple[int, int, int], where: str) -> list[int]:
    """Size, stored size and header offset, from the 64-bit extra field for those that do not fit in 32 bits."""
    values = list(narrow)
    missing = [place for place, value in enumerate(values) if value == _FULL32]
    if not missing:
        return values
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<2H", extra, at)
        if tag == 1 and length >= 8 * len(missing) and at + 4 + 8 * len(missing) <= len(extra):
            for position, place in enumerate(missing):
                values[place] = struct.unpack_from("<Q", extra, at + 4 + 8 * position)[0]
            return values
        at += 4 + length
    raise FormatError("needs a 64-bit size or offset that its entry does not hold", where=where)


def has_entry_named(source: ByteSource, name: bytes) -> bool:
    """Whether the archive holds a file of this name in any folder; of a broken one, whether it seems to.

    Never raises for what it holds.
    """
    try:
        records, _ = read_directory(source)
    except FormatError:
        length = min(source.size, _SNIFFED)
        return name in source.read_at(source.size - length, length) + source.read_at(0, length)
    return any(record.raw_name.rpartition(b"/")[2] == name for record in records)


def ends_as_archive(source: ByteSource) -> bool:
    """Whether an end record lies where readers that search from the end would find one."""
    length = min(source.size, _END.size + _MAX_COMMENT)
    return _END_MAGIC in source.read_at(source.size - length, length)
