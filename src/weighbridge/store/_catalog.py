"""Which packs there are, and where in them each block lies: the index, kept in step with the packs themselves."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from weighbridge.errors import CorruptError, ObjectNotFoundError, StoreError
from weighbridge.store import _marks
from weighbridge.store._index import BlockIndex
from weighbridge.store._keys import PACKS, id_in, pack_key
from weighbridge.store.backends import Backend, Listed
from weighbridge.store.packs import Entry, PackBuilder, pack_of, read_footer, salt
from weighbridge.store.values import Location

# A listing may miss a block that is moved while it is being made, but two that are made one after the other hardly can.
_LISTINGS = 3
# Footers that are read, and those that are held until the index has them: each may have some 100 KB.
_FOOTERS_AT_ONCE = 16
_FOOTERS_HELD = 256


class Catalog:
    """Finds blocks. Other processes add packs at any time: a block that is not found is looked for in new ones."""

    def __init__(self, backend: Backend, index: BlockIndex) -> None:
        self._backend = backend
        self._index = index
        self._lock = threading.RLock()
        self._rebuilt = False
        self.condemned: frozenset[str] = frozenset()
        self._unreadable: dict[str, StoreError] = {}

    def knows(self, digest: bytes) -> bool:
        """Whether the store holds this block to stay, as far as the index can tell."""
        return any(place.pack not in self.condemned for place in self._index.find(digest))

    def places(self, digest: bytes) -> list[Location]:
        """Every place of this block, as far as the index can tell."""
        return self._index.find(digest)

    def locate(self, digest: bytes) -> list[Location]:
        """Every place of this block, at least one. Raises `CorruptError` where there is none."""
        found = self._index.find(digest)
        for _ in range(_LISTINGS):
            if found:
                break
            self.refresh()
            found = self._index.find(digest)
        if not found:  # a damaged index may lie: ask the packs once
            with self._lock:  # another thread that is just asking them is waited for
                if not self._rebuilt:
                    self.rebuild()
                found = self._index.find(digest)
        if not found:
            raise self._missing(digest)
        return found

    def refresh(self) -> None:
        """Note packs that others have written, and forget those that are gone."""
        with self._lock:
            known = self._index.packs()  # before the listing: what another process adds between is not taken for gone
            listed = {pack_of(pack): pack for pack in self._backend.list(PACKS) if id_in(pack.key)}
            for pack in known - listed.keys():
                self._index.drop_pack(pack)
            self._note([listed[pack] for pack in listed.keys() - known])
            self.condemned = _marks.condemned(self._backend)

    def relist_condemned(self) -> frozenset[str]:
        """The packs that are condemned now."""
        self.condemned = _marks.condemned(self._backend)
        return self.condemned

    def rebuild(self) -> None:
        """Make the index anew from the footers of all packs."""
        with self._lock:
            self._rebuilt = True
            self._index.clear()
            self.refresh()

    def rebuild_if_wrong(self, digest: bytes, places: Iterable[Location]) -> bool:
        """Make the index anew, once, if packs do not have a block where the index said.

        A line that is damaged may be out of reach of `reload`: SQLite finds by another of its tables what to replace.

        Returns:
            Whether there are other places now, be it that another thread has made the index anew meanwhile.
        """
        seen = list(places)
        with self._lock:
            if self._rebuilt:
                return any(place not in seen for place in self._index.find(digest))
            if all(self._confirms(digest, place) for place in seen):
                return False
            self.rebuild()
            return True

    def _confirms(self, digest: bytes, place: Location) -> bool:
        """Whether the pack itself says that the block lies there; also where it cannot say anything any more."""
        listed = self._listed(place.pack)
        footer = _footer(self._backend, listed) if listed else []
        if isinstance(footer, StoreError):
            return not isinstance(footer, ObjectNotFoundError)
        return any((entry.digest, entry.location) == (digest, place) for entry in footer)

    def footers(self, packs: Iterable[str]) -> Iterator[tuple[str, list[Entry]]]:
        """What packs say themselves, as far as they are there and can be read. Those that are gone are forgotten."""
        wanted = set(packs)
        folders = {pack_key(pack).rpartition("/")[0] for pack in wanted}
        there = [listed for folder in folders for listed in self._backend.list(folder) if id_in(listed.key)]
        listed = {pack: one for one in there if (pack := pack_of(one)) in wanted}
        for pack in wanted - listed.keys():
            self._index.drop_pack(pack)
        for one, footer in self._read(list(listed.values())):
            if isinstance(footer, StoreError):
                self._unreadable[pack_of(one)] = footer
            else:
                yield pack_of(one), footer

    def reload(self, pack: str) -> None:
        """Read one pack's footer again, since what the index says of it was wrong."""
        with self._lock:
            listed = self._listed(pack)
            if listed:
                return self._note([listed])
        return self._index.drop_pack(pack)

    def _listed(self, pack: str) -> Listed | None:
        """The pack as the backend lists it; None where it is gone."""
        key = pack_key(pack)
        return next((listed for listed in self._backend.list(key.rpartition("/")[0]) if listed.key == key), None)

    def agrees(self, pack: str, entries: list[Entry]) -> bool:
        """Whether the index says of a pack what its footer does. Where it does not, it is corrected."""
        noted = self._index.entries(pack)
        if noted == {(entry.digest, entry.location) for entry in entries}:
            return True
        self._index.put_pack(pack, entries)
        return False

    def copies(self) -> dict[bytes, list[Entry]]:
        """Where the index believes every block to be. The entries' checks are left empty."""
        found: dict[bytes, list[Entry]] = {}
        for pack in sorted(self._index.packs()):
            for digest, place in self._index.entries(pack):
                found.setdefault(digest, []).append(Entry(digest, b"", place))
        return found

    def write(self, builder: PackBuilder, leaving: frozenset[str] = frozenset()) -> str | None:
        """Store a pack durably, then note its blocks. Its id, or None where an equal pack was there already.

        The pack gets another id than those that are condemned, damaged, or `leaving`: it must not share their end.
        """
        pack, parts, entries = builder.finish()
        while pack in self.condemned or pack in self._unreadable or pack in leaving:
            builder.add(salt())
            pack, parts, entries = builder.finish()
        fresh = self._backend.put(pack_key(pack), parts)
        self._index.put_pack(pack, entries)
        return pack if fresh else None

    def forget(self, pack: str) -> None:
        """Drop what is noted of a pack that was deleted."""
        self._index.drop_pack(pack)

    def _note(self, listed: list[Listed]) -> None:
        """Put packs into the index."""
        for pack, footer in self._read(listed):
            self._keep(pack, footer)

    def _read(self, listed: list[Listed]) -> Iterator[tuple[Listed, list[Entry] | StoreError]]:
        """The footers of packs, or what is wrong with them. Those of distant ones are read side by side."""
        if len(listed) == 1 or not self._backend.distant:
            yield from ((pack, _footer(self._backend, pack)) for pack in listed)
            return
        with ThreadPoolExecutor(_FOOTERS_AT_ONCE, "weighbridge-footers") as pool:
            for start in range(0, len(listed), _FOOTERS_HELD):
                some = listed[start : start + _FOOTERS_HELD]
                yield from zip(some, pool.map(partial(_footer, self._backend), some), strict=True)

    def _keep(self, listed: Listed, footer: list[Entry] | StoreError) -> None:
        pack = pack_of(listed)
        if isinstance(footer, ObjectNotFoundError):
            return  # deleted since it was listed
        if isinstance(footer, StoreError):  # one bad pack must not close the store: its blocks are missing, and say why
            self._unreadable[pack] = footer
            return
        self._unreadable.pop(pack, None)
        self._index.put_pack(pack, footer)

    def _missing(self, digest: bytes) -> StoreError:
        unreadable = sorted(self._unreadable.values(), key=lambda error: isinstance(error, CorruptError))
        detail = f", but {len(unreadable)} could not be read, among them {unreadable[0]}" if unreadable else ""
        kind = type(unreadable[0]) if unreadable else CorruptError
        return kind(f"no readable pack holds block {digest.hex()}{detail}")


def _footer(backend: Backend, listed: Listed) -> list[Entry] | StoreError:
    """The entries of a pack, or what is wrong with it."""
    try:
        return read_footer(backend, pack_of(listed), listed.size)
    except StoreError as error:
        return error
