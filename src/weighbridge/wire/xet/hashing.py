"""The hashes of the Xet protocol.

    chunk   BLAKE3 of its bytes, keyed
    node    BLAKE3, keyed otherwise, of one text line for each child: its hash and how many bytes lie below it
    xorb    the root over the chunks of a xorb
    file    BLAKE3, keyed with zeros, of the root over the chunks of a file
    term    BLAKE3, keyed yet otherwise, of the raw hashes of a run of chunks: proof that one knows them

A file's hash depends only on its chunks, not on the xorbs that carry them, so it can be checked from lists of chunk
hashes without reading a byte of data.

How the tree is grouped is not in the published specification; it is read from the reference client and confirmed by
hashes that the client sent (`tests/wire/test_xet_hashing.py`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from blake3 import blake3

from weighbridge.errors import FormatError

HASH_BYTES = 32
ZERO_HASH = bytes(HASH_BYTES)

_DATA_KEY = bytes.fromhex("6697f5775b9550de3135cbaca597181c9de421109beb2b58b4d0b04b93adf229")
_NODE_KEY = bytes.fromhex("017ec5c7a5472996fd946666b48a02e65ddd536f37c76dd2f86352e64a53713f")
_TERM_KEY = bytes.fromhex("7f1857d6ce56ed66127ff913e7a5c3f3a4cd26d5b5db49e64124987f28fb94c3")

_MEAN_CHILDREN = 4
_LEAST_CHILDREN = 3  # a group is not closed by a hash before its third child
_MOST_CHILDREN = 2 * _MEAN_CHILDREN + 1

Node = tuple[bytes, int]  # a hash, and the bytes of file data below it


def to_text(digest: bytes) -> str:
    """64 hex digits, each group of eight bytes reversed. ``from_text(to_text(d)) == d``."""
    return "".join(f"{word:016x}" for word in struct.unpack("<4Q", digest))


def from_text(text: str) -> bytes:
    """The 32 bytes that `text` names. Raises `FormatError` for anything but 64 lowercase hex digits."""
    if len(text) != 2 * HASH_BYTES or not set(text) <= set("0123456789abcdef"):
        raise FormatError(f"a Xet hash is 64 lowercase hex digits, found {text[:80]!r}")
    return struct.pack("<4Q", *(int(text[at : at + 16], 16) for at in range(0, 64, 16)))


def chunk_hash(data: bytes | memoryview) -> bytes:
    return blake3(data, key=_DATA_KEY).digest()


def xorb_hash(chunks: Iterable[Node]) -> bytes:
    """The root over a xorb's chunks, in order. Zeros where there are none."""
    return _root(chunks)


def file_hash(chunks: Iterable[Node]) -> bytes:
    """The hash of a file made of these chunks, in order. Zeros for an empty file. Streams: memory is logarithmic."""
    root = _root(chunks)
    return ZERO_HASH if root == ZERO_HASH else blake3(root, key=ZERO_HASH).digest()


def term_hash(chunk_hashes: bytes | memoryview) -> bytes:
    """What a client sends with each term, to show that it knows the chunks and not just their xorb's name."""
    return blake3(chunk_hashes, key=_TERM_KEY).digest()


def _root(nodes: Iterable[Node]) -> bytes:
    """The hash at the top of the tree over `nodes`: each level groups the one below, until a level has one node."""
    levels = [_Level()]
    for node in nodes:
        _add(levels, 0, node)
    for height, level in enumerate(levels):  # grows while it is walked: what is left of a level closes into the next
        if level.count == 1:
            return level.open[0][0]
        if level.open:
            _add(levels, height + 1, _parent(level.open))
    return ZERO_HASH


class _Level:
    """The nodes of one level that no group has closed over yet, and how many nodes the level has had."""

    def __init__(self) -> None:
        self.open: list[Node] = []
        self.count = 0


def _add(levels: list[_Level], height: int, node: Node) -> None:
    if height == len(levels):
        levels.append(_Level())
    level = levels[height]
    level.open.append(node)
    level.count += 1
    if _closes(level.open):
        group, level.open = level.open, []
        _add(levels, height + 1, _parent(group))


def _closes(group: Sequence[Node]) -> bool:
    """A group ends after a child (not the first two) whose last eight bytes divide by four, or after the ninth."""
    count = len(group)
    return count == _MOST_CHILDREN or (count >= _LEAST_CHILDREN and group[-1][0][24] % _MEAN_CHILDREN == 0)


def _parent(children: Sequence[Node]) -> Node:
    lines = "".join(f"{to_text(digest)} : {size}\n" for digest, size in children)
    return blake3(lines.encode(), key=_NODE_KEY).digest(), sum(size for _, size in children)
