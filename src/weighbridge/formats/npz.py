""".npz, several numpy arrays: a zip archive of .npy files.

Arrays that are stored lie raw in the file and have extents. Compressed ones have none: listing them inflates their
headers, reading one inflates it whole, within a bound and against the archive's checksum.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from weighbridge.errors import FormatError, LimitError, TruncatedError, UnsupportedError
from weighbridge.formats import npy
from weighbridge.formats._raw import read_raw
from weighbridge.formats._shape import check_tensor_count, name_anomalies
from weighbridge.formats._zip import LOCAL_MAGIC, Archive, Member, open_member, read_archive
from weighbridge.formats.base import Anomaly, FileIndex, PickleScan, shown
from weighbridge.tensors import ByteSource, BytesSource, Extent, TensorInfo

if TYPE_CHECKING:
    import numpy as np

MAX_INFLATED = 4 << 30  # bytes of one compressed array that we hold in memory
MAX_OBJECTS = 64 << 20  # bytes of one compressed pickle
_SUFFIX = ".npy"
_HEADER_WINDOW = npy.MAX_HEADER + 12
_DEFLATE_RATIO = 1032  # deflate can do no better
_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")  # by protocol; those before have no mark
_NAME_AT = 30

# Directories that were read, for as long as their source lives: a file of many arrays is not read anew for each.
_archives: WeakKeyDictionary[ByteSource, Archive] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class _Found:
    """What one member turned out to be."""

    tensor: TensorInfo | None = None
    pickles: tuple[PickleScan, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()


class NpzFormat:
    """Arrays by the names of their members, without the suffix."""

    name = "npz"

    def sniff(self, head: bytes, source: ByteSource) -> bool:
        """A zip archive whose first member is an array by its name or first bytes, or a pickle posing as one."""
        if not head.startswith(LOCAL_MAGIC) or len(head) < _NAME_AT:
            return False
        name_end = _NAME_AT + int.from_bytes(head[26:28], "little")
        data = head[name_end + int.from_bytes(head[28:30], "little") :]
        compressed = head[8:10] == b"\x08\0"
        beginning = _beginning(data, compressed)
        return head[_NAME_AT:name_end].endswith(b".npy") or beginning.startswith((npy.MAGIC, *_PICKLES))

    def index(self, source: ByteSource) -> FileIndex:
        archive = _archive(source)
        check_tensor_count(len(archive.members), source.name)
        found = [_examine(source, member) for member in archive.members.values()]
        tensors = tuple(item.tensor for item in found if item.tensor is not None)
        _check_names(tensors, source.name)
        extents = (info.extent for info in tensors if info.extent is not None and info.extent.nbytes)
        return FileIndex(
            format=self.name,
            tensors=tensors,
            extents=tuple(sorted(extents, key=lambda extent: extent.offset)),
            metadata=MappingProxyType({}),
            anomalies=(
                *archive.anomalies,
                *name_anomalies(info.name for info in tensors),
                *(anomaly for item in found for anomaly in item.anomalies),
            ),
            pickles=tuple(scan for item in found for scan in item.pickles),
        )

    def read(self, source: ByteSource, info: TensorInfo) -> np.ndarray:
        """Values, checked against the archive's checksum where the whole array is asked for."""
        if info.extent is not None and (info.offset or info.nbytes != info.extent.nbytes):
            return read_raw(source, info)  # a piece of a stored array
        member = _member_named(source, info.name)
        body = _checked_bytes(source, member)
        if info.extent is not None:  # as `info` says, whose shape may be that of a flat piece
            within = replace(info.extent, offset=info.extent.offset - member.offset)
            return read_raw(body, replace(info, extent=within))
        return read_raw(body, npy.tensor(body, npy.read_header(body), info.name))


def _archive(source: ByteSource) -> Archive:
    try:
        known = _archives.get(source)
    except TypeError:  # a source that cannot be referred to weakly
        return read_archive(source)
    if known is None:
        known = _archives[source] = read_archive(source)
    return known


def _examine(source: ByteSource, member: Member) -> _Found:
    where = f"{source.name} member {shown(member.name)}"
    if not member.raw and member.size > (member.stored + 1) * _DEFLATE_RATIO:
        raise FormatError(f"claims to inflate from {member.stored:,} bytes to {member.size:,}", where=where)
    head = _head(source, member, where)
    if not head.startswith(npy.MAGIC):
        return _other(source, member, head, where)
    opened = _Headed(head, member.size, where)
    header = npy.read_header(opened)
    if header.holds_objects:
        return _Found(pickles=npy.object_pickles(open_member(source, member, MAX_OBJECTS), header, member.name))
    if header.dtype is None:
        message = f"holds elements of type {header.descr[:100]}, not plain numbers"
        return _Found(anomalies=(Anomaly("npz.unsupported-type", message, where, severe=False),))
    info = npy.tensor(opened, header, member.name.removesuffix(_SUFFIX))
    assert info.extent is not None  # noqa: S101 (npy.tensor always gives one)
    place = Extent(member.offset + info.extent.offset, info.extent.nbytes, info.dtype) if member.raw else None
    excess = member.size - info.extent.end
    message = f"{excess:,} bytes follow the array and belong to nothing"
    anomalies = (Anomaly("npy.trailing-bytes", message, where),) if excess else ()
    return _Found(replace(info, extent=place), anomalies=anomalies)


def _other(source: ByteSource, member: Member, head: bytes, where: str) -> _Found:
    """A member that is no array: numpy would hand out its bytes. A pickle is judged as one."""
    anomaly = Anomaly("npz.other-member", "is no array", where, severe=False)
    if not head.startswith(_PICKLES):
        return _Found(anomalies=(anomaly,))
    from weighbridge.formats.pickle import scan_pickles

    body = open_member(source, member, MAX_OBJECTS)
    return _Found(pickles=tuple(scan_pickles(body, member=member.name)), anomalies=(anomaly,))


def _check_names(tensors: tuple[TensorInfo, ...], where: str) -> None:
    names = set()
    for info in tensors:
        if info.name in names:
            raise FormatError(f"two members hold an array named {shown(info.name)}", where=where)
        names.add(info.name)


class _Headed:
    """The beginning of a member, with the size of the whole: enough to read a header and to check what it claims."""

    def __init__(self, head: bytes, size: int, name: str) -> None:
        self._head = head
        self.size = size
        self.name = name

    def read_at(self, offset: int, length: int) -> bytes:
        if offset + length > len(self._head):
            raise TruncatedError(f"its data ends after {len(self._head):,} bytes, inside the header", where=self.name)
        return self._head[offset : offset + length]


def _head(source: ByteSource, member: Member, where: str) -> bytes:
    """The first bytes of a member: as many as the longest header that we read."""
    wanted = min(_HEADER_WINDOW, member.size)
    if member.raw:
        # Most headers have 128 bytes; of a stored array no more is read than that, unless it says it has more.
        short = source.read_at(member.offset, min(256, wanted))
        return short if _header_fits(short) else source.read_at(member.offset, wanted)
    if member.method != 8:
        raise UnsupportedError(f"is compressed by method {member.method}; numpy writes 0 and 8", where=where)
    data = source.read_at(member.offset, min(member.stored, _HEADER_WINDOW))
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, wanted)
    except zlib.error as error:
        raise FormatError(f"cannot be inflated: {error}", where=where) from None


def _header_fits(head: bytes) -> bool:
    return head[6:7] == b"\x01" and 10 + int.from_bytes(head[8:10], "little") <= len(head)


def _beginning(data: bytes, compressed: bool) -> bytes:
    if not compressed:
        return data[: len(npy.MAGIC)]
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, len(npy.MAGIC))
    except zlib.error:
        return b""


def _member_named(source: ByteSource, name: str) -> Member:
    members = _archive(source).members
    return members[name + _SUFFIX] if name + _SUFFIX in members else members[name]


def _checked_bytes(source: ByteSource, member: Member) -> BytesSource:
    where = f"{source.name} member {shown(member.name)}"
    if not member.raw and member.size > MAX_INFLATED:
        raise LimitError(f"would inflate to {member.size:,} bytes; we hold at most {MAX_INFLATED:,}", where=where)
    opened = open_member(source, member, MAX_INFLATED)
    data = opened.read_at(0, opened.size)
    crc = zlib.crc32(data)
    if crc != member.crc:
        raise FormatError(f"has checksum {crc:08x}, but the archive promises {member.crc:08x}", where=where)
    return BytesSource(data, where)


NPZ = NpzFormat()
