"""What is known of a tensor before it is read."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

from weighbridge.tensors.dtype import DType


@dataclass(frozen=True, slots=True)
class Extent:
    """A range of raw element bytes in a file: the whole of a tensor, or of a storage that several tensors share."""

    offset: int
    nbytes: int
    dtype: DType

    @property
    def end(self) -> int:
        return self.offset + self.nbytes


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor in one file.

    `extent` is where its storage lies raw in the file; None where the elements are compressed or written inside a
    pickle, so that no range of the file holds them. `offset` and `strides` (in elements, None for row-major without
    gaps) place the tensor inside that storage: tensors with the same extent share memory.
    """

    name: str
    dtype: DType
    shape: tuple[int, ...]
    extent: Extent | None
    offset: int = 0
    strides: tuple[int, ...] | None = None
    byteorder: Literal["<", ">"] = "<"
    file: str = ""

    @property
    def items(self) -> int:
        """Elements: the product of the shape, 1 for a scalar."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that the elements take when stored without gaps."""
        return self.dtype.nbytes(self.items)
