"""A stored file as a ByteSource: any range of it, decoding only the blocks that the range touches."""

from __future__ import annotations

import hashlib
import os
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from pathlib import Path

from weighbridge.errors import CorruptError, TruncatedError
from weighbridge.store import codecs
from weighbridge.store._keys import file_key
from weighbridge.store._pieces import Piece, pieces_of
from weighbridge.store._reader import BlockReader
from weighbridge.store._whole_file import write_whole_file
from weighbridge.store.manifests import EMPTY, Manifest
from weighbridge.store.page_file import DIRECT_LEAST, PageFile
from weighbridge.store.values import Progress

AHEAD = 3
"""Blocks that are decoded while the one before them is being used."""


class StoredFile:
    """A file in the store, named by its SHA-256. Safe from several threads."""

    def __init__(
        self, manifest: Manifest, reader: BlockReader, pool: Executor, name: str = "", *, ahead: int = AHEAD
    ) -> None:
        self._manifest = manifest
        self._ahead = ahead
        self._reader = reader
        self._pool = pool
        self.sha256 = manifest.sha256
        self.size = manifest.size
        self.name = name or manifest.sha256
        self._inline = decode_inline(manifest)
        self._pieces = [] if self._inline is not None else list(pieces_of(manifest))
        self._starts = [piece.offset for piece in self._pieces]

    @property
    def stored_bytes(self) -> int:
        """What it takes in the store: its manifest and its blocks' payloads, also where other files share them."""
        blocks = {block.digest: block for block in self._manifest.blocks}.values()
        return len(self._manifest.encode()) + sum(self._reader.stored_bytes(block) for block in blocks)

    @property
    def manifest(self) -> Manifest:
        return self._manifest

    def read_at(self, offset: int, length: int) -> bytes:
        """Exactly these bytes. Raises `TruncatedError` past the end, `CorruptError` where the store is damaged."""
        return b"".join(self.iter_range(offset, offset + length))

    def iter_range(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` up to `stop`, in pieces of at most a block, each checked before it is given out.

        A range that is the whole file also checks its SHA-256, before the last piece.
        """
        stop = self.size if stop is None else stop
        if not 0 <= start <= stop <= self.size:
            raise TruncatedError(f"expected bytes {start:,} to {stop:,} of a file of {self.size:,}", where=self.name)
        pieces = self._inline_range(start, stop) if self._inline is not None else self._blocks_range(start, stop)
        return self._checked(pieces) if (start, stop) == (0, self.size) else pieces

    def save(self, path: Path, *, progress: Progress | None = None) -> None:
        """Write the whole file to a new one at `path`, durably, and check its SHA-256.

        What is at `path` is not checked before this returns, and must be removed if it raises: `CorruptError` with the
        damaged block, `FileExistsError`, or `OSError`.
        """
        if self.size < DIRECT_LEAST:
            return self._save_checked(path, progress)
        with PageFile(path) as file:
            sha256 = write_whole_file(self._pieces, self._decode_piece, self._pool, file, progress)
        if sha256 == self.sha256:
            return None
        path.unlink()  # some block is not what it should be: find out which, and whether another copy is sound
        return self._save_checked(path, None)

    def _save_checked(self, path: Path, progress: Progress | None) -> None:
        with path.open("xb") as stream:
            for piece in self.iter_range():
                stream.write(piece)
                if progress:
                    progress(len(piece))
            stream.flush()
            os.fsync(stream.fileno())

    def _decode_piece(self, piece: Piece, out: memoryview) -> None:
        if piece.length == piece.block.length:
            self._reader.read_unchecked(piece.block, self.name, out)
        else:
            out[:] = memoryview(self._reader.read(piece.block, self.name))[piece.start : piece.start + piece.length]

    def _inline_range(self, start: int, stop: int) -> Iterator[bytes]:
        if start < stop and self._inline is not None:
            yield self._inline[start:stop]

    def _blocks_range(self, start: int, stop: int) -> Iterator[bytes]:
        """Blocks of the range, a few decoded ahead."""
        first = max(bisect_right(self._starts, start) - 1, 0)
        end = bisect_right(self._starts, stop - 1) if stop > start else first
        waiting: deque[tuple[Piece, Future[bytes]]] = deque()
        try:
            for number in range(first, end):
                piece = self._pieces[number]
                waiting.append((piece, self._pool.submit(self._reader.read, piece.block, self.name)))
                if len(waiting) > self._ahead:
                    yield _part(*waiting.popleft(), start, stop)
            while waiting:
                yield _part(*waiting.popleft(), start, stop)
        finally:
            for _, future in waiting:
                future.cancel()

    def _checked(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        digest = hashlib.sha256()
        held: bytes | None = None
        for piece in pieces:
            if held is not None:
                yield held
            digest.update(piece)
            held = piece
        if digest.hexdigest() != self.sha256:
            raise CorruptError(
                f"its blocks are sound but make a file with sha256 {digest.hexdigest()}", where=file_key(self.sha256)
            )
        if held is not None:
            yield held


def _part(piece: Piece, future: Future[bytes], start: int, stop: int) -> bytes:
    raw = future.result()
    low = piece.start + max(start - piece.offset, 0)
    high = piece.start + min(stop - piece.offset, piece.length)
    return raw if (low, high) == (0, len(raw)) else raw[low:high]


def decode_inline(manifest: Manifest) -> bytes | None:
    """The content of a file that lives in its manifest, checked; None for one that is in blocks."""
    inline = manifest.inline
    if inline is None:
        return None
    if manifest.size == 0 and inline == EMPTY:
        return b""
    try:
        raw = codecs.decode(inline.codec, inline.version, inline.payload, manifest.size)
    except CorruptError as error:
        raise CorruptError(f"the content of file {manifest.sha256}: {error}", where=file_key(manifest.sha256)) from None
    if hashlib.sha256(raw).hexdigest() != manifest.sha256:
        raise CorruptError("its content does not match its sha256", where=file_key(manifest.sha256))
    return raw
