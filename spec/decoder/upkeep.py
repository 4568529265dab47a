"""Marks and holds, by which writers and collectors keep out of each other's way, as spec/store.md describes them.

Who only reads a store needs neither.
"""

from dataclasses import dataclass

from refusal import RefusedError
from sealed import CHECK, opened


@dataclass(frozen=True)
class Mark:
    """A pack that is condemned, and when that was written: seconds since 1970."""

    pack: bytes
    seconds: int


@dataclass(frozen=True)
class Hold:
    """Blocks that a writer relies on."""

    random: bytes
    blocks: list[bytes]


def mark(data: bytes, key: str) -> Mark:
    """The mark that stands under `key`."""
    _, cursor = opened(data, b"WBMARK", key, 1)
    pack, seconds = cursor.take(32, "id of the pack"), cursor.number(8, "when it was written")
    cursor.finish()
    if key.rpartition("/")[2] != pack.hex():
        raise RefusedError(8, "the key of a mark is the id of its pack", pack.hex(), key)
    return Mark(pack, seconds)


def hold(data: bytes, key: str) -> Hold:
    """The hold that stands under `key`."""
    _, cursor = opened(data, b"WBHOLD", key, 1)
    random, count = cursor.take(16, "random bytes"), cursor.number(4, "number of blocks")
    if 32 * count != cursor.end - cursor.at:
        raise cursor.refused(f"{count} blocks of 32 bytes follow", cursor.end - cursor.at)
    check = data[-CHECK:].hex()
    if key.rpartition("/")[2] != check:
        raise RefusedError(len(data) - CHECK, "the key of a hold is its check", check, key)
    return Hold(random, [cursor.take(32, "a block") for _ in range(count)])
