"""Ways to damage a store on disk, one bit at a time."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from pathlib import Path

_FRAME_FRONT, _FRAME_END = 512, 1600
"""How many bits at the beginning and at the end of an object are most likely structure."""


def objects(folder: Path, prefix: str = "") -> list[Path]:
    """The objects of a store that are part of it for long: no caches, nothing half-written, no holds."""
    paths = (path for path in (folder / prefix).rglob("*") if path.is_file())
    return sorted(path for path in paths if path.relative_to(folder).parts[0] not in ("index", "tmp", "holds"))


def flip(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


def bits_of(path: Path, most: int | None = None) -> Iterable[int]:
    """All bits of an object, or at most so many, drawn by its name: half of them from where its structure is."""
    bits = range(8 * path.stat().st_size)
    if most is None or len(bits) <= most:
        return bits
    rng, frame = random.Random(path.name), [*bits[:_FRAME_FRONT], *bits[-_FRAME_END:]]
    return sorted({*rng.sample(bits, most // 2), *rng.sample(frame, min(most // 2, len(frame)))})


def flipped(path: Path, bits: Iterable[int]) -> Iterator[int]:
    """Flips one bit after the other, and each one back; gives the one that is the wrong way round."""
    original = path.read_bytes()
    for bit in bits:
        data = bytearray(original)
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        yield bit
    path.write_bytes(original)
