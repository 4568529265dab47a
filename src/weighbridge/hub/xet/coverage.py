"""Which chunks of which xorbs lie in stored files, while a shard is being registered."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from weighbridge.hub.xet.chunks import Chunks
from weighbridge.hub.xet.ledger import XetLedger
from weighbridge.hub.xet.values import Run, Span


class Coverage:
    """Starts from what the ledger says, and follows what is laid down since. One flag in memory for each chunk met."""

    def __init__(self, ledger: XetLedger, chunks: Chunks) -> None:
        self._ledger = ledger
        self._chunks = chunks
        self._bare: dict[bytes, npt.NDArray[np.bool_]] = {}

    def lay(self, span: Span, sha256: str, start: int) -> Iterator[Run]:
        """Say that a span lies in a stored file from byte `start` on. Gives the runs that were not covered before."""
        table = self._chunks.table(span.xorb)
        bare = self._flags(span.xorb)[span.first : span.last]
        for first, last in _true_runs(bare):
            first, last = span.first + first, span.first + last
            yield Run(span.xorb, first, last, sha256, start + table.nbytes(span.first, first))
        bare[:] = False

    def covered(self) -> list[bytes]:
        """The xorbs met of which every chunk lies in a stored file."""
        return [xorb for xorb, bare in self._bare.items() if not bare.any()]

    def _flags(self, xorb: bytes) -> npt.NDArray[np.bool_]:
        if xorb not in self._bare:
            count = self._chunks.table(xorb).count
            bare = np.ones(count, np.bool_)
            for run in self._ledger.runs(xorb, 0, count):
                bare[run.first : run.last] = False
            self._bare[xorb] = bare
        return self._bare[xorb]


def _true_runs(flags: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(flags, prepend=False, append=False))
    return ((int(first), int(last)) for first, last in edges.reshape(-1, 2))
