"""A store on local disk: which names and files it holds, and the bytes of each."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import sealed
import upkeep
from blake3 import blake3
from payload import decode
from refusal import MissingError, RefusedError

KEYS = {
    "pack": re.compile(r"packs/([0-9a-f]{2})/\1[0-9a-f]{62}\.pack"),
    "file": re.compile(r"files/([0-9a-f]{2})/\1[0-9a-f]{62}"),
    "name": re.compile(r"names/([0-9a-f]{2})/\1[0-9a-f]{62}"),
    "mark": re.compile(r"condemned/([0-9a-f]{2})/\1[0-9a-f]{62}"),
    "hold": re.compile(r"holds/([0-9a-f]{2})/\1[0-9a-f]{62}"),
    "configuration": re.compile(r"weighbridge-store"),
    "ignored": re.compile(r"(tmp|index)/.*", re.DOTALL),
    "stray": re.compile(r".*", re.DOTALL),
}


class Store:
    """A folder that holds a store. Opening it reads its configuration, its keys and the footers of its packs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / "weighbridge-store").is_file():
            raise MissingError(f"{folder} is not a store: it has no weighbridge-store")
        self.id = sealed.configuration(self._object("weighbridge-store"))
        self.keys: dict[str, list[str]] = {kind: [] for kind in KEYS}
        for path in sorted(path for path in folder.rglob("*") if not path.is_dir()):
            key = path.relative_to(folder).as_posix()
            self.keys[next(kind for kind, form in KEYS.items() if form.fullmatch(key))].append(key)
        self.damaged_packs: list[RefusedError] = []  # packs that cannot be believed; the others still read
        self._entries: dict[bytes, list[tuple[str, sealed.Entry]]] = defaultdict(list)
        for key in self.keys["pack"]:
            self._open_pack(key)

    def names(self) -> list[str]:
        """The keys of all bindings."""
        return self.keys["name"]

    def files(self) -> list[str]:
        """The keys of all manifests."""
        return self.keys["file"]

    def binding(self, key: str) -> sealed.Binding:
        """The binding under a key."""
        return sealed.binding(self._object(key), key)

    def manifest(self, sha256: str) -> sealed.Manifest:
        """The manifest of the file with this SHA-256, in hex."""
        key = f"files/{sha256[:2]}/{sha256}"
        return sealed.manifest(self._object(key), key)

    def mark(self, key: str) -> upkeep.Mark:
        """The mark under a key."""
        return upkeep.mark(self._object(key), key)

    def hold(self, key: str) -> upkeep.Hold:
        """The hold under a key."""
        return upkeep.hold(self._object(key), key)

    def find(self, name: str) -> str:
        """The SHA-256, in hex, of the file that a name stands for."""
        digest = blake3(name.encode()).hexdigest()
        return self.binding(f"names/{digest[:2]}/{digest}").sha256.hex()

    def content(self, sha256: str) -> Iterator[bytes]:
        """The bytes of a file, piece by piece.

        Each block was checked when it is given. The SHA-256 of the whole is compared after the last piece.
        """
        manifest, hashed, size = self.manifest(sha256), hashlib.sha256(), 0
        for piece in self._pieces(manifest):
            hashed.update(piece)
            size += len(piece)
            yield piece
        if hashed.hexdigest() != sha256:
            raise RefusedError(8, "the SHA-256 is that of the file", hashed.hexdigest(), f"files/{sha256[:2]}/{sha256}")

    def block(self, wanted: sealed.Block) -> bytes:
        """The raw bytes of a block, from the first pack that has a whole copy."""
        name, failure = wanted.digest.hex(), None
        for key, entry in self._entries.get(wanted.digest, []):
            try:
                return self._decoded(key, entry, wanted)
            except RefusedError as refused:
                failure = failure or refused
        if failure is not None:
            raise failure
        damaged = "".join(f"; {refused}" for refused in self.damaged_packs)
        raise MissingError(f"block {name} is in no pack that can be read{damaged}")

    def _pieces(self, manifest: sealed.Manifest) -> Iterator[bytes]:
        if manifest.inline is not None:
            yield self._inline(manifest, manifest.inline)
            return
        rest = _Rest(map(self.block, manifest.rest))
        at = 0
        for region in manifest.regions:
            yield from rest.take(region.offset - at)
            yield from map(self.block, region.blocks)
            at = region.offset + region.length
        yield from rest.take(manifest.size - at)

    def _inline(self, manifest: sealed.Manifest, inline: sealed.Inline) -> bytes:
        if (manifest.size, inline.codec, inline.version, inline.payload) == (0, 0, 1, b""):
            return b""  # the one payload that stands for no bytes
        try:
            return decode(inline.codec, inline.version, inline.payload, manifest.size)
        except RefusedError as refused:
            raise refused.inside(f"inline payload of file {manifest.sha256.hex()}") from None

    def _decoded(self, key: str, entry: sealed.Entry, wanted: sealed.Block) -> bytes:
        where = f"block {wanted.digest.hex()} at byte {entry.start} of {key}"
        if entry.raw_length != wanted.length:
            raise RefusedError(0, f"the block has the {wanted.length} bytes of the manifest", entry.raw_length, where)
        with (self.folder / key).open("rb") as file:
            file.seek(entry.start)
            payload = file.read(entry.length)
        references = [self._reference(digest) for digest in entry.references]
        try:
            block = decode(entry.codec, entry.version, payload, entry.raw_length, references)
        except RefusedError as refused:
            raise refused.inside(where) from None
        if blake3(block).digest() != wanted.digest:
            raise RefusedError(0, "the BLAKE3 of the block is its name", blake3(block).hexdigest(), where)
        if blake3(payload).digest()[:8] != entry.payload_check:
            raise RefusedError(
                0, "the BLAKE3 of the payload begins as the entry says", entry.payload_check.hex(), where
            )
        return block

    def _reference(self, digest: bytes) -> bytes:
        """The raw bytes of a block that another one needs; it needs none itself."""
        failure = None
        for key, entry in self._entries.get(digest, []):
            if not entry.references:
                try:
                    return self._decoded(key, entry, sealed.Block(digest, entry.raw_length))
                except RefusedError as refused:
                    failure = failure or refused
        raise failure or MissingError(
            f"reference {digest.hex()} is in no pack that can be read, or needs others itself"
        )

    def _open_pack(self, key: str) -> None:
        try:
            with (self.folder / key).open("rb") as file:
                entries = sealed.pack(file, key)
        except RefusedError as refused:
            self.damaged_packs.append(refused)
            return
        for entry in entries:
            self._entries[entry.block].append((key, entry))

    def _object(self, key: str) -> bytes:
        try:
            return (self.folder / key).read_bytes()
        except FileNotFoundError:
            raise MissingError(f"the store has no object {key}") from None


class _Rest:
    """The rest of a file, taken in pieces that need not end where its blocks do."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self.blocks, self.block, self.at = blocks, b"", 0

    def take(self, count: int) -> Iterator[bytes]:
        """The next `count` bytes of the rest."""
        while count:
            if self.at == len(self.block):
                self.block, self.at = next(self.blocks), 0
            piece = self.block[self.at : self.at + count]
            self.at += len(piece)
            count -= len(piece)
            yield piece
