"""One tensor of a checkpoint, read when asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

from weighbridge.errors import UsageError
from weighbridge.formats import Format
from weighbridge.tensors import ByteSource, DType, TensorInfo

if TYPE_CHECKING:
    import numpy as np

CHUNK_BYTES = 8 << 20


@final
class Tensor:
    """A name, a type and a shape; the values stay in the file until asked for, and are not kept afterwards.

    `info.name` is the name in the checkpoint, `info.file` the file that holds it.
    """

    __slots__ = ("_format", "_source", "_stored", "info")

    def __init__(self, info: TensorInfo, stored: TensorInfo, reader: Format, source: ByteSource) -> None:
        self.info = info
        self._stored = stored
        self._format = reader
        self._source = source

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def dtype(self) -> DType:
        return self.info.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        return self.info.shape

    @property
    def nbytes(self) -> int:
        """Bytes of the elements as they are stored, without gaps."""
        return self.info.nbytes

    @property
    def contiguous(self) -> bool:
        """Whether one range of the file holds exactly these elements, row-major and without gaps."""
        return self._stored.extent is not None and self._stored.strides is None

    def numpy(self) -> np.ndarray:
        """All values: read-only, native byte order; block-quantised types dequantised to float32.

        Raises `UnsupportedError` for a type whose values we cannot decode, `FileChangedError` where the file changed.
        """
        return self._format.read(self._source, self._stored)

    def read_bytes(self) -> bytes:
        """The stored elements, row-major, little-endian, without gaps: the same bytes whichever file holds a tensor.

        Block-quantised types give their blocks as they lie in the file.
        """
        stored = self._stored
        swapped = stored.byteorder == ">" and stored.dtype.itemsize > 1
        if stored.extent is None or stored.strides is not None or swapped:
            values = self.numpy()
            return values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
        return self._source.read_at(stored.extent.offset + stored.dtype.nbytes(stored.offset), stored.nbytes)

    def chunks(self, max_bytes: int = CHUNK_BYTES) -> Iterator[np.ndarray]:
        """The values as flat arrays of at most `max_bytes` stored bytes, in storage order.

        Memory stays at one chunk where a range of the file holds the tensor; otherwise the tensor is read once and
        handed out in slices. Pieces of a block-quantised tensor hold whole blocks (at least one).
        """
        if max_bytes < 1:
            raise UsageError(f"a chunk needs at least one byte, not {max_bytes}", where=self.name)
        step = max(1, max_bytes // self.dtype.block_bytes) * self.dtype.block_items
        if self.contiguous:
            for start in range(0, self.info.items, step):
                length = min(step, self.info.items - start)
                piece = replace(self._stored, shape=(length,), offset=self._stored.offset + start)
                yield self._format.read(self._source, piece)
        else:
            values = self.numpy()
            for start in range(0, values.size, step):
                # .flat copies one slice; reshape(-1) would copy the whole of a tensor with gaps.
                yield values.flat[start : start + step]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        import numpy as np

        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return f"<Tensor {self.name!r} {self.dtype} {list(self.shape)}>"
