"""What a writer does about collectors: find what it relies on that is about to be deleted, and read that again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from blake3 import blake3

from weighbridge.errors import FileChangedError, ObjectNotFoundError
from weighbridge.store import codecs
from weighbridge.store._catalog import Catalog
from weighbridge.store._keys import pack_key
from weighbridge.store._pieces import Piece, pieces_of
from weighbridge.store.backends import Backend
from weighbridge.store.manifests import Manifest
from weighbridge.store.values import Location
from weighbridge.tensors import ByteSource


def endangered(backend: Backend, catalog: Catalog, manifests: Iterable[Manifest], written: set[str]) -> set[bytes]:
    """The blocks of these files that no pack holds which is there and not condemned.

    `written` are packs that this writer has put itself: those are there unless they are condemned.
    """
    standing = _Standing(backend, catalog, written)
    digests = {block.digest for manifest in manifests for block in manifest.blocks}
    return {digest for digest in digests if not standing.holds(digest)}


class _Standing:
    """Packs that were not condemned when this was made, and were there after that."""

    def __init__(self, backend: Backend, catalog: Catalog, written: set[str]) -> None:
        self._backend = backend
        self._catalog = catalog
        self._condemned = catalog.relist_condemned()  # before looking whether a pack is there, never after
        self._there = dict.fromkeys(written, True)

    def holds(self, digest: bytes) -> bool:
        return any(self._stands(place) for place in self._catalog.places(digest))

    def _stands(self, place: Location) -> bool:
        return self._pack_stands(place.pack) and all(map(self._holds_plain, place.references))

    def _holds_plain(self, digest: bytes) -> bool:
        places = self._catalog.places(digest)
        return any(not place.references and self._pack_stands(place.pack) for place in places)

    def _pack_stands(self, pack: str) -> bool:
        if pack in self._condemned:
            return False
        if pack not in self._there:
            self._there[pack] = self._exists(pack)
        return self._there[pack]

    def _exists(self, pack: str) -> bool:
        try:
            return bool(self._backend.get_range(pack_key(pack), 0, 1))
        except ObjectNotFoundError:
            self._catalog.forget(pack)
            return False


def reread(source: ByteSource, manifest: Manifest, wanted: set[bytes]) -> Iterator[tuple[bytes, codecs.Layout]]:
    """The blocks of a file that are wanted, once each, read from its source again, and how their elements lie.

    Raises `FileChangedError` where the source does not give what it gave before.
    """
    hints = {block.digest: codecs.layout_of(region.dtype) for region in manifest.regions for block in region.blocks}
    done: set[bytes] = set()
    gathered: dict[bytes, bytearray] = {}
    for piece in pieces_of(manifest):
        digest = piece.block.digest
        if digest not in wanted or digest in done:
            continue
        held = gathered.setdefault(digest, bytearray())
        if piece.start != len(held):  # another occurrence of a block that is not whole yet
            continue
        held += _read(source, piece)
        if len(held) == piece.block.length:
            done.add(digest)
            raw = bytes(gathered.pop(digest))
            if blake3(raw).digest() != digest:
                raise FileChangedError("changed while it was being stored; nothing was acknowledged", where=source.name)
            yield raw, hints.get(digest, codecs.OPAQUE)


def _read(source: ByteSource, piece: Piece) -> bytes:
    raw = source.read_at(piece.offset, piece.length)
    if len(raw) != piece.length:
        message = f"gave {len(raw):,} of {piece.length:,} bytes at {piece.offset:,} when read again"
        raise FileChangedError(message, where=source.name)
    return raw
