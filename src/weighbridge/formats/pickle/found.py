"""A tensor that a value of a pickle describes, before it has a name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from weighbridge.errors import FormatError, LimitError
from weighbridge.formats._shape import checked_nbytes
from weighbridge.formats.pickle.values import Persistent, Raw
from weighbridge.tensors import ByteSource, DType, Extent, TensorInfo

ByteOrder = Literal["<", ">"]
Load = Callable[[], bytes]
_MOST_EXPANDED = 1 << 30  # bytes of an expanded tensor, beyond which
_MOST_TIMES = 64  # it may not be this many times what is stored
_MOST_DEPTH = 5  # a parameter of a subclass of a quantised tensor has a scale that is a tensor


@dataclass(frozen=True, slots=True)
class Storage:
    """Elements that a file keeps together, for one tensor or several.

    `start` is where they lie raw in the file; None where they do not, and then `load` gives them. `nbytes` is None
    where only `load` can tell. `dtype` is None for storages of plain bytes.
    """

    start: int | None
    nbytes: int | None
    dtype: DType | None
    load: Load
    byteorder: ByteOrder = "<"
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """One tensor: `strides` and `offset` in elements, inside `storage`."""

    dtype: DType
    shape: tuple[int, ...]
    storage: Storage
    offset: int = 0
    strides: tuple[int, ...] | None = None

    def info(self, name: str) -> TensorInfo:
        storage = self.storage
        extent = None
        if storage.start is not None and storage.nbytes is not None:
            extent = Extent(storage.start, storage.nbytes, self.dtype)
        byteorder = storage.byteorder if self.dtype.itemsize > 1 else "<"
        return TensorInfo(name, self.dtype, self.shape, extent, self.offset, self.strides, byteorder)


@dataclass(frozen=True, slots=True)
class Absent:
    """A tensor without values: on PyTorch's meta device, say. `what` describes it in the metadata."""

    what: str


Parts = list[tuple[str, "Found | Absent"]]
"""What one value holds: a tensor under the empty suffix, or several, each under a suffix of its name."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where the pickle lies, and what lies around it.

    `base` is the offset of `source` in the file; None where it was inflated and lies nowhere in it. `storage` gives
    the storage that a persistent id stands for, or a file packed in the pickle.
    """

    source: ByteSource
    base: int | None
    storage: Callable[[Persistent | Raw], Storage]
    depth: int = 0

    def deeper(self) -> Surroundings:
        """The same, one tensor further inside another. Raises `LimitError` where no honest tensor is."""
        if self.depth == _MOST_DEPTH:
            raise LimitError(f"a tensor inside {self.depth} others", where=self.source.name)
        return replace(self, depth=self.depth + 1)


def checked(found: Found, where: str) -> Found:
    """The same tensor, once its shape and strides are known to stay inside its storage. Overflow cannot happen."""
    shape, strides = found.shape, found.strides
    if any(size < 0 for size in shape) or found.offset < 0:
        raise FormatError(f"shape {list(shape)} at offset {found.offset} is negative", where=where)
    checked_nbytes(found.dtype, shape, where)
    if strides is not None and (len(strides) != len(shape) or any(stride < 0 for stride in strides)):
        raise FormatError(f"strides {list(strides)} do not fit shape {list(shape)}", where=where)
    if found.storage.nbytes is not None:
        _check_span(found, found.storage.nbytes, where)
        _check_expansion(found, found.storage.nbytes, where)
    return found


def _check_expansion(found: Found, stored: int, where: str) -> None:
    """Refuse a few bytes that claim to be gigabytes, by strides of zero: a copy of such a tensor fills the memory."""
    nbytes = found.dtype.nbytes(_product(found.shape))
    if nbytes > _MOST_EXPANDED and nbytes > _MOST_TIMES * stored:
        raise LimitError(
            f"a tensor of shape {list(found.shape)} would take {nbytes:,} bytes, but only {stored:,} are stored",
            where=where,
        )


def _check_span(found: Found, nbytes: int, where: str) -> None:
    items = nbytes // found.dtype.block_bytes * found.dtype.block_items
    if 0 in found.shape:
        last = found.offset
    elif found.strides is None:
        last = found.offset + _product(found.shape)
    else:
        last = found.offset + 1 + sum((size - 1) * step for size, step in zip(found.shape, found.strides, strict=True))
    if last > items and 0 not in found.shape:
        raise FormatError(
            f"shape {list(found.shape)} with strides {list(found.strides or ())} reaches element {last:,} of a storage"
            f" that holds {items:,}",
            where=where,
        )


def _product(shape: tuple[int, ...]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides of an array without gaps whose last index runs fastest."""
    strides: list[int] = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def is_row_major(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Whether strides place an array without gaps; those of dimensions of one element say nothing."""
    pairs = zip(shape, strides, row_major(shape), strict=True)
    return 0 in shape or all(size == 1 or stride == plain for size, stride, plain in pairs)
