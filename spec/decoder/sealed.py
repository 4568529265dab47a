"""Objects to values: configuration, packs, manifests and bindings, as spec/store.md describes them."""

import os
import re
from dataclasses import dataclass
from typing import BinaryIO

from blake3 import blake3
from payload import LIMIT
from refusal import Cursor, RefusedError, UnknownError

CHECK = 32  # bytes of the check that ends a sealed object
ENTRY = 56  # bytes of an entry of a footer


@dataclass(frozen=True)
class Entry:
    """A payload in a pack: of which block, where, and by which codec."""

    block: bytes
    payload_check: bytes
    start: int
    length: int
    raw_length: int
    codec: int
    version: int
    references: list[bytes]


@dataclass(frozen=True)
class Block:
    """A block that a manifest names."""

    digest: bytes
    length: int


@dataclass(frozen=True)
class Region:
    """The bytes of one tensor in a file."""

    offset: int
    length: int
    dtype: str
    blocks: list[Block]
    row: int
    sketch: bytes


@dataclass(frozen=True)
class Inline:
    """A file whose payload is in its manifest."""

    codec: int
    version: int
    payload: bytes


@dataclass(frozen=True)
class Manifest:
    """What a file is made of: `inline`, or `regions` and the blocks of the `rest`."""

    sha256: bytes
    size: int
    inline: Inline | None
    regions: list[Region]
    rest: list[Block]


@dataclass(frozen=True)
class Binding:
    """A name and the file it stands for."""

    name: str
    sha256: bytes


def configuration(data: bytes) -> str:
    """The id of a store, from its object `weighbridge-store`."""
    where = "weighbridge-store"
    if not data.startswith(b"weighbridge store\n"):
        raise RefusedError(0, "the first line is 'weighbridge store'", data[:18], where)
    last = re.search(rb"(?<=\n)check ([0-9a-f]{64})\n\Z", data)
    if last is None:
        raise RefusedError(max(0, len(data) - 71), "the last line is 'check' and 64 hex digits", data[-71:], where)
    if blake3(data[: last.start()]).hexdigest() != last[1].decode():
        raise RefusedError(last.start(), "the check is the BLAKE3 of what stands before it", last[1].decode(), where)
    version = re.match(rb"version (0|[1-9][0-9]{0,8})\n", data[18:])
    if version is None:
        raise RefusedError(
            18, "the second line is 'version' and a decimal number of up to 9 digits", data[18:40], where
        )
    if version[1] != b"1":
        raise UnknownError(26, f"version {version[1].decode()} of the store is not known", None, where)
    identity = re.fullmatch(rb"id ([0-9a-f]{32})\n", data[28 : last.start()])
    if identity is None:
        raise RefusedError(28, "the third line is 'id' and 32 hex digits, and one line follows it", data[28:64], where)
    return identity[1].decode()


def pack(file: BinaryIO, key: str) -> list[Entry]:
    """The entries of the pack that stands under `key`; its payloads are not read."""
    size = file.seek(0, os.SEEK_END)
    if size < 48:
        raise RefusedError(size, "a pack has at least 48 bytes", size, key)
    head, (length, check) = _read(file, 0, 8), (_read(file, size - 40, 8), _read(file, size - 32, 32))
    footer_length = int.from_bytes(length, "little")
    if head[:6] != b"WBPACK":
        raise RefusedError(0, "the magic is 'WBPACK'", head[:6], key)
    if footer_length > size - 48:
        raise RefusedError(size - 40, "the footer lies within the pack", footer_length, key)
    start = size - 40 - footer_length
    footer = _read(file, start, footer_length)
    if blake3(head + footer + length).digest() != check:
        raise RefusedError(size - 32, "the check is the BLAKE3 of head, footer and its length", check.hex(), key)
    version = _version(head, key, 2)
    if key.rpartition("/")[2] != f"{check.hex()}.pack":
        raise RefusedError(size - 32, "the key of a pack is its check", check.hex(), key)
    return _entries(footer, start, version, key)


def _entries(footer: bytes, start: int, version: int, key: str) -> list[Entry]:
    """The entries of a footer that stands at byte `start` of its pack."""
    cursor = Cursor(footer, key, first=start)
    count = cursor.number(4, "number of references") if version == 2 else 0
    if 32 * count > cursor.end - cursor.at:
        raise cursor.refused("the references lie within the footer", count, back=4)
    table = [cursor.take(32, "a reference") for _ in range(count)]
    if (cursor.end - cursor.at) % ENTRY:
        raise cursor.refused("the rest of the footer is entries of 56 bytes", cursor.end - cursor.at)
    entries, at = [], 8
    while cursor.at < cursor.end:
        entries.append(_entry(cursor, at, version, table))
        at += entries[-1].length
    if at != start:
        raise RefusedError(0, f"the payloads fill the pack from byte 8 to the footer at byte {start}", at, key)
    return entries


def _entry(cursor: Cursor, at: int, pack_version: int, table: list[bytes]) -> Entry:
    """The next entry, whose payload stands at byte `at` of the pack."""
    block, check = cursor.take(32, "block"), cursor.take(8, "check of the payload")
    lengths = Cursor(cursor.take(8, "lengths"), cursor.where, first=cursor.first + cursor.at - 8)
    codec, version = cursor.number(1, "codec"), cursor.number(1, "version of the codec")
    count, first = cursor.number(2, "number of references"), cursor.number(4, "first reference")
    if pack_version == 1 and (count, first) != (0, 0):
        raise UnknownError(cursor.first + cursor.at - 6, "flags and reserved are 0 in version 1", None, cursor.where)
    references = table[first : first + count]
    if count > 8 or len(references) < count or block in references or (first and not count):
        raise cursor.refused("up to 8 references out of the table, none of them the block's own", count, back=6)
    length = lengths.number(4, "length of the payload", 1)
    raw_length = lengths.number(4, "length of the raw block", 1, LIMIT)
    if length > raw_length:
        raise lengths.refused("a payload is never longer than the raw block", length, back=8)
    return Entry(block, check, at, length, raw_length, codec, version, references)


def manifest(data: bytes, key: str) -> Manifest:
    """The manifest that stands under `key`."""
    version, cursor = opened(data, b"WBFILE", key, 2)
    sha256, size = cursor.take(32, "SHA-256 of the file"), cursor.number(8, "size of the file")
    if key.rpartition("/")[2] != sha256.hex():
        raise RefusedError(8, "the key of a manifest is the SHA-256 of the file", sha256.hex(), key)
    if cursor.number(1, "kind", 0, 1) == 0:
        return Manifest(sha256, size, _inline(cursor, size), [], [])
    return _of_blocks(cursor, version, sha256, size)


def _inline(cursor: Cursor, size: int) -> Inline:
    if size > LIMIT:
        raise RefusedError(40, f"an inline file has at most {LIMIT} bytes", size, cursor.where)
    codec, version = cursor.number(1, "codec"), cursor.number(1, "version of the codec")
    return Inline(codec, version, cursor.take(cursor.end - cursor.at, "payload"))


def _of_blocks(cursor: Cursor, version: int, sha256: bytes, size: int) -> Manifest:
    region_count, block_count = cursor.number(4, "number of regions"), cursor.number(4, "number of blocks")
    line = 36 if version == 1 else 60
    if cursor.end - cursor.at != line * region_count + 36 * block_count:
        raise cursor.refused(
            f"{region_count} regions of {line} and {block_count} blocks of 36 bytes follow", cursor.end - cursor.at
        )
    heads, end, covered = [], 0, 0
    for _ in range(region_count):
        offset = cursor.number(8, "offset of a region, after the one before and in the file", end, size)
        length = cursor.number(8, "length of a region, within the file", 1, size - offset)
        heads.append((offset, length, cursor.number(4, "number of blocks of a region", 1), _hints(cursor, version)))
        end, covered = offset + length, covered + length
    blocks = [
        Block(cursor.take(32, "block"), cursor.number(4, "length of a block", 1, LIMIT)) for _ in range(block_count)
    ]
    regions, used = [], 0
    for offset, length, count, (dtype, row, sketch) in heads:
        regions.append(Region(offset, length, dtype, blocks[used : used + count], row, sketch))
        used += count
    if used > block_count:
        raise RefusedError(49, f"there are at least the {used} blocks of the regions", block_count, cursor.where)
    for piece in regions:
        _sums(piece.blocks, piece.length, f"the region at {piece.offset}", cursor)
    _sums(blocks[used:], size - covered, "the rest", cursor)
    return Manifest(sha256, size, None, regions, blocks[used:])


def _block(cursor: Cursor) -> Block:
    return Block(cursor.take(32, "block"), cursor.number(4, "length of a block", 1, LIMIT))


def _hints(cursor: Cursor, version: int) -> tuple[str, int, bytes]:
    """Dtype, row and sketch of a region: never refused."""
    dtype = cursor.take(16, "dtype").rstrip(b"\0").decode("ascii", "replace")
    if version == 1:
        return dtype, 0, bytes(16)
    return dtype, cursor.number(8, "row of a region"), cursor.take(16, "sketch")


def _sums(blocks: list[Block], length: int, what: str, cursor: Cursor) -> None:
    total = sum(block.length for block in blocks)
    if total != length:
        raise cursor.refused(f"the blocks of {what} sum to its length, {length} bytes", total)


def binding(data: bytes, key: str) -> Binding:
    """The binding that stands under `key`."""
    _, cursor = opened(data, b"WBNAME", key, 1)
    sha256, length = cursor.take(32, "SHA-256 of the file"), cursor.number(4, "length of the name", 1, 4096)
    encoded = cursor.take(length, "name")
    cursor.finish()
    try:
        name = encoded.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError(44 + error.start, "a name is UTF-8", encoded, key) from None
    if "\0" in name:
        raise RefusedError(44 + encoded.index(0), "a name has no NUL", encoded, key)
    if key.rpartition("/")[2] != blake3(encoded).hexdigest():
        raise RefusedError(44, "the key of a binding is the BLAKE3 of its name", encoded, key)
    return Binding(name, sha256)


def opened(data: bytes, magic: bytes, key: str, latest: int) -> tuple[int, Cursor]:
    """Version and body of a sealed object that is no pack, after magic, check and version have been found right."""
    if len(data) < 8 + CHECK:
        raise RefusedError(len(data), f"a sealed object has at least {8 + CHECK} bytes", len(data), key)
    if data[:6] != magic:
        raise RefusedError(0, f"the magic is {magic.decode()!r}", data[:6], key)
    if blake3(data[:-CHECK]).digest() != data[-CHECK:]:
        raise RefusedError(len(data) - CHECK, "the check is the BLAKE3 of everything before", data[-CHECK:].hex(), key)
    return _version(data[:8], key, latest), Cursor(data, key, 8, len(data) - CHECK)


def _version(head: bytes, key: str, latest: int) -> int:
    version = int.from_bytes(head[6:8], "little")
    if not 1 <= version <= latest:
        raise UnknownError(6, f"version {version} of {head[:6].decode()} is not known", None, key)
    return version


def _read(file: BinaryIO, at: int, count: int) -> bytes:
    file.seek(at)
    return file.read(count)
