"""7z archives, read: their directory, and what each packed stream inflates to.

By Igor Pavlov's description (7zFormat.txt of the LZMA SDK). A header says where streams lie, by which coders each was
packed, and which files follow each other in what comes out. Chains of one decompressor and filters are read; BCJ2,
PPMd and encryption are refused by name.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from weighbridge.errors import FormatError, LimitError, TruncatedError, UnsupportedError
from weighbridge.scan.inflating import Inflated, inflate
from weighbridge.tensors import ByteSource, BytesSource, SliceSource

MAGIC = b"7z\xbc\xaf\x27\x1c"
_START = struct.Struct("<6s2sIQQI")
_END, _HEADER, _ARCHIVE, _ADDITIONAL, _STREAMS, _FILES, _PACK, _UNPACK, _SUB = range(9)
_SIZE, _CRC, _FOLDER, _CODERS_SIZE, _NUMBER, _EMPTY = 9, 10, 11, 12, 13, 14
_NAMES, _ATTRIBUTES, _ENCODED = 17, 21, 23
_LARGEST_HEADER = 64 << 20
_LARGEST_DICTIONARY = 64 << 20
_MOST = 200_000
_MOST_ENCODED = 4
_COPY = b"\x00"
_PLAIN = {b"\x04\x01\x08": "deflate", b"\x04\x02\x02": "bzip2", b"\x04\xf7\x11\x01": "zstd", b"\x04\xf7\x11\x04": "lz4"}
_LZMA, _LZMA2, _DELTA = b"\x03\x01\x01", b"\x21", b"\x03"
_REFUSED = {
    b"\x06\xf1\x07\x01": "encrypted",
    b"\x03\x03\x01\x1b": "packed by BCJ2",
    b"\x03\x04\x01": "packed by PPMd",
    b"\x04\x01\x09": "packed by Deflate64",
}
# Filters for machine code, by the names of Python's lzma: old numbers and new.
_CODE_FILTERS = {
    b"\x03\x03\x01\x03": "X86", b"\x04": "X86", b"\x03\x03\x02\x05": "POWERPC", b"\x05": "POWERPC",
    b"\x03\x03\x04\x01": "IA64", b"\x06": "IA64", b"\x03\x03\x05\x01": "ARM", b"\x07": "ARM",
    b"\x03\x03\x07\x01": "ARMTHUMB", b"\x08": "ARMTHUMB", b"\x03\x03\x08\x05": "SPARC", b"\x09": "SPARC",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Coder:
    method: bytes
    properties: bytes


@dataclass
class Folder:
    """One packed stream. `coders` are in the order in which they unpack; `size` is what comes out."""

    coders: tuple[Coder, ...]
    size: int = 0
    outputs: int = 1
    final: int = 0
    checked: bool = False
    start: int = 0
    packed: int = 0
    sizes: tuple[int, ...] = ()


@dataclass
class File:
    """A file of the archive. `folder` is -1 for one without bytes."""

    name: str = ""
    attributes: int = 0
    folder: int = -1
    offset: int = 0
    size: int = 0

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link: unpackers on Unix keep the mode in the upper half of the attributes."""
        return bool(self.attributes & 0x8000) and (self.attributes >> 16) & 0o170000 == 0o120000


@dataclass
class Archive:
    """What the directory tells."""

    source: ByteSource
    folders: list[Folder] = field(default_factory=list)
    files: list[File] = field(default_factory=list)

    def unpack(self, number: int) -> Inflated | SliceSource:
        """What the packed stream of a folder holds, as far as it can be read."""
        folder = self.folders[number]
        name = f"{self.source.name} stream {number}"
        if folder.start + folder.packed > self.source.size:
            raise TruncatedError(f"stream {number} lies beyond the end of the file", where=self.source.name)
        methods = [coder.method for coder in folder.coders]
        for method in methods:
            if method in _REFUSED:
                raise UnsupportedError(f"stream {number} is {_REFUSED[method]}, which we do not read")
        if methods == [_COPY]:
            return SliceSource(self.source, folder.start, min(folder.packed, folder.size), name)
        machine = _PLAIN[methods[0]] if len(methods) == 1 and methods[0] in _PLAIN else _raw(folder.coders)
        out = inflate(machine, self.source, folder.start, folder.packed, name, most=folder.size)
        if out.size < folder.size and not out.size:
            raise out.fault or FormatError(f"stream {number} holds nothing", where=self.source.name)
        return out


def read(source: ByteSource) -> Archive:
    """The directory of an archive. Raises `FormatError`, `LimitError`, `UnsupportedError`."""
    if source.size < _START.size:
        raise TruncatedError("ends inside its first header", where=source.name)
    magic, _, _, offset, size, _ = _START.unpack(source.read_at(0, _START.size))
    if magic != MAGIC:
        raise FormatError("is no 7z archive", where=source.name)
    if not size:
        return Archive(source)
    if size > _LARGEST_HEADER:
        raise LimitError(f"has a directory of {size:,} bytes, more than we read", where=source.name)
    if _START.size + offset + size > source.size:
        raise TruncatedError("ends before its directory", where=source.name)
    data = source.read_at(_START.size + offset, size)
    for _ in range(_MOST_ENCODED):
        reader = _Reader(data)
        kind = reader.byte()
        archive = Archive(source)
        if kind == _HEADER:
            _header(reader, archive)
            return archive
        if kind != _ENCODED:
            raise FormatError(f"has a directory of the unknown kind {kind}", where=source.name)
        _streams(reader, archive)
        if len(archive.folders) != 1 or archive.folders[0].size > _LARGEST_HEADER:
            raise FormatError("has a packed directory that makes no sense", where=source.name)
        unpacked = archive.unpack(0)
        data = unpacked.read_at(0, unpacked.size)
    raise FormatError("has a directory packed again and again", where=source.name)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def bytes(self, count: int) -> bytes:
        if count < 0 or self._at + count > len(self._data):
            raise TruncatedError("ends inside its directory")
        self._at += count
        return self._data[self._at - count : self._at]

    def byte(self) -> int:
        return self.bytes(1)[0]

    def number(self) -> int:
        """As many bytes follow as the first one has leading ones; the rest of its bits are the highest."""
        first = self.byte()
        extra = next((count for count in range(8) if not first & 0x80 >> count), 8)
        low = int.from_bytes(self.bytes(extra), "little")
        return low | (first & (0x7F >> extra)) << 8 * extra if extra < 8 else low

    def count(self) -> int:
        found = self.number()
        if found > _MOST:
            raise LimitError(f"has {found:,} entries in its directory, more than the {_MOST:,} that we read")
        return found

    def bits(self, count: int) -> list[bool]:
        data = self.bytes(-(-count // 8))
        return [bool(data[at // 8] & 0x80 >> at % 8) for at in range(count)]

    def defined(self, count: int) -> list[bool]:
        return [True] * count if self.byte() else self.bits(count)

    def digests(self, count: int) -> list[bool]:
        found = self.defined(count)
        self.bytes(4 * sum(found))
        return found


def _header(reader: _Reader, archive: Archive) -> None:
    kind = reader.byte()
    if kind == _ARCHIVE:
        while (kind := reader.byte()) != _END:
            reader.bytes(reader.number())
        kind = reader.byte()
    if kind == _ADDITIONAL:
        raise UnsupportedError("has additional streams, which we do not read")
    if kind == _STREAMS:
        _streams(reader, archive)
        kind = reader.byte()
    if kind == _FILES:
        _files(reader, archive)
        kind = reader.byte()
    if kind != _END:
        raise FormatError(f"has the unknown part {kind} in its directory")


def _streams(reader: _Reader, archive: Archive) -> None:
    starts: list[tuple[int, int]] = []
    divided = False
    while (kind := reader.byte()) != _END:
        if kind == _PACK:
            starts = _pack(reader)
        elif kind == _UNPACK:
            archive.folders = _unpack(reader)
        elif kind == _SUB:
            _divide(reader, archive.folders)
            divided = True
        else:
            raise FormatError(f"has the unknown part {kind} among its streams")
    if len(starts) < len(archive.folders):
        raise FormatError("has fewer packed streams than it unpacks")
    for folder, (start, packed) in zip(archive.folders, starts, strict=False):
        folder.start, folder.packed = start, packed
        if not divided:
            folder.sizes = (folder.size,)


def _pack(reader: _Reader) -> list[tuple[int, int]]:
    at = _START.size + reader.number()
    count = reader.count()
    sizes: list[int] = []
    while (kind := reader.byte()) != _END:
        if kind == _SIZE:
            sizes = [reader.number() for _ in range(count)]
        elif kind == _CRC:
            reader.digests(count)
        else:
            raise FormatError(f"has the unknown part {kind} among its packed streams")
    found = []
    for size in sizes:
        found.append((at, size))
        at += size
    return found


def _unpack(reader: _Reader) -> list[Folder]:
    folders: list[Folder] = []
    while (kind := reader.byte()) != _END:
        if kind == _FOLDER:
            count = reader.count()
            if reader.byte():
                raise UnsupportedError("keeps a part of its directory elsewhere, which we do not read")
            folders = [_folder(reader) for _ in range(count)]
        elif kind == _CODERS_SIZE:
            for folder in folders:
                folder.size = [reader.number() for _ in range(folder.outputs)][folder.final]
        elif kind == _CRC:
            for folder, checked in zip(folders, reader.digests(len(folders)), strict=True):
                folder.checked = checked
        else:
            raise FormatError(f"has the unknown part {kind} among its coders")
    return folders


def _folder(reader: _Reader) -> Folder:
    coders: list[Coder] = []
    simple = True
    for _ in range(min(reader.count(), 32)):
        flags = reader.byte()
        method = reader.bytes(flags & 0xF)
        if flags & 0x10:
            simple &= (reader.number(), reader.number()) == (1, 1)
        coders.append(Coder(method, reader.bytes(reader.number()) if flags & 0x20 else b""))
    refused = next((_REFUSED[coder.method] for coder in coders if coder.method in _REFUSED), "")
    if not simple or not coders:
        raise UnsupportedError(f"holds a stream that is {refused or 'packed in several parts'}, which we do not read")
    bound = {out: into for into, out in [(reader.number(), reader.number()) for _ in coders[1:]]}
    # The coder whose output goes nowhere gives the result; the one whose input comes from nowhere takes the bytes.
    final = next((at for at in range(len(coders)) if at not in bound), 0)
    first = next((at for at in range(len(coders)) if at not in bound.values()), 0)
    order = [first]
    while order[-1] in bound and len(order) < len(coders):
        order.append(bound[order[-1]])
    if order[-1] != final or any(at >= len(coders) for at in order):
        raise FormatError("binds its coders in a way that makes no sense")
    return Folder(tuple(coders[at] for at in order), outputs=len(coders), final=final)


def _divide(reader: _Reader, folders: list[Folder]) -> None:
    """How many files come out of each stream, and how long they are: the last one takes what is left."""
    counts = [1] * len(folders)
    kind = reader.byte()
    if kind == _NUMBER:
        counts = [reader.count() for _ in folders]
        kind = reader.byte()
    for folder, count in zip(folders, counts, strict=True):
        sizes = [reader.number() for _ in range(count - 1)] if kind == _SIZE else []
        if count:
            folder.sizes = (*sizes, folder.size - sum(sizes))
    if kind == _SIZE:
        kind = reader.byte()
    if kind == _CRC:
        pairs = zip(folders, counts, strict=True)
        reader.digests(sum(count for folder, count in pairs if count != 1 or not folder.checked))
        kind = reader.byte()
    if kind != _END:
        raise FormatError(f"has the unknown part {kind} among its files' sizes")


def _files(reader: _Reader, archive: Archive) -> None:
    count = reader.count()
    files = [File() for _ in range(count)]
    empty = [False] * count
    while (kind := reader.byte()) != _END:
        part = _Reader(reader.bytes(reader.number()))
        if kind == _EMPTY:
            empty = part.bits(count)
        elif kind == _NAMES:
            _names(part, files)
        elif kind == _ATTRIBUTES:
            defined = part.defined(count)
            part.byte()
            for each, told in zip(files, defined, strict=True):
                each.attributes = int.from_bytes(part.bytes(4), "little") if told else 0
    places = _places(archive.folders)
    for each, without in zip(files, empty, strict=True):
        if not without:
            each.folder, each.offset, each.size = next(places, (-1, 0, 0))
    archive.files = files


def _places(folders: list[Folder]) -> Iterator[tuple[int, int, int]]:
    """Folder, offset in what comes out of it, and size: of one file after the other."""
    for number, folder in enumerate(folders):
        at = 0
        for size in folder.sizes:
            yield number, at, size
            at += size


def _names(part: _Reader, files: list[File]) -> None:
    if part.byte():
        raise UnsupportedError("keeps the names of its files elsewhere, which we do not read")
    for each in files:
        units = bytearray()
        while (unit := part.bytes(2)) != b"\0\0":
            units += unit
        each.name = units.decode("utf-16-le", "backslashreplace")


def _raw(coders: tuple[Coder, ...]) -> Callable[[], Any]:
    """A decompressor for a chain of filters behind LZMA or LZMA2."""
    import lzma

    filters: list[dict[str, Any]] = []
    for coder in coders:
        if coder.method == _LZMA and len(coder.properties) >= 5:
            bits = coder.properties[0]
            size = int.from_bytes(coder.properties[1:5], "little")
            numbers = {"lc": bits % 9, "lp": bits // 9 % 5, "pb": bits // 45}
            filters.append({"id": lzma.FILTER_LZMA1, "dict_size": _dictionary(size), **numbers})
        elif coder.method == _LZMA2 and coder.properties:
            bits = coder.properties[0]
            filters.append({"id": lzma.FILTER_LZMA2, "dict_size": _dictionary((2 | bits & 1) << bits // 2 + 11)})
        elif coder.method == _DELTA and coder.properties:
            filters.append({"id": lzma.FILTER_DELTA, "dist": coder.properties[0] + 1})
        elif coder.method in _CODE_FILTERS:
            filters.append({"id": getattr(lzma, f"FILTER_{_CODE_FILTERS[coder.method]}")})
        else:
            raise UnsupportedError(f"is packed by the method {coder.method.hex()}, which we do not read")

    def made() -> Any:
        try:
            return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters[::-1])
        except (lzma.LZMAError, ValueError) as error:
            raise FormatError(f"names coders that do not go together: {error}") from None

    return made


def _dictionary(size: int) -> int:
    if size > _LARGEST_DICTIONARY:
        raise LimitError(f"needs a dictionary of {size:,} bytes, more than the {_LARGEST_DICTIONARY:,} that we give")
    return max(size, 4096)


def parts(archive: Archive) -> Iterator[tuple[File, ByteSource | None]]:
    """Every file with its bytes, None for one without; a stream is unpacked when its first file is reached."""
    opened: tuple[int, ByteSource] = (-1, BytesSource(b""))
    for each in archive.files:
        if each.folder < 0:
            yield each, None
            continue
        if opened[0] != each.folder:
            opened = (each.folder, archive.unpack(each.folder))
        start = min(each.offset, opened[1].size)
        size = max(0, min(each.size, opened[1].size - start))
        yield each, SliceSource(opened[1], start, size, f"{archive.source.name} member {each.name[:120]!r}")
