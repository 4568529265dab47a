"""Mending a damaged store with what another store has: blocks, manifests, bindings.

Nothing is taken on trust: what comes from the other store is checked as everything that is read, and packs that hold
damaged blocks leave as collected ones do, once all that is needed of them lies elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass

from weighbridge.errors import CorruptError, ObjectNotFoundError, StoreError
from weighbridge.store import _bindings, _config, _keys, _marks, codecs
from weighbridge.store._catalog import Catalog
from weighbridge.store._copying import Copier
from weighbridge.store._gc import Collector
from weighbridge.store._pairing import plain
from weighbridge.store._reachable import Packs
from weighbridge.store._reader import BlockReader
from weighbridge.store.backends import Backend
from weighbridge.store.manifests import Manifest
from weighbridge.store.values import BlockRef, Damage, GcOptions, Stages, VerifyResult


@dataclass(frozen=True, slots=True)
class Place:
    """A store, as far as a repair needs one."""

    backend: Backend
    catalog: Catalog
    reader: BlockReader


def repair(here: Place, other: Place, found: VerifyResult, pool: Executor, stages: Stages) -> None:
    """Mend what a verification found, as far as the other store can help. Verify again to see what is left."""
    for damage in found.damage:
        _mend_object(here.backend, other.backend, damage)
    manifests = list(_manifests(here.backend))
    whole = all(manifest is not None for manifest in manifests)
    packs = Packs()
    packs.read(here.backend, pool)
    damaged = {_keys.id_in(one.key) or "" for one in found.damage if one.key.startswith(_keys.PACKS)}
    copier = Copier(here.catalog, leaving=damaged)
    left = _mend_blocks(copier, other, [manifest for manifest in manifests if manifest], found, packs, stages)
    if whole and damaged:
        leaving = damaged if not left else damaged - packs.unreadable.keys()
        for pack in sorted(leaving):
            _marks.put(here.backend, pack, int(time.time()))
        Collector(here.backend, here.catalog, pool, GcOptions(grace=0), stages).delete(leaving)
    here.catalog.refresh()


def _mend_object(here: Backend, other: Backend, damage: Damage) -> None:
    key = damage.key
    if key == _keys.CONFIG:
        here.put(key, [_config.new(_config.salvage(_found(here, key)))], replace=True)
    elif key.startswith(_keys.FILES):
        _fetch_manifest(here, other, _keys.id_in(key) or "")
    elif key.startswith(_keys.NAMES):
        _mend_binding(here, other, key)
    elif key.startswith(_keys.CONDEMNED):
        _marks.put(here, _keys.id_in(key) or "", int(time.time()), replace=True)


def _mend_binding(here: Backend, other: Backend, key: str) -> None:
    """A damaged binding is taken over; what a sound one names is fetched."""
    for backend in (here, other):
        try:
            sealed = _found(backend, key)
            _, sha256 = _bindings.decode(sealed, key)
        except StoreError:
            continue
        if backend is other:
            here.put(key, [sealed], replace=True)
        if not _found(here, _keys.file_key(sha256)):
            _fetch_manifest(here, other, sha256)
        return


def _fetch_manifest(here: Backend, other: Backend, sha256: str) -> None:
    key = _keys.file_key(sha256)
    try:
        sealed = _found(other, key)
        Manifest.decode(sealed, sha256)
    except StoreError:  # the other store cannot help
        return
    here.put(key, [sealed], replace=True)


def _mend_blocks(
    copier: Copier, other: Place, manifests: list[Manifest], found: VerifyResult, packs: Packs, stages: Stages
) -> set[bytes]:
    """Store again every needed block of which there is no sound copy. Returns those that could not be had."""
    bad = {(damage.key, damage.block) for damage in found.damage if damage.block}
    sound = {
        entry.digest
        for pack, entries in packs.entries.items()
        for entry in entries
        if (_keys.pack_key(pack), entry.digest.hex()) not in bad
    }
    missing = {
        block: codecs.layout_of(dtype)
        for manifest in manifests
        for block, dtype in _typed_blocks(manifest)
        if block.digest not in sound
    }
    progress = stages("fetching what is damaged", sum(block.length for block in missing))
    left = set()
    for block, layout in missing.items():
        try:
            raw = other.reader.read(block, "")
        except StoreError:  # the verification that follows tells that it is still missing
            left.add(block.digest)
        else:
            copier.add([plain(block.digest, raw, layout).payload])
        progress(block.length)
    copier.flush()
    return left


def _typed_blocks(manifest: Manifest) -> Iterator[tuple[BlockRef, str]]:
    for region in manifest.regions:
        yield from ((block, region.dtype) for block in region.blocks)
    yield from ((block, "") for block in manifest.rest)


def _manifests(backend: Backend) -> Iterator[Manifest | None]:
    """All manifests, None for one that is damaged."""
    for listed in backend.list(_keys.FILES):
        if sha256 := _keys.id_in(listed.key):
            try:
                yield Manifest.decode(backend.get(listed.key), sha256)
            except ObjectNotFoundError:
                continue
            except CorruptError:
                yield None


def _found(backend: Backend, key: str) -> bytes:
    """The object; nothing where there is none."""
    try:
        return backend.get(key)
    except ObjectNotFoundError:
        return b""
