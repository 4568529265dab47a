"""What is known of one xorb once it has been checked: its chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from weighbridge.errors import InvalidUploadError
from weighbridge.wire.xet import hashing
from weighbridge.wire.xet.xorb import HEADER_BYTES, Chunk

_U32 = np.dtype("<u4")
_ENTRY_BYTES = hashing.HASH_BYTES + 2 * _U32.itemsize


@dataclass(frozen=True, slots=True)
class ChunkTable:
    """Hashes (32 bytes each), where each chunk ends among the raw bytes, and where its header lies in the serialised
    xorb. ``ChunkTable.unpack(table.pack()) == table``; 40 bytes for each chunk.
    """

    hashes: bytes
    ends: npt.NDArray[np.uint32]
    offsets: npt.NDArray[np.uint32]

    @classmethod
    def of(cls, chunks: Iterable[Chunk]) -> ChunkTable:
        """The table of these chunks, which are read once and not kept."""
        hashes, ends, offsets, end = bytearray(), [], [], 0
        for chunk in chunks:
            end += len(chunk.data)
            hashes += chunk.hash
            ends.append(end)
            offsets.append(chunk.offset)
        return cls(bytes(hashes), np.array(ends, _U32), np.array(offsets, _U32))

    @classmethod
    def unpack(cls, data: bytes) -> ChunkTable:
        count = len(data) // _ENTRY_BYTES
        numbers = np.frombuffer(data, _U32, 2 * count, count * hashing.HASH_BYTES)
        return cls(data[: count * hashing.HASH_BYTES], numbers[:count], numbers[count:])

    def pack(self) -> bytes:
        return self.hashes + self.ends.tobytes() + self.offsets.tobytes()

    @property
    def count(self) -> int:
        return len(self.ends)

    @property
    def xorb(self) -> bytes:
        """The hash that names a xorb of these chunks."""
        return hashing.xorb_hash(self.nodes(0, self.count))

    def require(self, first: int, last: int) -> None:
        """Raise `InvalidUploadError` unless there are chunks `first` to `last` (exclusive)."""
        if not 0 <= first < last <= self.count:
            raise InvalidUploadError(f"chunks {first:,} to {last:,} of a xorb that has {self.count:,}")

    def start(self, chunk: int) -> int:
        """Where a chunk begins among the raw bytes; for the number of chunks, where they all end."""
        return int(self.ends[chunk - 1]) if chunk else 0

    def nbytes(self, first: int, last: int) -> int:
        """Raw bytes of chunks `first` to `last` (exclusive)."""
        return self.start(last) - self.start(first)

    def run(self, first: int, last: int) -> bytes:
        """The hashes of chunks `first` to `last` (exclusive), one after another."""
        return self.hashes[first * hashing.HASH_BYTES : last * hashing.HASH_BYTES]

    def nodes(self, first: int, last: int) -> Iterator[hashing.Node]:
        """Hash and raw length of chunks `first` to `last` (exclusive)."""
        for chunk in range(first, last):
            yield self.run(chunk, chunk + 1), self.nbytes(chunk, chunk + 1)

    def plain_offset(self, chunk: int) -> int:
        """Where a chunk's header lies in the xorb serialised without compression."""
        return self.start(chunk) + chunk * HEADER_BYTES
