"""Which stored tensors a new one may come from: sketches of all files, compared without reading a file.

The index keeps the sketches of every manifest by row length, so that a query looks only at tensors of the same width.
They come from it as one table (`_nearest`).
"""

from __future__ import annotations

import struct
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING
from zlib import crc32

from weighbridge.errors import StoreError
from weighbridge.store._index import BlockIndex
from weighbridge.store._keys import FILES, file_key, id_in
from weighbridge.store._sketch import NO_SKETCH
from weighbridge.store.backends import Backend
from weighbridge.store.manifests import Manifest

if TYPE_CHECKING:
    from weighbridge.store._nearest import Relative, Table

CACHE_BYTES = 48 << 20
_CACHED_MANIFESTS = 8
_BATCH = 256
_PACKED = struct.Struct("<16sII")


class Families:
    """Finds relatives. Made for one writing session; safe from several threads."""

    def __init__(self, backend: Backend, index: BlockIndex) -> None:
        self._backend = backend
        self._index = index
        self._lock = threading.Lock()
        self._tables: OrderedDict[int, Table | None] = OrderedDict()
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
        if table is None:
            return []
        from weighbridge.store._nearest import nearest

        return nearest(table, sketch, crc32(dtype.encode()), known, most)

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

    def _table(self, row: int) -> Table | None:
        """The tensors with this row length, None if there is none."""
        if row in self._tables:
            self._tables.move_to_end(row)
            return self._tables[row]
        found = self._index.sketches(row)
        found += [(sha256, rows[row]) for sha256, own in self._own.items() if row in (rows := _by_row(own))]
        table = self._tables[row] = _compared(found) if found else None
        while len(self._tables) > 1 and sum(kept.nbytes for kept in self._tables.values() if kept) > CACHE_BYTES:
            self._tables.popitem(last=False)
        return table


def _compared(found: list[tuple[str, bytes]]) -> Table:
    from weighbridge.store._nearest import table_of  # only here: it imports numpy

    return table_of(found)


def _by_row(manifest: Manifest) -> dict[int, bytes]:
    """The lines of a file's regions that have a sketch, by row length."""
    rows: dict[int, bytearray] = defaultdict(bytearray)
    for number, region in enumerate(manifest.regions):
        if region.sketch != NO_SKETCH:
            rows[region.row] += _PACKED.pack(region.sketch, number, crc32(region.dtype.encode()))
    return {row: bytes(lines) for row, lines in rows.items()}
