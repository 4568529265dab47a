"""Which stored tensors a new one may come from: sketches of all files, compared without reading a file.

The index keeps the sketches of every manifest by row length, so that a query looks only at tensors of the same width.
They come from it as one table, which numpy goes through in a few milliseconds for a million tensors.
"""

from __future__ import annotations

import struct
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from weighbridge.errors import StoreError
from weighbridge.store._index import BlockIndex
from weighbridge.store._keys import FILES, file_key, id_in
from weighbridge.store._sketch import NO_SKETCH, SAMPLES
from weighbridge.store.backends import Backend
from weighbridge.store.manifests import Manifest

CACHE_BYTES = 48 << 20
_CACHED_MANIFESTS = 8
_BATCH = 256
# How far below chance two sketches must differ, in standard deviations of what independent bits would: nobody's tensors
# by chance among millions, and those of a file that is already known to be a relative.
_STRANGERS, _RELATIVES = 5.0, 2.5
# Of fair bits, 64 differ by chance: nothing farther than this passes either.
_FARTHEST = 52
# Distances within so many bits are alike: a relative comes first, then the same dtype.
_RELATIVE_BITS, _DTYPE_BITS = 6, 3

_LINE = np.dtype([("signs", "<u8"), ("exponents", "<u8"), ("regions", "<u4"), ("dtypes", "<u4")])
_PACKED = struct.Struct("<16sII")


@dataclass(frozen=True, slots=True)
class Relative:
    """A region of a stored file that resembles another one."""

    sha256: str
    region: int


@dataclass(frozen=True, slots=True)
class _Table:
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


class Families:
    """Finds relatives. Made for one writing session; safe from several threads."""

    def __init__(self, backend: Backend, index: BlockIndex) -> None:
        self._backend = backend
        self._index = index
        self._lock = threading.Lock()
        self._tables: OrderedDict[int, _Table] = OrderedDict()
        self._manifests: OrderedDict[str, Manifest] = OrderedDict()
        self._own: dict[str, Manifest] = {}
        self._fresh = False

    def relatives(self, sketch: bytes, row: int, dtype: str, known: Collection[str], most: int) -> list[Relative]:
        """The regions that this one may come from, the likeliest first. `known` are files that are surely relatives."""
        if sketch == NO_SKETCH:
            return []
        with self._lock:
            if not self._fresh:
                self.refresh()
            table = self._table(row)
        return _nearest(table, sketch, crc32(dtype.encode()), known, most)

    def manifest(self, sha256: str) -> Manifest:
        """The manifest of a relative. Raises `StoreError` where it is gone or damaged."""
        with self._lock:
            found = self._own.get(sha256) or self._manifests.get(sha256)
            if found is None:
                found = self._manifests[sha256] = Manifest.decode(self._backend.get(file_key(sha256)), sha256)
                if len(self._manifests) > _CACHED_MANIFESTS:
                    self._manifests.popitem(last=False)
            return found

    def note(self, manifest: Manifest) -> None:
        """A file of this session, whose manifest is not written yet, can be a relative too."""
        with self._lock:
            self._own[manifest.sha256] = manifest
            for row in {region.row for region in manifest.regions}:
                self._tables.pop(row, None)

    def refresh(self) -> None:
        """Bring the index in step with the manifests: read those that it has not seen, forget those that are gone."""
        known = self._index.files()
        listed = {sha256 for found in self._backend.list(FILES) if (sha256 := id_in(found.key))}
        if gone := known - listed:
            self._index.drop_files(gone)
        fresh = sorted(listed - known)
        for start in range(0, len(fresh), _BATCH):
            self._index.put_files(dict(self._read(fresh[start : start + _BATCH])))
        self._fresh = True

    def _read(self, files: Sequence[str]) -> Iterator[tuple[str, dict[int, bytes]]]:
        for sha256 in files:
            try:
                manifest = Manifest.decode(self._backend.get(file_key(sha256)), sha256)
            except StoreError:  # damaged, or deleted since: no base, and for `verify` to tell
                continue
            yield sha256, _by_row(manifest)

    def _table(self, row: int) -> _Table:
        if row in self._tables:
            self._tables.move_to_end(row)
            return self._tables[row]
        found = self._index.sketches(row)
        found += [(sha256, rows[row]) for sha256, own in self._own.items() if row in (rows := _by_row(own))]
        found = [(sha256, lines) for sha256, lines in found if len(lines) % _LINE.itemsize == 0]
        counts = [len(lines) // _LINE.itemsize for _, lines in found]
        lines = np.frombuffer(b"".join(lines for _, lines in found), _LINE)
        table = _Table(
            **{name: np.ascontiguousarray(lines[name]) for name in ("signs", "exponents", "regions", "dtypes")},
            file_of=np.repeat(np.arange(len(found), dtype=np.uint32), counts),
            files=tuple(sha256 for sha256, _ in found),
        )
        self._tables[row] = table
        while len(self._tables) > 1 and sum(kept.nbytes for kept in self._tables.values()) > CACHE_BYTES:
            self._tables.popitem(last=False)
        return table


def _by_row(manifest: Manifest) -> dict[int, bytes]:
    """The lines of a file's regions that have a sketch, by row length."""
    rows: dict[int, bytearray] = defaultdict(bytearray)
    for number, region in enumerate(manifest.regions):
        if region.sketch != NO_SKETCH:
            rows[region.row] += _PACKED.pack(region.sketch, number, crc32(region.dtype.encode()))
    return {row: bytes(lines) for row, lines in rows.items()}


def _nearest(table: _Table, sketch: bytes, dtype: int, known: Collection[str], most: int) -> list[Relative]:
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
