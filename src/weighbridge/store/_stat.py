"""How a store's bytes add up."""

from __future__ import annotations

from collections import Counter

from weighbridge.store import _keys, codecs
from weighbridge.store._catalog import Catalog
from weighbridge.store.backends import Backend
from weighbridge.store.manifests import Manifest
from weighbridge.store.values import CodecStat, StoreStat


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
    by_codec = [CodecStat(codecs.codec_name(codec), blocks, raw, kept) for codec, blocks, raw, kept in catalog.totals()]
    return StoreStat(
        files=counts[_keys.FILES],
        names=counts[_keys.NAMES],
        packs=counts[_keys.PACKS],
        blocks=sum(codec.blocks for codec in by_codec),
        file_bytes=file_bytes,
        unique_bytes=sum(codec.raw_bytes for codec in by_codec) + inline_raw,
        stored_bytes=stored.total(),
        codecs=(*by_codec, CodecStat("inline", inline_files, inline_raw, inline_stored)),
    )
