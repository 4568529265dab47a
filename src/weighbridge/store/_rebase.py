"""Coding stored blocks again beside bases that they were not coded against when they came.

Two writers may store relatives at the same time, and neither sees the other; or a better base comes later. This goes
through all files, the oldest first, and looks for bases as a writer does. It only adds copies of blocks to the store,
in packs of its own: the collection that follows keeps the smaller copy of each, as long as what that refers to is
there. So it is as safe as copying is, and what an interrupted run has written is used.

A block belongs to the oldest file that has it, and its base must lie in a file that is older still: nothing becomes
slower to read because of what came later, unless the owner wants that (docs/design/0019-bases-that-came-later.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from blake3 import blake3

from weighbridge.errors import StoreError
from weighbridge.store._catalog import Catalog
from weighbridge.store._cutting import TensorRange
from weighbridge.store._families import Families
from weighbridge.store._keys import FILES, id_in
from weighbridge.store._notes import Notes
from weighbridge.store._pack_writer import PackWriter
from weighbridge.store._pairing import WORTH, Attempt, FileBases, RegionCoder
from weighbridge.store._reachable import choose, needed
from weighbridge.store._reader import BlockReader
from weighbridge.store._shelf import Base, Shelf
from weighbridge.store._sketch import NO_SKETCH
from weighbridge.store._stored_file import StoredFile
from weighbridge.store.backends import Backend
from weighbridge.store.codecs.predictors import PREDICTORS
from weighbridge.store.manifests import Manifest, Region
from weighbridge.store.packs import REFERENCE_BYTES, Entry
from weighbridge.store.values import BlockRef, Rebased, Stages
from weighbridge.tensors import dtype_named

_LOOKED_AT = 16
"""Relatives of a tensor that are asked for: its own file is among them, and files that are too new."""


@dataclass(frozen=True, slots=True)
class _Block:
    """A block that may be coded anew, and from which byte of its region on it lies."""

    ref: BlockRef
    at: int


class _Shelf(Shelf):
    """As a writer's, but a block that this run has made a difference is none's root any more."""

    moved: dict[bytes, tuple[bytes, ...]]

    def _references(self, digest: bytes) -> tuple[bytes, ...] | None:
        moved = self.moved.get(digest)
        return moved if moved is not None else super()._references(digest)


class _FileBases(FileBases):
    """Only those bases that lie in files which may be bases of this one."""

    def __init__(self, shelf: Shelf, allowed: frozenset[str]) -> None:
        super().__init__(shelf)
        self._allowed = allowed

    def candidates(self, region: TensorRange, sketch: bytes) -> Iterator[Base]:
        dtype, relatives = region.dtype.name, frozenset(self._relatives)
        for found in self.shelf.families.relatives(sketch, region.row, dtype, relatives, _LOOKED_AT):
            base = self.shelf.base(found.sha256, found.region) if found.sha256 in self._allowed else None
            if base is not None:
                yield base


class Rebaser:
    """One look at all files of a store. `newer`: also code older files against newer ones."""

    def __init__(
        self,
        backend: Backend,
        catalog: Catalog,
        families: Families,
        reader: BlockReader,
        pool: Executor,
        stages: Stages,
        cache: Path | None,
        *,
        newer: bool = False,
    ) -> None:
        self._backend = backend
        self._catalog = catalog
        self._families = families
        self._reader = reader
        self._pool = pool
        self._stages = stages
        self._newer = newer
        known = " ".join(f"{predictor.name}-{predictor.id}" for predictor in PREDICTORS)
        self._looked = Notes(cache, "rebased", f"looked for bases {'anywhere ' * newer}with {known}")
        self._owner: dict[bytes, str] = {}
        self._kept: dict[bytes, Entry] = {}
        self._roots: set[bytes] = set()
        self._moved: dict[bytes, tuple[bytes, ...]] = {}
        self._saved = 0

    def run(self) -> Rebased:
        """Look at every file. Blocks are durable in new packs when this returns. Raises `StoreError` as `gc` does."""
        self._catalog.refresh()
        files = [sha256 for _, sha256 in sorted(self._listed())]
        for sha256 in files:
            for block in self._manifest(sha256).blocks:
                self._owner.setdefault(block.digest, sha256)
        self._kept = choose(needed(self._backend), self._standing())
        self._roots = {base for entry in self._kept.values() for base in entry.references}
        progress = self._stages("looking for bases", len(files))
        with PackWriter(self._catalog) as packs:
            shelf = _Shelf(self._families, self._catalog, self._reader, packs)
            shelf.moved = self._moved
            for number, sha256 in enumerate(files):
                others = frozenset(files[:number] if not self._newer else files) - {sha256}
                self._look(self._manifest(sha256), _FileBases(shelf, others), packs)
                progress(1)
            packs.finish()
        return Rebased(len(self._moved), self._saved)

    def _listed(self) -> Iterator[tuple[float, str]]:
        for listed in self._backend.list(FILES):
            if sha256 := id_in(listed.key):
                yield listed.modified, sha256

    def _manifest(self, sha256: str) -> Manifest:
        try:
            return self._families.manifest(sha256)
        except StoreError:  # removed since it was listed, or damaged: nothing of it changes
            return Manifest(sha256, 0)

    def _standing(self) -> dict[bytes, list[Entry]]:
        condemned = self._catalog.condemned
        return {
            digest: [entry for entry in entries if entry.location.pack not in condemned]
            for digest, entries in self._catalog.copies().items()
        }

    def _look(self, manifest: Manifest, bases: _FileBases, packs: PackWriter) -> None:
        """Code what of one file gets smaller beside a base. Nothing is read of a file that has none, or none new."""
        tasks = list(self._tasks(manifest, bases))
        named = "".join(f"{base.sha256}{base.region.offset} " for _, _, some in tasks for base in some)
        line = f"{manifest.sha256} {blake3(named.encode()).hexdigest(16)}"
        if not named or line in self._looked.done:
            return
        source = StoredFile(manifest, self._reader, self._pool)
        for region, place, _ in tasks:
            self._code(RegionCoder(bases, source, place, region.sketch), self._own(manifest, region), packs)
        self._looked.add(line)

    def _tasks(self, manifest: Manifest, bases: _FileBases) -> Iterator[tuple[Region, TensorRange, list[Base]]]:
        """The regions of which some blocks may change and that have relatives, and those."""
        for region in manifest.regions:
            place = _range(region)
            found = bases.candidates(place, region.sketch) if place and self._own(manifest, region) else ()
            if place and (bases_found := list(found)):
                yield region, place, bases_found

    def _own(self, manifest: Manifest, region: Region) -> list[_Block]:
        """The blocks of a region that are this file's to change."""
        starts = accumulate((block.length for block in region.blocks), initial=0)
        blocks = [_Block(block, at) for block, at in zip(region.blocks, starts, strict=False)]
        return [block for block in blocks if self._may_move(manifest.sha256, block.ref.digest)]

    def _may_move(self, sha256: str, digest: bytes) -> bool:
        is_ours = self._owner.get(digest) == sha256 and digest in self._kept
        return is_ours and digest not in self._roots and digest not in self._moved

    def _code(self, coder: RegionCoder, blocks: list[_Block], packs: PackWriter) -> None:
        """Code the blocks of one region. The first that tells anything says whether there is a base at all."""
        while blocks and not coder.has_base:
            if coder.is_decided:
                return
            self._take(self._attempt(coder, blocks.pop(0)), packs)
        for attempt in self._pool.map(lambda block: self._attempt(coder, block), blocks):
            self._take(attempt, packs)

    def _attempt(self, coder: RegionCoder, block: _Block) -> Attempt | None:
        try:
            return coder.code(block.ref.digest, self._reader.read(block.ref, ""), block.at)
        except StoreError:  # a damaged block stays as it is, for a repair
            return None

    def _take(self, attempt: Attempt | None, packs: PackWriter) -> None:
        """Keep a block as coded, if that is smaller than how it is kept and makes no chain."""
        if attempt is None or not attempt.payload.references:
            return
        payload, factors = attempt.payload, attempt.factors
        before = self._kept[payload.digest]
        cost = before.location.stored + REFERENCE_BYTES * len(before.references)
        is_root = payload.digest in self._roots or payload.digest in self._moved
        if is_root or attempt.cost >= WORTH * cost or any(base in self._moved for base in payload.references):
            return
        if factors is not None and not packs.holds(factors.digest) and not self._catalog.knows(factors.digest):
            packs.add(factors)
        packs.add(payload)
        self._roots.update(payload.references)
        self._moved[payload.digest] = payload.references
        self._saved += cost - attempt.cost


def _range(region: Region) -> TensorRange | None:
    """The region as a writer knows it; None where it has no sketch, or a dtype that we do not know."""
    dtype = dtype_named(region.dtype)
    if dtype is None or region.sketch == NO_SKETCH:
        return None
    return TensorRange(region.offset, region.nbytes, dtype, region.row)
