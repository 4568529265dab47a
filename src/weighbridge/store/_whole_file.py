"""A whole file out of the store and onto a disk, as fast as its SHA-256 can be made.

Blocks are decoded straight into windows of memory that is then hashed while it is in the cache, and written from where
it lies. Their BLAKE3 is not compared here: the SHA-256 proves every byte before the file gets its name.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from weighbridge.store._pieces import Piece
from weighbridge.store.codecs import MAX_BLOCK
from weighbridge.store.page_file import PAGE, PageFile, page_memory
from weighbridge.store.values import Progress

WINDOW_BYTES = 8 << 20
"""What is hashed and written in one go: a few blocks, and little enough to stay in the cache meanwhile."""

_DECODING, _WINDOWS = 2, 4
"""Windows that are being decoded, and all of them: one more is hashed, and one written."""


@dataclass(frozen=True, slots=True)
class _Window:
    """Bytes `begin` to `end` of the file, in memory whose first byte is that of the page where `begin` lies."""

    memory: memoryview
    begin: int
    end: int
    decoding: list[Future[None]]

    @property
    def bytes(self) -> memoryview:
        return self.memory[self.begin % PAGE : self.filled]

    @property
    def filled(self) -> int:
        return self.begin % PAGE + self.end - self.begin


def write_whole_file(
    pieces: Iterable[Piece],
    decode: Callable[[Piece, memoryview], None],
    pool: Executor,
    file: PageFile,
    progress: Progress | None = None,
) -> str:
    """Write pieces that follow each other without gaps from 0; returns their SHA-256 in hex.

    `decode` fills memory of a piece's length, in threads of `pool`. Raises what it raises, and `OSError`.
    """
    digest = hashlib.sha256()
    free = [page_memory(PAGE + max(WINDOW_BYTES, MAX_BLOCK)) for _ in range(_WINDOWS)]
    decoding: deque[_Window] = deque()
    writing: deque[tuple[Future[None], memoryview]] = deque()
    tail = b""

    def hash_and_write(window: _Window) -> bytes:
        """Returns the bytes that do not fill a page: they are written with the next window."""
        for decoded in window.decoding:
            decoded.result()
        window.memory[: len(tail)] = tail
        whole = window.filled // PAGE * PAGE
        writing.append((disk.submit(file.write_pages, window.memory[:whole]), window.memory))
        digest.update(window.bytes)
        if progress:
            progress(len(window.bytes))
        return bytes(window.memory[whole : window.filled])

    with ThreadPoolExecutor(1, "weighbridge-disk") as disk:
        try:
            for group in _groups(pieces):
                if len(decoding) == _DECODING:
                    tail = hash_and_write(decoding.popleft())
                if not free:
                    written, memory = writing.popleft()
                    written.result()
                    free.append(memory)
                decoding.append(_start(group, decode, pool, free.pop()))
            while decoding:
                tail = hash_and_write(decoding.popleft())
            for written, _ in writing:
                written.result()
        finally:
            _abandon(decoding)
    file.finish(tail)
    return digest.hexdigest()


def _start(
    group: list[Piece], decode: Callable[[Piece, memoryview], None], pool: Executor, memory: memoryview
) -> _Window:
    begin, end = group[0].offset, group[-1].offset + group[-1].length
    origin = begin - begin % PAGE
    decoding = [
        pool.submit(decode, piece, memory[piece.offset - origin : piece.offset - origin + piece.length])
        for piece in group
    ]
    return _Window(memory, begin, end, decoding)


def _groups(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Pieces that share a window."""
    group: list[Piece] = []
    held = 0
    for piece in pieces:
        if group and held + piece.length > WINDOW_BYTES:
            yield group
            group, held = [], 0
        group.append(piece)
        held += piece.length
    if group:
        yield group


def _abandon(decoding: Iterable[_Window]) -> None:
    """After an error: nothing may still be decoded for a file that will not be."""
    futures = [future for window in decoding for future in window.decoding if not future.cancel()]
    wait(futures)
