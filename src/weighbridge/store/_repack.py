"""Writing packs anew where that makes them smaller or fewer: from the store alone, as a collection does it.

A block is coded again by the codecs that there are now, and kept so if it gets smaller. A difference of an older
version is written in the newest, which is faster to read, from the same references, unless that is longer; other
payloads with references stay as they are, and a block without references gets none here (`_rebase` gives them,
beforehand). Packs of less than a quarter of the usual size are merged. Old packs are condemned once what they held is
durable in new ones, so a run that was interrupted has lost nothing, and the next one goes on: it knows what it had
looked at.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

from blake3 import blake3

from weighbridge.errors import ObjectNotFoundError, StoreError
from weighbridge.store import codecs, packs
from weighbridge.store._catalog import Catalog
from weighbridge.store._copying import fetch
from weighbridge.store._gc import Collector, Doomed
from weighbridge.store._keys import FILES, id_in
from weighbridge.store._notes import Notes
from weighbridge.store._reader import BlockReader
from weighbridge.store.backends import Backend
from weighbridge.store.manifests import Manifest
from weighbridge.store.packs import Entry, Payload
from weighbridge.store.values import BlockRef, GcOptions, Stages, no_stages

GAIN = 0.99
"""A payload is replaced by one of at most this share of its size."""
SMALL = 4
"""Packs of less than the usual size divided by this are merged."""


class Repacker(Collector):
    """A collection that also condemns packs whose blocks can be kept in fewer bytes or fewer packs."""

    def __init__(
        self,
        backend: Backend,
        catalog: Catalog,
        reader: BlockReader,
        pool: Executor,
        options: GcOptions,
        stages: Stages = no_stages,
        cache: Path | None = None,
    ) -> None:
        super().__init__(backend, catalog, pool, options, stages)
        self._reader = reader
        every: tuple[codecs.Codec | codecs.DeltaCodec, ...] = (*codecs.CODECS, codecs.DELTA)
        known = " ".join(f"{codec.name}-{codec.id}-{codec.version}" for codec in every)
        self._looked = Notes(cache, "repacked", f"looked at with {known}")
        self._layouts: dict[bytes, codecs.Layout] = {}
        self._merging: set[str] = set()
        self._always: set[str] = set()

    def _find(self) -> list[Doomed]:
        found = {doomed.pack: doomed for doomed in super()._find()}
        others = [doomed for doomed in self._judged if doomed.pack not in found and self._is_settled(doomed)]
        small = [one.pack for one in others if one.size < packs.PACK_TARGET // SMALL]
        total = sum(self._packs.listed[pack].size for pack in small)
        self._merging = set(small) if -(-total // packs.PACK_TARGET) < len(small) else set()
        wanted = [one for one in others if one.pack in self._merging or one.pack not in self._looked.done]
        if any(one.pack not in self._looked.done for one in (*found.values(), *wanted)):
            self._layouts = _layouts(self._backend)
        self._always = set(found)
        return [*found.values(), *wanted]

    def _is_settled(self, doomed: Doomed) -> bool:
        """Whether nothing in it could still be waiting for a manifest."""
        age = self._now - self._packs.listed[doomed.pack].modified
        return not (doomed.unneeded or doomed.duplicate) or age >= self._options.grace

    def _payloads(self, doomed: Doomed) -> list[Payload] | None:
        """What of a pack stays, coded as well as we can; None where the pack is as good as it gets."""
        if doomed.pack in self._looked.done:
            return super()._payloads(doomed)
        payloads = list(self._pool.map(self._recoded, doomed.keep))
        pairs = list(zip(doomed.keep, payloads, strict=True))
        saved = sum(old.location.stored - len(new.data) for old, new in pairs)
        renewed = any(old.references and old.location.version != new.version for old, new in pairs)
        worth = renewed or saved > (1 - GAIN) * doomed.size
        if worth or doomed.pack in self._always or doomed.pack in self._merging:
            return payloads
        self._looked.add(doomed.pack)
        return None

    def _recoded(self, entry: Entry) -> Payload:
        old = fetch(self._backend, entry)
        if entry.references:
            return self._renewed(entry, old)
        raw = self._reader.read(BlockRef(entry.digest, entry.location.raw), "")
        codec, data = codecs.encode(raw, self._layouts.get(entry.digest, codecs.OPAQUE))
        if len(data) > GAIN * len(old.data):
            return old
        return Payload(entry.digest, blake3(data).digest()[:8], len(raw), codec.id, codec.version, data)

    def _renewed(self, entry: Entry, old: Payload) -> Payload:
        """A difference in the newest version of its codec."""
        delta = codecs.DELTA
        if old.codec != delta.id or old.version >= delta.version:
            return old
        try:
            raw = self._reader.read(BlockRef(entry.digest, entry.location.raw), "")
            data = delta.encode_again(old.data, raw, self._reader.references(entry.location))
        except StoreError:  # what it refers to is damaged: it stays as it is, for a repair
            return old
        if data is None or len(data) > len(old.data):
            return old
        return replace(old, check=blake3(data).digest()[:8], version=delta.version, data=data)


def _layouts(backend: Backend) -> dict[bytes, codecs.Layout]:
    """What manifests say of the elements in each block."""
    found: dict[bytes, codecs.Layout] = {}
    for listed in backend.list(FILES):
        if sha256 := id_in(listed.key):
            try:
                manifest = Manifest.decode(backend.get(listed.key), sha256)
            except ObjectNotFoundError:  # removed since it was listed
                continue
            for region in manifest.regions:
                found |= dict.fromkeys((block.digest for block in region.blocks), codecs.layout_of(region.dtype))
    return found
