"""Where a file is cut: inside each tensor from its own start, and by content everywhere else (spec/store.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from weighbridge import formats, native
from weighbridge.errors import FileChangedError, WeighbridgeError
from weighbridge.store._sketch import row_length
from weighbridge.tensors import ByteSource, DType, Extent, TensorInfo

BLOCK_BYTES = 2 << 20
LEAST_REGION = 4 << 10
CUT_LEAST, CUT_BITS, CUT_MOST = 32 << 10, 17, 512 << 10
READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes to read in one go: a block of the region with this number, or (region -1) a stretch of the rest."""

    offset: int
    length: int
    region: int = -1


@dataclass(frozen=True, slots=True)
class TensorRange:
    """A region to be: where it lies, of which dtype, and how many elements make a row, 0 if that is not known."""

    offset: int
    nbytes: int
    dtype: DType
    row: int = 0

    @property
    def end(self) -> int:
        return self.offset + self.nbytes


def regions_of(source: ByteSource) -> tuple[TensorRange, ...]:
    """The tensor ranges worth blocks of their own; none for a file that no format can read: it is stored all the same.

    Raises only `FileChangedError`.
    """
    try:
        index = formats.index(source)
    except FileChangedError:
        raise
    except WeighbridgeError:
        return ()
    extents, rows = index.extents, _rows(index.tensors)
    ordered = all(one.end <= two.offset for one, two in pairwise(extents))
    if not ordered or any(e.offset < 0 or e.nbytes < 0 or e.end > source.size for e in extents):
        return ()
    return tuple(
        TensorRange(e.offset, e.nbytes, e.dtype, rows.get(e.offset, 0)) for e in extents if e.nbytes >= LEAST_REGION
    )


def _rows(tensors: tuple[TensorInfo, ...]) -> dict[int, int]:
    """Row lengths by where a tensor begins, of those that fill their extent row by row."""
    return {
        tensor.extent.offset: row_length(tensor.shape)
        for tensor in tensors
        if tensor.extent and tensor.strides is None and not tensor.offset and _fills(tensor, tensor.extent)
    }


def _fills(tensor: TensorInfo, extent: Extent) -> bool:
    return tensor.items * tensor.dtype.block_bytes == extent.nbytes * tensor.dtype.block_items


def spans(size: int, regions: tuple[TensorRange, ...]) -> Iterator[Span]:
    """The whole file in order, in spans of a few MiB at most."""
    at = 0
    for number, region in enumerate(regions):
        yield from _split(at, region.offset, READ_BYTES, -1)
        yield from _split(region.offset, region.end, block_bytes(region), number)
        at = region.end
    yield from _split(at, size, READ_BYTES, -1)


def block_bytes(region: TensorRange) -> int:
    """The size of this region's blocks: as many whole elements as fit."""
    element = max(1, region.dtype.block_bytes)
    return max(BLOCK_BYTES // element, 1) * element


def _split(start: int, end: int, step: int, region: int) -> Iterator[Span]:
    for offset in range(start, end, step):
        yield Span(offset, min(step, end - offset), region)


class ContentCutter:
    """Cuts a stream that comes piece by piece. The cuts depend on the content alone, not on the pieces."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The chunks that are certain after this piece."""
        self._held += piece
        at = 0
        with memoryview(self._held) as view:
            chunks = []
            while len(view) - at >= CUT_MOST:
                cut = native.next_cut(view[at : at + CUT_MOST], CUT_LEAST, CUT_BITS, CUT_MOST)
                chunks.append(bytes(view[at : at + cut]))
                at += cut
        del self._held[:at]
        yield from chunks

    def finish(self) -> Iterator[bytes]:
        """What is left, now that nothing follows."""
        held, at = bytes(self._held), 0
        self._held.clear()
        while at < len(held):
            cut = native.next_cut(memoryview(held)[at:], CUT_LEAST, CUT_BITS, CUT_MOST)
            yield held[at : at + cut]
            at += cut
