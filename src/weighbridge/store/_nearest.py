"""The sketches of all tensors of one row length as a table, which numpy goes through in milliseconds for a million.

Imported where there is something to compare with: numpy takes as long to import as everything else in a packing run.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from weighbridge.store._sketch import SAMPLES

# How far below chance two sketches must differ, in standard deviations of what independent bits would: nobody's tensors
# by chance among millions, and those of a file that is already known to be a relative.
_STRANGERS, _RELATIVES = 5.0, 2.5
# Of fair bits, 64 differ by chance: nothing farther than this passes either.
_FARTHEST = 52
# Distances within so many bits are alike: a relative comes first, then the same dtype.
_RELATIVE_BITS, _DTYPE_BITS = 6, 3

_LINE = np.dtype([("signs", "<u8"), ("exponents", "<u8"), ("regions", "<u4"), ("dtypes", "<u4")])


@dataclass(frozen=True, slots=True)
class Relative:
    """A region of a stored file that resembles another one."""

    sha256: str
    region: int


@dataclass(frozen=True, slots=True)
class Table:
    """All tensors with one row length: sketches, region numbers, dtypes, and for each the number of its file."""

    signs: np.ndarray
    exponents: np.ndarray
    regions: np.ndarray
    dtypes: np.ndarray
    file_of: np.ndarray
    files: tuple[str, ...]

    @property
    def nbytes(self) -> int:
        return len(self.signs) * (_LINE.itemsize + self.file_of.itemsize)


def table_of(found: Sequence[tuple[str, bytes]]) -> Table:
    """The table of files, by SHA-256, and the lines that `_families` packed of each; damaged lines are left out."""
    found = [(sha256, lines) for sha256, lines in found if len(lines) % _LINE.itemsize == 0]
    counts = [len(lines) // _LINE.itemsize for _, lines in found]
    lines = np.frombuffer(b"".join(lines for _, lines in found), _LINE)
    return Table(
        **{name: np.ascontiguousarray(lines[name]) for name in ("signs", "exponents", "regions", "dtypes")},
        file_of=np.repeat(np.arange(len(found), dtype=np.uint32), counts),
        files=tuple(sha256 for sha256, _ in found),
    )


def nearest(table: Table, sketch: bytes, dtype: int, known: Collection[str], most: int) -> list[Relative]:
    """The regions whose sketches are nearest to this one and nearer than chance; `dtype` is the CRC of its name."""
    signs, exponents = np.frombuffer(sketch, "<u8")
    distance = np.bitwise_count(table.signs ^ signs) + np.bitwise_count(table.exponents ^ exponents)
    near = np.flatnonzero(distance <= _FARTHEST)
    bits, files = distance[near].astype(np.float32), table.file_of[near]
    chance = _by_chance(table.signs[near], signs) + _by_chance(table.exponents[near], exponents)
    beyond = (chance - bits) / np.sqrt(np.maximum(chance, 1) / 2)
    relative = np.isin(files, [number for number, sha256 in enumerate(table.files) if sha256 in known])
    score = bits - _RELATIVE_BITS * relative - _DTYPE_BITS * (table.dtypes[near] == dtype)
    taken = np.flatnonzero(beyond >= np.where(relative, _RELATIVES, _STRANGERS))
    best = taken[np.argsort(score[taken], kind="stable")[:most]]
    return [Relative(table.files[files[at]], int(table.regions[near[at]])) for at in best]


def _by_chance(many: np.ndarray, one: np.uint64) -> np.ndarray:
    """In how many of 64 bits words with so many ones differ if nothing relates them."""
    ones, other = np.bitwise_count(many).astype(np.float32), float(np.bitwise_count(one))
    differing: np.ndarray = (ones * (SAMPLES - other) + other * (SAMPLES - ones)) / SAMPLES
    return differing
