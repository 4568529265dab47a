"""Taking files in: read once, hashed, cut, coded, packed, acknowledged.

The caller's thread goes through the file in order; another makes its SHA-256; a pool hashes and codes blocks, whose
results come back in order; one more writes packs. What is in memory at any time is a few blocks, the pack being filled
and the one being written, whatever the size of the file (docs/design/0011-where-the-time-goes.md).
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from blake3 import blake3

from weighbridge.errors import CorruptError, FileChangedError, ObjectNotFoundError
from weighbridge.store import codecs
from weighbridge.store._catalog import Catalog
from weighbridge.store._cutting import ContentCutter, Span, TensorRange, regions_of, spans
from weighbridge.store._keys import file_key
from weighbridge.store._pack_writer import PackWriter
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


class Ingest:
    """One writing session: files that share packs, and are acknowledged together when `finish` returns.

    Not for several threads; any number of sessions may run at once. `packs` is this session's own.
    """

    def __init__(self, backend: Backend, catalog: Catalog, pool: Executor, packs: PackWriter, threads: int) -> None:
        self._backend = backend
        self._catalog = catalog
        self._pool = pool
        self._packs = packs
        self._window = 2 * threads + 2
        self._drafts: list[tuple[_Draft, Manifest]] = []
        self._fresh = False

    def take(self, source: ByteSource, progress: Progress | None = None) -> None:
        """Read and code a file. Nothing of it can be seen before `finish`."""
        if source.size <= INLINE_LIMIT:
            return self._take_inline(source, progress)
        if not self._fresh:  # what other processes have stored since need not be stored again
            self._catalog.refresh()
            self._fresh = True
        draft = _Draft(source, regions_of(source))
        digest = hashlib.sha256()
        with ThreadPoolExecutor(1, "weighbridge-sha256") as hasher:
            for coded in self._coded(_pieces(draft, hasher, digest, progress)):
                self._place(draft, coded)
        self._drafts.append((draft, draft.manifest(digest.hexdigest())))
        return None

    def finish(self) -> list[Stored]:
        """Write what is still in memory: packs, then manifests. The files are safe when this returns."""
        self._packs.finish()
        stored = [self._acknowledge(draft, manifest) for draft, manifest in self._drafts]
        self._drafts = []
        return stored

    def _take_inline(self, source: ByteSource, progress: Progress | None) -> None:
        data = source.read_at(0, source.size)
        inline = _inline(data) if data else EMPTY
        self._drafts.append((_Draft(source, ()), Manifest(hashlib.sha256(data).hexdigest(), len(data), inline=inline)))
        if progress:
            progress(len(data))

    def _coded(self, pieces: Iterator[tuple[int, bytes, codecs.Layout]]) -> Iterator[_Coded]:
        """Blocks through the pool, in order, with a few on their way at any time."""
        waiting: deque[Future[_Coded]] = deque()
        try:
            for region, raw, layout in pieces:
                waiting.append(self._pool.submit(self._code, region, raw, layout))
                if len(waiting) >= self._window:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _code(self, region: int, raw: bytes, layout: codecs.Layout) -> _Coded:
        digest = blake3(raw).digest()
        block = BlockRef(digest, len(raw))
        if self._packs.holds(digest) or self._catalog.knows(digest):
            return _Coded(region, block, None)
        codec, data = codecs.encode(raw, layout)
        check = digest[:8] if codec.id == codecs.CODECS[0].id else blake3(data).digest()[:8]
        return _Coded(region, block, Payload(digest, check, len(raw), codec.id, codec.version, data))

    def _place(self, draft: _Draft, coded: _Coded) -> None:
        draft.blocks.setdefault(coded.region, []).append(coded.block)
        payload = coded.payload
        if payload is None or self._packs.holds(payload.digest) or self._catalog.knows(payload.digest):
            return
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


def _pieces(
    draft: _Draft, hasher: Executor, digest: hashlib._Hash, progress: Progress | None
) -> Iterator[tuple[int, bytes, codecs.Layout]]:
    """Blocks in file order (the rest's as they become certain), while another thread makes the SHA-256."""
    layouts = [codecs.layout_of(extent.dtype.name) for extent in draft.regions]
    cutter = ContentCutter()
    hashing: deque[Future[None]] = deque()
    for span in spans(draft.source.size, draft.regions):
        raw = _read(draft.source, span)
        hashing.append(hasher.submit(digest.update, raw))
        if len(hashing) > _HASHED_BEHIND:
            hashing.popleft().result()
        if span.region == _REST:
            for chunk in cutter.feed(raw):
                yield _REST, chunk, codecs.OPAQUE
        else:
            region = draft.regions[span.region]
            if span.region not in draft.sketches:
                draft.sketches[span.region] = sketch(raw, region.nbytes, region.dtype.name)
            yield span.region, raw, layouts[span.region]
        if progress:
            progress(span.length)
    for chunk in cutter.finish():
        yield _REST, chunk, codecs.OPAQUE
    for hashed in hashing:
        hashed.result()


def _inline(data: bytes) -> Inline:
    codec, payload = codecs.encode(data)
    return Inline(codec.id, codec.version, payload)


def _read(source: ByteSource, span: Span) -> bytes:
    raw = source.read_at(span.offset, span.length)
    if len(raw) != span.length:
        raise FileChangedError(f"gave {len(raw):,} of {span.length:,} bytes at {span.offset:,}", where=source.name)
    return raw
