"""What a writer does about collectors: find what it relies on that is about to be deleted, and read that again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from blake3 import blake3

from weighbridge.errors import FileChangedError
from weighbridge.store import codecs
from weighbridge.store._catalog import Catalog
from weighbridge.store._pieces import Piece, pieces_of
from weighbridge.store.manifests import Manifest
from weighbridge.tensors import ByteSource


def endangered(
    catalog: Catalog, manifests: Iterable[Manifest], written: Mapping[str, Mapping[bytes, tuple[bytes, ...]]]
) -> set[bytes]:
    """The blocks of these files that no pack holds which is there and not condemned.

    The index tells where to look, and packs themselves what is there: a wrong index must not make anyone rely on what
    is not. `written` are packs that this writer has put itself, with their blocks and what each refers to: those are
    there unless they are condemned.
    """
    standing = _Standing(catalog, written)
    digests = {block.digest for manifest in manifests for block in manifest.blocks}
    standing.look_at(digests)
    standing.look_at({base for digest in digests for copy in standing.copies(digest) for base in copy})
    return {digest for digest in digests if not standing.holds(digest)}


class _Standing:
    """Packs that were not condemned when this was made, and were there after that."""

    def __init__(self, catalog: Catalog, written: Mapping[str, Mapping[bytes, tuple[bytes, ...]]]) -> None:
        self._catalog = catalog
        self._condemned = catalog.relist_condemned()  # before looking whether a pack is there, never after
        self._packs = {pack: blocks for pack, blocks in written.items() if pack not in self._condemned}

    def look_at(self, digests: Iterable[bytes]) -> None:
        """Look into the packs that may hold these blocks."""
        packs = {place.pack for digest in digests for place in self._catalog.places(digest)}
        for pack, entries in self._catalog.footers(packs - self._condemned - self._packs.keys()):
            self._packs[pack] = {entry.digest: entry.references for entry in entries}

    def copies(self, digest: bytes) -> Iterator[tuple[bytes, ...]]:
        """What each copy of the block refers to."""
        for place in self._catalog.places(digest):
            found = self._packs.get(place.pack, {}).get(digest)
            if found is not None:
                yield found

    def holds(self, digest: bytes) -> bool:
        return any(all(map(self._holds_plain, references)) for references in self.copies(digest))

    def _holds_plain(self, digest: bytes) -> bool:
        return () in self.copies(digest)


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
