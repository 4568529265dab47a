"""Moving payloads, as they are, from packs to new packs."""

from __future__ import annotations

from collections.abc import Iterable

from blake3 import blake3

from weighbridge.errors import CorruptError
from weighbridge.store._catalog import Catalog
from weighbridge.store._keys import pack_key
from weighbridge.store.backends import Backend
from weighbridge.store.packs import PACK_TARGET, Entry, PackBuilder, Payload


def fetch(backend: Backend, entry: Entry) -> Payload:
    """A payload with its check compared. Raises `CorruptError`, or `ObjectNotFoundError` where the pack is gone."""
    place = entry.location
    data = backend.get_range(pack_key(place.pack), place.offset, place.stored)
    if blake3(data).digest()[:8] != entry.check:
        raise CorruptError(f"block {entry.digest.hex()} does not match its check", where=pack_key(place.pack))
    return Payload(entry.digest, entry.check, place.raw, place.codec, place.version, data, entry.references)


class Copier:
    """Fills packs with payloads and writes each when it is full. What it was given is durable after `flush`.

    No pack that it writes gets the id of one of `leaving`: an earlier run may have died after it had written the same
    pack, and this one may be about to condemn that.
    """

    def __init__(self, catalog: Catalog, leaving: Iterable[str] = ()) -> None:
        self._catalog = catalog
        self.leaving = frozenset(leaving)
        self._builder = PackBuilder()
        self._done: set[tuple[bytes, bool]] = set()
        self._filling: set[bytes] = set()
        self.packs = 0
        self.nbytes = 0

    def add(self, payloads: Iterable[Payload]) -> None:
        for payload in payloads:
            kind = (payload.digest, bool(payload.references))
            if kind in self._done:
                continue
            if payload.digest in self._filling:
                self.flush()  # a pack holds a block once, be it plain or coded against others
            self._done.add(kind)
            self._filling.add(payload.digest)
            self._builder.add(payload)
            if self._builder.nbytes >= PACK_TARGET:
                self.flush()

    def forget(self) -> None:
        """Copy again what was copied: the packs that were written may have been condemned since."""
        self._builder = PackBuilder()
        self._done = set()
        self._filling = set()

    @property
    def is_empty(self) -> bool:
        """Whether all that was given is durable."""
        return not len(self._builder)

    def flush(self) -> None:
        if len(self._builder):
            self._catalog.write(self._builder, self.leaving)
            self.packs += 1
            self.nbytes += self._builder.nbytes
            self._builder = PackBuilder()
            self._filling = set()
