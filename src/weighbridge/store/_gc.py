"""Collection of garbage, without a lock, while others write and read (spec/store.md, Collection; design note 0010).

First packs are condemned: those that nothing needs, and those that hold much that nothing needs, after what is needed
was copied. Then packs are deleted whose mark is old enough, after a look at all roots that is newer than the marks. An
interrupted collection has lost nothing and is gone on with by the next one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field

from weighbridge.errors import CorruptError, ObjectNotFoundError, StorageFullError, StoreError
from weighbridge.store import _marks
from weighbridge.store._catalog import Catalog
from weighbridge.store._copying import Copier, fetch
from weighbridge.store._keys import CONDEMNED, HOLDS, id_in, mark_key, pack_key
from weighbridge.store._reachable import Copies, Packs, choose, needed
from weighbridge.store.backends import Backend
from weighbridge.store.packs import ENTRY_BYTES, SALT_BYTES, Entry, Payload
from weighbridge.store.values import DAY, Collected, Garbage, GcOptions, Stages, Tally, no_stages

HOLD_SECONDS = DAY
MARK_SECONDS = 30 * DAY


@dataclass(slots=True)
class Doomed:
    """A pack and what of it is needed; of the rest, why it is not."""

    pack: str
    size: int
    keep: list[Entry] = field(default_factory=list)
    unneeded: list[Entry] = field(default_factory=list)
    duplicate: list[Entry] = field(default_factory=list)


class Collector:
    """One run of collection."""

    def __init__(
        self, backend: Backend, catalog: Catalog, pool: Executor, options: GcOptions, stages: Stages = no_stages
    ) -> None:
        self._backend = backend
        self._catalog = catalog
        self._pool = pool
        self._options = options
        self._stages = stages
        self._now = time.time()
        self._packs = Packs()
        self._judged: list[Doomed] = []
        self._condemned: list[Doomed] = []
        self._damaged: list[str] = []
        self._copier = Copier(catalog)

    def run(self) -> Collected:
        """Condemn, then delete. Raises `StoreError` where a root cannot be read: then nothing is deleted.

        Where a full disk stops the first, room is made by the second, and both are done again.
        """
        self._clear_holds()
        doomed = self._find()
        if self._options.dry_run:
            self._condemned = doomed
            deleted, waiting = self._delete()
        else:
            deleted, waiting = self._condemn_and_delete(doomed)
            self._prune()
        self._catalog.refresh()
        return Collected(
            garbage=tuple(_garbage(doomed)),
            condemned=Tally(len(self._condemned), sum(one.size for one in self._condemned)),
            deleted=deleted,
            waiting=waiting,
            written=Tally(self._copier.packs, self._copier.nbytes),
            unreadable=tuple(sorted([*map(pack_key, self._packs.unreadable), *self._damaged])),
            dry_run=self._options.dry_run,
        )

    def _condemn_and_delete(self, doomed: list[Doomed]) -> tuple[Tally, Tally]:
        """What was deleted in all, and what waits. Raises `StorageFullError` where nothing is left to make room by."""
        packs = nbytes = 0
        while True:
            full: StorageFullError | None = None
            try:
                self._condemn(doomed)
            except StorageFullError as error:
                full = error
            deleted, waiting = self._delete()
            packs, nbytes = packs + deleted.packs, nbytes + deleted.nbytes
            if full is None:
                return Tally(packs, nbytes), waiting
            if not deleted.packs:
                raise full
            doomed = self._find()

    def _clear_holds(self) -> None:
        """Delete what dead writers left. A live one notices, and looks again at what it relies on."""
        for listed in () if self._options.dry_run else list(self._backend.list(HOLDS)):
            if self._now - listed.modified > max(HOLD_SECONDS, self._options.grace):
                _delete(self._backend, listed.key)

    def _find(self) -> list[Doomed]:
        """The packs to condemn: uncondemned, not new, and with more garbage than is tolerated."""
        self._packs.read(self._backend, self._pool)
        marks = self._catalog.relist_condemned()
        copies = self._packs.copies(pack for pack in self._packs.listed if pack not in marks)
        kept = choose(needed(self._backend, self._options.without if self._options.dry_run else ()), copies)
        self._judged = [self._judge(pack, kept) for pack in sorted(self._packs.entries) if pack not in marks]
        return [doomed for doomed in self._judged if self._is_wasteful(doomed)]

    def _judge(self, pack: str, kept: dict[bytes, Entry]) -> Doomed:
        found = Doomed(pack, self._packs.listed[pack].size)
        for entry in self._packs.entries[pack]:
            chosen = kept.get(entry.digest)
            if chosen is None:
                found.unneeded.append(entry)
            else:
                (found.keep if chosen.location == entry.location else found.duplicate).append(entry)
        return found

    def _is_wasteful(self, doomed: Doomed) -> bool:
        age = self._now - self._packs.listed[doomed.pack].modified
        if self._options.grace > 0 and age < self._options.grace:
            return False  # its writer may not have got to its manifest yet
        if not doomed.keep:
            return True
        dead = [entry for entry in (*doomed.unneeded, *doomed.duplicate) if not _may_be_salt(entry)]
        return bool(dead) and _nbytes(dead) > self._options.waste * doomed.size

    def _condemn(self, doomed: list[Doomed]) -> None:
        """Copy what is needed, then mark. What cannot be read stays where it is, for a repair.

        Packs that go as a whole come first: they need no room, and make some.
        """
        self._copier.leaving = frozenset(one.pack for one in doomed)
        done: list[Doomed] = []
        marked = 0
        progress = self._stages("copying what is needed", sum(_nbytes(one.keep) for one in doomed))
        for one in sorted(doomed, key=lambda one: bool(one.keep)):
            try:
                payloads = self._payloads(one)
            except StoreError as error:
                self._damaged.append(str(error))
                continue
            finally:
                progress(_nbytes(one.keep))
            if payloads is None:
                continue
            done.append(one)
            self._copier.add(payloads)
            if self._copier.is_empty:  # all that was given so far is durable
                marked = self._mark(done, marked)
        self._copier.flush()
        self._mark(done, marked)

    def _mark(self, done: list[Doomed], marked: int) -> int:
        for one in done[marked:]:
            _marks.put(self._backend, one.pack, int(self._now))
            self._condemned.append(one)
        return len(done)

    def _payloads(self, doomed: Doomed) -> list[Payload] | None:
        """What of a pack is to be copied; None where it is not to be condemned after all."""
        return list(self._pool.map(lambda entry: fetch(self._backend, entry), doomed.keep))

    def delete(self, packs: set[str]) -> None:
        """Delete these packs, which are condemned already, as far as what is needed of them can be had elsewhere."""
        self._delete(packs)

    def _delete(self, only: set[str] | None = None) -> tuple[Tally, Tally]:
        """Delete what is condemned for long enough, and tell what is not yet. The order of the looks is what counts."""
        self._packs.read(self._backend, self._pool)
        marks = self._catalog.relist_condemned()
        present = sorted(pack for pack in marks if pack in self._packs.listed and (only is None or pack in only))
        ripe = [pack for pack in present if self._is_ripe(pack)]
        if ripe and not self._options.dry_run:
            self._copier.forget()
            standing = self._packs.copies(pack for pack in self._packs.listed if pack not in marks)
            stuck = self._rescue(needed(self._backend), standing, self._packs.copies(ripe))
            ripe = [pack for pack in ripe if pack not in stuck]
            self._remove(ripe)
        return self._tally(ripe), self._tally(pack for pack in present if pack not in ripe)

    def _is_ripe(self, pack: str) -> bool:
        written = _marks.written(self._backend, pack)
        if written is None and not self._options.dry_run:
            _marks.put(self._backend, pack, int(self._now), replace=True)
        if self._options.grace <= 0:
            return True
        return written is not None and self._now - written >= self._options.grace

    def _rescue(self, roots: set[bytes], standing: Copies, leaving: Copies) -> set[str]:
        """Copy what is needed and would be lost. Returns the packs that must stay: what they hold cannot be copied."""
        staying = choose(roots, standing)
        replacing = [entry for digest, entry in staying.items() if digest in leaving]
        progress = self._stages("checking what stays", sum(entry.location.stored for entry in replacing))
        bad = set()
        for entry, sound in zip(replacing, self._pool.map(self._is_sound, replacing), strict=True):
            progress(entry.location.stored)
            if not sound:
                bad.add(entry.digest)
        stuck: set[str] = set()
        for digest in sorted(roots):
            if digest in staying and bad.isdisjoint((digest, *staying[digest].references)):
                continue
            if not self._save(digest, standing, leaving):
                bases = (base for entry in leaving.get(digest, ()) for base in entry.references)
                stuck |= {entry.location.pack for each in (digest, *bases) for entry in leaving.get(each, ())}
        self._copier.flush()
        return stuck

    def _save(self, digest: bytes, standing: Copies, leaving: Copies) -> bool:
        """Copy a block, with what it refers to, to a new pack. False where no copy of it is sound."""
        copies = [*leaving.get(digest, ()), *standing.get(digest, ())]
        for entry in sorted(copies, key=lambda entry: len(entry.references)):
            try:
                bases = [self._plain(base, standing, leaving) for base in entry.references]
                payload = fetch(self._backend, entry)
            except StoreError as error:
                self._damaged.append(str(error))
                continue
            self._copier.add([*bases, payload])
            return True
        return False

    def _plain(self, digest: bytes, standing: Copies, leaving: Copies) -> Payload:
        plain = [e for e in (*standing.get(digest, ()), *leaving.get(digest, ())) if not e.references]
        sound = next(filter(self._is_sound, plain), None)
        if sound is None:
            raise CorruptError(f"no sound copy of block {digest.hex()}, which others refer to, is left")
        return fetch(self._backend, sound)

    def _is_sound(self, entry: Entry) -> bool:
        try:
            fetch(self._backend, entry)
        except StoreError as error:
            self._damaged.append(str(error))
            return False
        return True

    def _remove(self, packs: list[str]) -> None:
        progress = self._stages("deleting", sum(self._packs.listed[pack].size for pack in packs))
        for pack in packs:
            _delete(self._backend, pack_key(pack))
            self._catalog.forget(pack)
            progress(self._packs.listed[pack].size)

    def _tally(self, packs: Iterable[str]) -> Tally:
        sizes = [self._packs.listed[pack].size for pack in packs]
        return Tally(len(sizes), sum(sizes))

    def _prune(self) -> None:
        """Delete marks that have done their work long ago."""
        for listed in list(self._backend.list(CONDEMNED)):
            pack = id_in(listed.key)
            if pack is None or pack in self._packs.listed:
                continue
            written = _marks.written(self._backend, pack)
            if written is not None and self._now - written > MARK_SECONDS:
                _delete(self._backend, mark_key(pack))


def _garbage(doomed: list[Doomed]) -> Iterator[Garbage]:
    """What the packs hold that is not needed, by reason."""
    whole = [one for one in doomed if not one.keep]
    parts = [one for one in doomed if one.keep]
    unneeded = [entry for one in (*whole, *parts) for entry in one.unneeded]
    duplicate = [entry for one in (*whole, *parts) for entry in one.duplicate]
    frames = sum(one.size - _nbytes([*one.unneeded, *one.duplicate]) for one in whole)
    for reason, entries in (("unneeded", unneeded), ("duplicate", duplicate)):
        yield Garbage(reason, len(entries), _nbytes(entries))
    yield Garbage("frames", 0, frames)


def _nbytes(entries: Iterable[Entry]) -> int:
    return sum(entry.location.stored + ENTRY_BYTES for entry in entries)


def _may_be_salt(entry: Entry) -> bool:
    return entry.location.stored == entry.location.raw == SALT_BYTES


def _delete(backend: Backend, key: str) -> None:
    with suppress(ObjectNotFoundError):  # another collector was here first
        backend.delete(key)
