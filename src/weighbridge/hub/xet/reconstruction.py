"""How a client gets a file back by chunks: which spans to fetch, and the bytes of one.

A span is served as a part of the xorb serialised without compression, made from wherever the chunks lie. Where each
chunk begins in it follows from the chunk table alone, so addresses are given out before a byte is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from weighbridge.hub.xet.table import ChunkTable
from weighbridge.hub.xet.values import Span
from weighbridge.wire.xet.xorb import ChunkHeader, Scheme

Tables = Callable[[bytes], ChunkTable]


@dataclass(frozen=True, slots=True)
class Part:
    """One span to fetch: its raw bytes, where it lies in the plain xorb (`start` to `stop`), and its address."""

    span: Span
    nbytes: int
    start: int
    stop: int
    address: str


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """The parts that hold the wanted bytes, which begin `skip` bytes into the first."""

    skip: int
    parts: tuple[Part, ...]


def spans_of(spans: Iterable[Span], tables: Tables, start: int, stop: int) -> tuple[int, list[Span]]:
    """The whole chunks that hold bytes `start` to `stop` (exclusive) of a file, and where those begin in the first."""
    wanted: list[Span] = []
    skip = at = 0
    for span in spans:
        table = tables(span.xorb)
        end = at + table.nbytes(span.first, span.last)
        if at < stop and start < end:
            first = _chunk_at(table, span, max(start - at, 0))
            last = _chunk_at(table, span, min(stop, end) - at - 1) + 1
            if not wanted:
                skip = start - at - table.nbytes(span.first, first)
            wanted.append(Span(span.xorb, first, last))
        at = end
    return skip, wanted


def _chunk_at(table: ChunkTable, span: Span, offset: int) -> int:
    """The chunk that holds a byte, counted from the beginning of the span."""
    return int(np.searchsorted(table.ends, table.start(span.first) + offset, side="right"))


def plain(table: ChunkTable, span: Span, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks of a span with their headers, uncompressed, from its raw bytes in whatever pieces they come."""
    waiting = bytearray()
    source = iter(pieces)
    for chunk in range(span.first, span.last):
        length = table.nbytes(chunk, chunk + 1)
        while len(waiting) < length:
            waiting += next(source)
        yield ChunkHeader(Scheme.NONE, length, length).pack() + waiting[:length]
        del waiting[:length]
