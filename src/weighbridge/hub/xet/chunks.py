"""The chunks that this hub holds, wherever they lie.

A chunk's bytes lie in the xorb as it came, while that is kept, and from then on in stored files. `Chunks` finds them in
either, a few MiB at a time: memory does not grow with the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import BinaryIO

from weighbridge.errors import ForgottenXorbError, InputError, ObjectNotFoundError
from weighbridge.hub.objects import Objects
from weighbridge.hub.xet.ledger import XetLedger
from weighbridge.hub.xet.pool import XorbPool
from weighbridge.hub.xet.table import ChunkTable
from weighbridge.hub.xet.values import Run, Span
from weighbridge.wire.xet import hashing
from weighbridge.wire.xet.xorb import read_chunks

_TABLES_AT_HAND = 16  # of at most 2.6 MB each


def forgotten(xorb: bytes) -> ForgottenXorbError:
    name = hashing.to_text(xorb)
    return ForgottenXorbError(f"the upload refers to xorb {name}, which you have not sent to this hub (any more)")


class Chunks:
    """Reads chunks by xorb and index. Keeps a few tables at hand: make one for each piece of work."""

    def __init__(self, ledger: XetLedger, pool: XorbPool, objects: Objects) -> None:
        self._ledger = ledger
        self._pool = pool
        self._objects = objects
        self.table = lru_cache(_TABLES_AT_HAND)(self._table)

    def _table(self, xorb: bytes) -> ChunkTable:
        """The chunks of a xorb. Raises `ForgottenXorbError` where this hub knows none of that name."""
        packed = self._ledger.chunks(xorb)
        if packed is None:
            raise forgotten(xorb)
        return ChunkTable.unpack(packed)

    def read(self, span: Span) -> Iterator[bytes]:
        """The raw bytes of a span, in order, in pieces of a few MiB at most."""
        raw = self._pool.open(span.xorb)
        if raw is None:
            yield from self._read_stored(span)
            return
        with raw:
            yield from self._read_raw(raw, span)

    def _read_raw(self, raw: BinaryIO, span: Span) -> Iterator[bytes]:
        """From the xorb as it came. One that has been damaged since is dropped, so that it can be sent again."""
        table = self.table(span.xorb)
        raw.seek(int(table.offsets[span.first]))
        index = span.first
        try:
            for chunk in islice(read_chunks(raw), span.last - span.first):
                if chunk.hash != table.run(index, index + 1):
                    break
                yield chunk.data
                index += 1
        except InputError:
            pass  # told below, as any other damage
        if index < span.last:
            self._pool.drop(span.xorb)
            raise forgotten(span.xorb)

    def _read_stored(self, span: Span) -> Iterator[bytes]:
        table = self.table(span.xorb)
        for run in self.stored_runs(span):
            try:
                file = self._objects.open(run.sha256)
            except ObjectNotFoundError:  # collected since: then nobody holds these chunks any more
                self._ledger.forget_file(run.sha256)
                raise forgotten(span.xorb) from None
            yield from file.iter_range(run.start, run.start + table.nbytes(run.first, run.last))

    def stored_runs(self, span: Span) -> list[Run]:
        """The runs that make up a span exactly. Raises `ForgottenXorbError` where some chunk lies in no stored file."""
        table = self.table(span.xorb)
        known = self._ledger.runs(span.xorb, span.first, span.last)
        found: list[Run] = []
        at = span.first
        while at < span.last:
            run = next((run for run in known if run.first <= at < run.last), None)
            if run is None:
                raise forgotten(span.xorb)
            last = min(run.last, span.last)
            found.append(Run(span.xorb, at, last, run.sha256, run.start + table.nbytes(run.first, at)))
            at = last
        return found
