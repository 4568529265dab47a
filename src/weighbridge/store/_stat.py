"""How a store's bytes add up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from weighbridge.store import _keys, codecs
from weighbridge.store._catalog import Catalog
from weighbridge.store._reachable import choose, needed
from weighbridge.store.backends import Backend
from weighbridge.store.manifests import Manifest
from weighbridge.store.packs import Entry
from weighbridge.store.values import CodecStat, Location, StoreStat


def stat(backend: Backend, catalog: Catalog) -> StoreStat:
    """Count what the store holds, from listings, manifests and the index; no payload is read."""
    catalog.refresh()
    stored: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    file_bytes, inline_raw, inline_stored, inline_files = 0, 0, 0, 0
    for listed in backend.list(""):
        prefix = listed.key.partition("/")[0] + "/"
        if (digest := _keys.id_in(listed.key)) is None:
            stored["config"] += listed.size if listed.key == _keys.CONFIG else 0
            continue
        stored[prefix] += listed.size
        counts[prefix] += 1
        if prefix == _keys.FILES:
            manifest = Manifest.decode(backend.get(listed.key), digest)
            file_bytes += manifest.size
            if manifest.inline is not None:
                inline_files += 1
                inline_raw += manifest.size
                inline_stored += len(manifest.inline.payload)
    copies = catalog.copies()
    kept = choose(needed(backend), copies).values()
    payloads = sum(entry.location.stored for entries in copies.values() for entry in entries)
    live = sum(entry.location.stored for entry in kept)
    raw = sum(entry.location.raw for entry in kept)
    deltas = sum(entry.location.raw - entry.location.stored for entry in kept if entry.references)
    return StoreStat(
        files=counts[_keys.FILES],
        names=counts[_keys.NAMES],
        packs=counts[_keys.PACKS],
        blocks=len(kept),
        file_bytes=file_bytes,
        unique_bytes=raw + inline_raw,
        stored_bytes=stored.total(),
        codecs=(*_by_codec(kept), CodecStat("inline", inline_files, inline_raw, inline_stored)),
        saved_by_duplicates=file_bytes - raw - inline_raw,
        saved_by_deltas=deltas,
        saved_by_coding=raw - live - deltas + inline_raw - inline_stored,
        garbage_bytes=payloads - live,
        table_bytes=stored.total() - payloads - inline_stored,
    )


def _by_codec(kept: Iterable[Entry]) -> list[CodecStat]:
    found: dict[int, list[Location]] = defaultdict(list)
    for entry in kept:
        found[entry.location.codec].append(entry.location)
    return [
        CodecStat(codecs.codec_name(number), len(places), sum(p.raw for p in places), sum(p.stored for p in places))
        for number, places in sorted(found.items())
    ]
