"""Taking files in: read once, hashed, cut, coded, packed, acknowledged.

The caller's thread goes through the file in order; another makes its SHA-256; a pool hashes and codes blocks, whose
results come back in order; one more writes packs. What is in memory at any time is a few blocks, the pack being filled
and the one being written, whatever the size of the file (docs/design/0011-where-the-time-goes.md).
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from blake3 import blake3

from weighbridge.errors import CorruptError, FileChangedError, ObjectNotFoundError
from weighbridge.store import _holds, codecs
from weighbridge.store._catalog import Catalog
from weighbridge.store._cutting import ContentCutter, Span, TensorRange, regions_of, spans
from weighbridge.store._keys import file_key
from weighbridge.store._pack_writer import PackWriter
from weighbridge.store._pairing import FileBases, RegionCoder, plain
from weighbridge.store._securing import endangered, reread
from weighbridge.store._shelf import Shelf
from weighbridge.store._sketch import sketch
from weighbridge.store.backends import Backend
from weighbridge.store.manifests import EMPTY, INLINE_LIMIT, Inline, Manifest, Region
from weighbridge.store.packs import Payload
from weighbridge.store.values import BlockRef, Progress, Stored
from weighbridge.tensors import ByteSource

_REST = -1
_HASHED_BEHIND = 4
"""Spans that the SHA-256 may be behind the reading: it is the longest of all tasks, so it must never wait for one."""


@dataclass(slots=True)
class _Draft:
    """A file on its way in: what of it is known, and what it cost so far."""

    source: ByteSource
    regions: tuple[TensorRange, ...]
    bases: FileBases
    started: float = field(default_factory=time.perf_counter)
    blocks: dict[int, list[BlockRef]] = field(default_factory=dict)
    sketches: dict[int, bytes] = field(default_factory=dict)
    new_bytes: int = 0
    new_blocks: int = 0

    def manifest(self, sha256: str) -> Manifest:
        regions = tuple(
            Region(r.offset, r.nbytes, r.dtype.name, tuple(self.blocks[number]), r.row, self.sketches[number])
            for number, r in enumerate(self.regions)
        )
        return Manifest(sha256, self.source.size, regions, tuple(self.blocks.get(_REST, ())))


@dataclass(frozen=True, slots=True)
class _Coded:
    """What the pool gives back for a block: where it belongs, and its payload unless the store has it already."""

    region: int
    block: BlockRef
    payload: Payload | None
    base: str = ""
    factors: Payload | None = None


@dataclass(frozen=True, slots=True)
class _Piece:
    """A block to be: of which region, from which byte of it on, and what codes it; in the rest, nothing does."""

    region: int
    at: int
    raw: bytes
    coder: RegionCoder | None = None


class Ingest:
    """One writing session: files that share packs, and are acknowledged together when `finish` returns.

    Not for several threads; any number of sessions may run at once. `packs` and `shelf` are this session's own; `hints`
    are files that what is taken in may come from.
    """

    def __init__(
        self,
        backend: Backend,
        catalog: Catalog,
        pool: Executor,
        packs: PackWriter,
        shelf: Shelf,
        *,
        window: int,
        hints: Sequence[str] = (),
    ) -> None:
        self._backend = backend
        self._catalog = catalog
        self._pool = pool
        self._packs = packs
        self._shelf = shelf
        self._hints = hints
        self._window = window
        self._drafts: list[tuple[_Draft, Manifest]] = []
        self._fresh = False

    def take(self, source: ByteSource, progress: Progress | None = None) -> None:
        """Read and code a file. Nothing of it can be seen before `finish`."""
        if source.size <= INLINE_LIMIT:
            return self._take_inline(source, progress)
        if not self._fresh:  # what other processes have stored since need not be stored again
            self._catalog.refresh()
            self._fresh = True
        draft = _Draft(source, regions_of(source), FileBases(self._shelf, self._hints))
        digest = hashlib.sha256()
        with ThreadPoolExecutor(1, "weighbridge-sha256") as hasher:
            for coded in self._coded(_pieces(draft, hasher, digest, progress)):
                self._place(draft, coded)
        manifest = draft.manifest(digest.hexdigest())
        self._shelf.families.note(manifest)
        self._drafts.append((draft, manifest))
        return None

    def finish(self) -> list[Stored]:
        """Write what is still in memory: packs, then manifests. The files are safe when this returns."""
        self._packs.finish()
        blocks = {block.digest for _, manifest in self._drafts for block in manifest.blocks}
        with _holds.hold(self._backend, blocks) as hold:
            self._secure()
            stored = [self._acknowledge(draft, manifest) for draft, manifest in self._drafts]
            if not _holds.stands(self._backend, hold):
                self._secure()
        self._drafts = []
        return stored

    def _secure(self) -> None:
        """Store again what the files rely on and a collector is about to delete (spec/store.md, Collection)."""
        manifests = [manifest for _, manifest in self._drafts if manifest.inline is None]
        lost = endangered(self._catalog, manifests, self._packs.written) if manifests else set()
        for draft, manifest in self._drafts if lost else ():
            for raw, layout in reread(draft.source, manifest, lost):
                digest = blake3(raw).digest()
                self._add(draft, plain(digest, raw, layout).payload)
                lost.discard(digest)
        self._packs.finish()

    def _take_inline(self, source: ByteSource, progress: Progress | None) -> None:
        data = source.read_at(0, source.size)
        inline = _inline(data) if data else EMPTY
        manifest = Manifest(hashlib.sha256(data).hexdigest(), len(data), inline=inline)
        self._drafts.append((_Draft(source, (), FileBases(self._shelf)), manifest))
        if progress:
            progress(len(data))

    def _coded(self, pieces: Iterator[_Piece]) -> Iterator[_Coded]:
        """Blocks through the pool, in order, with a few on their way at any time."""
        waiting: deque[Future[_Coded]] = deque()
        try:
            for piece in pieces:
                waiting.append(self._pool.submit(self._code, piece))
                if len(waiting) >= self._window:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _code(self, piece: _Piece) -> _Coded:
        raw = piece.raw
        digest = blake3(raw).digest()
        block = BlockRef(digest, len(raw))
        if self._packs.holds(digest) or self._catalog.knows(digest):
            return _Coded(piece.region, block, None)
        coder = piece.coder
        attempt = coder.code(digest, raw, piece.at) if coder else plain(digest, raw, codecs.OPAQUE)
        return _Coded(piece.region, block, attempt.payload, attempt.base, attempt.factors)

    def _place(self, draft: _Draft, coded: _Coded) -> None:
        draft.blocks.setdefault(coded.region, []).append(coded.block)
        payload = coded.payload
        if payload is None or self._packs.holds(payload.digest) or self._catalog.knows(payload.digest):
            return
        factors = coded.factors
        if factors is not None and not self._packs.holds(factors.digest) and not self._catalog.knows(factors.digest):
            draft.new_bytes += self._packs.add(factors)
        self._add(draft, payload)
        if coded.base:
            draft.bases.used(coded.base)

    def _add(self, draft: _Draft, payload: Payload) -> None:
        draft.new_bytes += self._packs.add(payload)
        draft.new_blocks += 1

    def _acknowledge(self, draft: _Draft, manifest: Manifest) -> Stored:
        sealed = manifest.encode()
        wrote = self._put_manifest(manifest, sealed)
        blocks = sum(len(blocks) for blocks in draft.blocks.values())
        return Stored(
            name=draft.source.name,
            sha256=manifest.sha256,
            size=manifest.size,
            new_bytes=draft.new_bytes + (len(sealed) if wrote else 0),
            blocks=blocks,
            new_blocks=draft.new_blocks,
            seconds=time.perf_counter() - draft.started,
            bases=draft.bases.uses(),
        )

    def _put_manifest(self, manifest: Manifest, sealed: bytes) -> bool:
        """Write a manifest unless a sound one is there; a damaged one is replaced."""
        key = file_key(manifest.sha256)
        try:
            Manifest.decode(self._backend.get(key), manifest.sha256)
        except ObjectNotFoundError:
            return self._backend.put(key, [sealed])
        except CorruptError:
            return self._backend.put(key, [sealed], replace=True)
        return False


def _pieces(draft: _Draft, hasher: Executor, digest: hashlib._Hash, progress: Progress | None) -> Iterator[_Piece]:
    """Blocks in file order (the rest's as they become certain), while another thread makes the SHA-256."""
    cutter = ContentCutter()
    hashing: deque[Future[None]] = deque()
    coder: RegionCoder | None = None
    for span in spans(draft.source.size, draft.regions):
        raw = _read(draft.source, span)
        hashing.append(hasher.submit(digest.update, raw))
        if len(hashing) > _HASHED_BEHIND:
            hashing.popleft().result()
        if span.region == _REST:
            yield from (_Piece(_REST, 0, chunk) for chunk in cutter.feed(raw))
        else:
            at = span.offset - draft.regions[span.region].offset
            coder = coder if at else _coder(draft, span.region, raw)
            yield _Piece(span.region, at, raw, coder)
        if progress:
            progress(span.length)
    yield from (_Piece(_REST, 0, chunk) for chunk in cutter.finish())
    for hashed in hashing:
        hashed.result()


def _coder(draft: _Draft, number: int, first: bytes) -> RegionCoder:
    """What codes the blocks of a region, the first of which is this; notes the region's sketch."""
    region = draft.regions[number]
    draft.sketches[number] = sketch(first, region.nbytes, region.dtype.name)
    return RegionCoder(draft.bases, draft.source, region, draft.sketches[number])


def _inline(data: bytes) -> Inline:
    codec, payload = codecs.encode(data)
    return Inline(codec.id, codec.version, payload)


def _read(source: ByteSource, span: Span) -> bytes:
    raw = source.read_at(span.offset, span.length)
    if len(raw) != span.length:
        raise FileChangedError(f"gave {len(raw):,} of {span.length:,} bytes at {span.offset:,}", where=source.name)
    return raw
