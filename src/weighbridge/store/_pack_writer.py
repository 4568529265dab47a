"""Packs on their way out: while one is written and made durable, the next one fills.

Coding never waits for the disk, unless the disk is slower than coding. At most two packs are in memory.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from weighbridge.store._catalog import Catalog
from weighbridge.store.packs import ENTRY_BYTES, FRAME_BYTES, PACK_TARGET, REFERENCE_BYTES, PackBuilder, Payload


class PackWriter:
    """Gathers payloads into packs, and writes these one after the other. One thread adds; any may ask."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._disk = ThreadPoolExecutor(1, "weighbridge-packs")
        self._pack = PackBuilder()
        self._filling: dict[bytes, Payload] = {}
        self._leaving: dict[bytes, Payload] = {}
        self._writing: Future[str | None] | None = None
        self.written: dict[str, dict[bytes, tuple[bytes, ...]]] = {}
        """The packs that this writer has put, where no equal one was before: their blocks and what each refers to."""

    def holds(self, digest: bytes) -> bool:
        """Whether the block is in a pack that is not yet known to be durable."""
        return digest in self._filling or digest in self._leaving

    def find(self, digest: bytes) -> Payload | None:
        """What is kept of the block in such a pack; None where no such pack holds it."""
        return self._filling.get(digest) or self._leaving.get(digest)

    def add(self, payload: Payload) -> int:
        """Put a payload into the pack; returns by how many bytes the store will grow. Raises what writing raised."""
        first = 0 if len(self._pack) else FRAME_BYTES
        self._pack.add(payload)
        self._filling[payload.digest] = payload
        if self._pack.nbytes >= PACK_TARGET:
            self._hand_over()
        return first + len(payload.data) + ENTRY_BYTES + REFERENCE_BYTES * len(payload.references)

    def finish(self) -> None:
        """Every payload is durable and in the index when this returns. Raises what writing raised."""
        if len(self._pack):
            self._hand_over()
        self._settle()

    def _hand_over(self) -> None:
        self._settle()
        full, self._leaving = self._pack, self._filling
        self._pack, self._filling = PackBuilder(), {}
        self._writing = self._disk.submit(self._catalog.write, full)

    def _settle(self) -> None:
        """Wait for the pack that is being written. Its blocks are in the index before they are forgotten here."""
        writing, self._writing = self._writing, None
        if writing is not None:
            if pack := writing.result():
                self.written[pack] = {digest: payload.references for digest, payload in self._leaving.items()}
            self._leaving = {}

    def close(self) -> None:
        """Let what is being written end, and drop what is not."""
        self._disk.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
