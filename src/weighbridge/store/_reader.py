"""Fetching one block: payload, codec, check. Nothing is given out whose BLAKE3 is not its name."""

from __future__ import annotations

import threading
from collections import OrderedDict

from blake3 import blake3

from weighbridge.errors import CorruptError, StoreError
from weighbridge.store import codecs
from weighbridge.store._catalog import Catalog
from weighbridge.store._keys import pack_key
from weighbridge.store.backends import Backend
from weighbridge.store.values import BlockRef, Location

CACHE_BYTES = 16 << 20


class BlockReader:
    """Blocks by reference, the last few of them kept. Safe from several threads."""

    def __init__(self, backend: Backend, catalog: Catalog) -> None:
        self._backend = backend
        self._catalog = catalog
        self._lock = threading.Lock()
        self._cache: OrderedDict[bytes, bytes] = OrderedDict()
        self._cached_bytes = 0

    def read(self, block: BlockRef, file: str) -> bytes:
        """The raw bytes of a block of the named file. Raises `CorruptError` with block, pack and file."""
        with self._lock:
            if block.digest in self._cache:
                self._cache.move_to_end(block.digest)
                return self._cache[block.digest]
        raw = self._fetch(block, file)
        self._keep(block.digest, raw)
        return raw

    def read_unchecked(self, block: BlockRef, file: str, out: memoryview) -> None:
        """Decode a block into memory of its length, for a caller who proves the bytes by a digest of its own.

        Only its BLAKE3 is left out: where decoding fails, the block is read as `read` does, and raises as it does.
        """
        places = self._catalog.locate(block.digest)
        place = min(places, key=lambda place: len(place.references))
        try:
            payload = _payload(self._backend, place, block)
            codecs.decode_into(place.codec, place.version, payload, out, self.references(place))
        except StoreError:
            out[:] = self.read(block, file)

    def references(self, place: Location) -> tuple[bytes, ...]:
        """The raw blocks that a payload needs. Raises `CorruptError` where one needs others itself."""
        return tuple(self.root(digest) for digest in place.references)

    def root(self, digest: bytes) -> bytes:
        """The raw bytes of a block that others refer to. Raises `CorruptError` where it has references itself."""
        with self._lock:
            if digest in self._cache:
                return self._cache[digest]
        raw = self._fetch(BlockRef(digest, 0), "", plain=True)
        self._keep(digest, raw)
        return raw

    def stored_bytes(self, block: BlockRef) -> int:
        """How many bytes the block's payload has."""
        return self._catalog.locate(block.digest)[0].stored

    def _fetch(self, block: BlockRef, file: str, *, plain: bool = False) -> bytes:
        """The block from the first place that gives it, those without references first.

        If `plain`, only from those, and of whatever length it is: a payload names what it refers to, and not how long
        that is.
        """
        tried: dict[Location, StoreError] = {}
        while True:
            try:
                located = self._catalog.locate(block.digest)
            except StoreError as error:
                raise type(error)(f"file {file} cannot be read: {error}") from None
            places = [place for place in located if place not in tried]
            places = [place for place in places if not place.references] or ([] if plain else places)
            if not places:
                if self._catalog.rebuild_if_wrong(block.digest, [*tried, *located]):
                    tried = {}
                    continue
                raise _worst(tried, block, file)
            for place in places:
                wanted = BlockRef(block.digest, place.raw) if plain else block
                try:
                    return read_payload(self._backend, place, wanted, self.references(place))
                except StoreError as error:
                    tried[place] = error
                    # The index is only a hint: if the pack itself says otherwise, the next round sees it.
                    self._catalog.reload(place.pack)

    def _keep(self, digest: bytes, raw: bytes) -> None:
        with self._lock:
            if digest in self._cache:
                return
            self._cache[digest] = raw
            self._cached_bytes += len(raw)
            while self._cached_bytes > CACHE_BYTES:
                _, dropped = self._cache.popitem(last=False)
                self._cached_bytes -= len(dropped)


def read_payload(backend: Backend, place: Location, block: BlockRef, references: tuple[bytes, ...]) -> bytes:
    """Read, decode and check the block at one place."""
    raw = codecs.decode(place.codec, place.version, _payload(backend, place, block), place.raw, references)
    if blake3(raw).digest() != block.digest:
        raise CorruptError("the stored bytes do not match the block's BLAKE3")
    return raw


def _payload(backend: Backend, place: Location, block: BlockRef) -> bytes:
    if place.raw != block.length:
        raise CorruptError(f"is listed with {place.raw:,} bytes and expected to have {block.length:,}")
    payload = backend.get_range(pack_key(place.pack), place.offset, place.stored)
    if len(payload) != place.stored:
        raise CorruptError(f"the pack ends {place.stored - len(payload):,} bytes before the block does")
    return payload


def _worst(tried: dict[Location, StoreError], block: BlockRef, file: str) -> StoreError:
    if not tried:
        return CorruptError(
            f"needs block {block.digest.hex()}, which needs others itself: a chain that no writer makes"
        )
    place, error = next(iter(tried.items()))
    of_file = f" of file {file}" if file else ""
    return type(error)(f"block {block.digest.hex()}{of_file}: {error}", where=pack_key(place.pack))
