"""Zip archives, read by their own structure and with no trust in it.

Two readers of one hostile archive can disagree about what a member holds: the central directory and the local headers
may differ, a name may occur twice, another archive may lie in front or between. We read only archives that can be read
in one way; where a lie changes nothing about which bytes a member has, it is an `Anomaly` and reading goes on.

- `Member`: one file in the archive, and where its bytes lie in the source.
- `read_archive`: the whole directory, checked. No member is read.
- `open_member`: a member's bytes as a `ByteSource`; compressed members are inflated within a bound.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from dataclasses import dataclass, replace

from weighbridge.errors import FormatError, LimitError, TruncatedError, UnsupportedError
from weighbridge.formats._zip_directory import DEFLATED, STORED, Record, read_directory
from weighbridge.formats.base import Anomaly, shown
from weighbridge.tensors import ByteSource, BytesSource, SliceSource

LOCAL_MAGIC = b"PK\x03\x04"
_LOCAL = struct.Struct("<4s5H3I2H")
_DESCRIPTOR = 24  # the longest data descriptor: signature, CRC and two sizes of 8 bytes
_MAX_PADDING = 4096  # between members; the largest alignment in use
_SEARCHED = 1 << 16  # of each gap: a gap may be as long as the file
_CHUNK = 1 << 20

MAX_EXPANDED = 256 << 20
"""Bytes that any member may inflate to; beyond, none that is stored in a hundredth of its size: weights never are."""
_MOST_TIMES = 100


@dataclass(frozen=True, slots=True)
class Member:
    """One file in an archive: `stored` bytes at `offset` of the source, `size` bytes once they are decompressed."""

    name: str
    offset: int
    stored: int
    size: int
    method: int
    crc: int

    @property
    def raw(self) -> bool:
        """Whether the member's bytes lie in the source as they are."""
        return self.method == STORED


@dataclass(frozen=True, slots=True)
class Archive:
    """The members in the order of the directory, by name, and what was odd."""

    members: dict[str, Member]
    anomalies: tuple[Anomaly, ...]


def read_archive(source: ByteSource) -> Archive:
    """The members of a zip archive. Raises `FormatError` where they cannot be told beyond doubt."""
    records, start = read_directory(source)
    anomalies: list[Anomaly] = []
    members: dict[str, Member] = {}
    end = 0
    for record in sorted(records, key=lambda record: record.header):
        where = f"{source.name} member {record.name[:120]!r}"
        if record.header < end:
            raise FormatError(f"begins at offset {record.header:,}, inside the member before it", where=where)
        anomalies += _gap(source, end, record.header)
        member = _member(source, record, start, where, anomalies)
        end = member.offset + member.stored
        members[member.name] = member
    anomalies += _gap(source, end, start)
    return Archive({record.name: members[record.name] for record in records}, _one_of_each(anomalies))


def _member(source: ByteSource, record: Record, limit: int, where: str, anomalies: list[Anomaly]) -> Member:
    """The member that a record of the directory speaks of, once its local header agrees."""
    if record.header + _LOCAL.size > limit:
        raise FormatError(f"begins at offset {record.header:,}, behind the archive's members", where=where)
    fields = _LOCAL.unpack(source.read_at(record.header, _LOCAL.size))
    magic, _, flags, method, _, _, crc, stored, size, name_length, extra_length = fields
    if magic != LOCAL_MAGIC:
        raise FormatError(f"there is no member at offset {record.header:,} where the directory says so", where=where)
    if source.read_at(record.header + _LOCAL.size, min(name_length, limit)) != record.raw_name:
        raise FormatError("is named differently in the directory and at its bytes", where=where)
    if method != record.method:
        raise FormatError(f"has method {record.method} in the directory and {method} at its bytes", where=where)
    offset = record.header + _LOCAL.size + name_length + extra_length
    if offset + record.stored > limit:
        raise TruncatedError(f"would end at offset {offset + record.stored:,}, behind the last member", where=where)
    if record.method == STORED and record.stored != record.size:
        raise FormatError(f"is stored in {record.stored:,} bytes but should have {record.size:,}", where=where)
    if not flags & 8 and (stored, size) not in (record.sizes, (2**32 - 1, 2**32 - 1)):
        raise FormatError("has one size in the directory and another at its bytes", where=where)
    anomalies += _oddities(record, flags, crc)
    return Member(record.name, offset, record.stored, record.size, record.method, record.crc)


def _oddities(record: Record, flags: int, crc: int) -> list[Anomaly]:
    found = []
    where = shown(record.name)
    if (flags | record.flags) & 0x2041:
        found.append(Anomaly("zip.encrypted-flag", "is marked as encrypted, which some readers refuse", where))
    if flags != record.flags:
        found.append(Anomaly("zip.flags", "has other flags in the directory than at its bytes", where))
    if not flags & 8 and crc != record.crc:
        found.append(Anomaly("zip.crc", "has one checksum in the directory and another at its bytes", where))
    return found


def _one_of_each(anomalies: list[Anomaly]) -> tuple[Anomaly, ...]:
    """The first anomaly of each kind, and how many there are of it: archives are odd in one member or in all."""
    firsts: dict[str, Anomaly] = {}
    counts = Counter(anomaly.code for anomaly in anomalies)
    for anomaly in anomalies:
        more = counts[anomaly.code] - 1
        message = f"{anomaly.message}; {more:,} more like this"
        firsts.setdefault(anomaly.code, replace(anomaly, message=message) if more else anomaly)
    return tuple(firsts.values())


def _gap(source: ByteSource, start: int, end: int) -> list[Anomaly]:
    """What lies between two members and belongs to neither: honest archives have padding, hostile ones a member."""
    length = end - start
    if length <= _DESCRIPTOR:
        return []
    where = f"offset {start:,}"
    if LOCAL_MAGIC in source.read_at(start, min(_SEARCHED, length)):
        return [Anomaly("zip.hidden-member", "a member lies here that the archive's directory does not list", where)]
    if length > _MAX_PADDING:
        return [Anomaly("zip.gap", f"{length:,} bytes here belong to no member", where)]
    return []


def open_member(source: ByteSource, member: Member, limit: int) -> ByteSource:
    """Its bytes. Raises `LimitError` where a compressed member is a bomb or inflates to more than `limit` bytes."""
    where = f"{source.name} member {member.name[:120]!r}"
    if member.raw:
        return SliceSource(source, member.offset, member.stored, name=where)
    if member.method != DEFLATED:
        raise UnsupportedError(f"is compressed by method {member.method}; we read 0 and 8", where=where)
    if member.size > limit:
        raise LimitError(f"would inflate to {member.size:,} bytes; we stop at {limit:,}", where=where)
    if member.size > max(MAX_EXPANDED, _MOST_TIMES * member.stored):
        raise LimitError(f"{member.stored:,} bytes would inflate to {member.size:,}, as a bomb does", where=where)
    return BytesSource(_inflate(source, member, where), name=where)


def _inflate(source: ByteSource, member: Member, where: str) -> bytes:
    """The bytes of a deflated member: never more than its header says, whatever its stream holds."""
    machine = zlib.decompressobj(-zlib.MAX_WBITS)
    parts: list[bytes] = []
    room = member.size + 1
    try:
        for at in range(member.offset, member.offset + member.stored, _CHUNK):
            chunk = source.read_at(at, min(_CHUNK, member.offset + member.stored - at))
            part = machine.decompress(chunk, room)
            parts.append(part)
            room -= len(part)
            if room <= 0 or machine.eof:
                break
    except zlib.error as error:
        raise FormatError(f"cannot be inflated: {error}", where=where) from None
    if room != 1 or not machine.eof:
        raise FormatError(f"does not inflate to the {member.size:,} bytes that its header names", where=where)
    return b"".join(parts)


def checksum_anomaly(opened: ByteSource, member: Member) -> list[Anomaly]:
    """An anomaly where a member's bytes do not have the checksum that the directory names."""
    crc = 0
    for at in range(0, opened.size, _CHUNK):
        crc = zlib.crc32(opened.read_at(at, min(_CHUNK, opened.size - at)), crc)
    if crc == member.crc:
        return []
    if member.crc == 0:  # torch.serialization.set_crc32_options(False) leaves them out
        return [Anomaly("zip.no-crc", "has no checksum in the archive's directory", shown(member.name), severe=False)]
    message = f"has checksum {crc:08x}, not {member.crc:08x} as the archive's directory says"
    return [Anomaly("zip.crc", message, shown(member.name))]
