"""Elements that lie raw in a file, as numpy arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.errors import FormatError, UnsupportedError
from weighbridge.tensors import ByteSource, TensorInfo

if TYPE_CHECKING:
    import numpy as np


def read_raw(source: ByteSource, info: TensorInfo) -> np.ndarray:
    """The values of a tensor with an extent: read-only, native byte order, shape and strides as `info` says.

    Reads the bytes from the first element to the last and no others; nothing is copied where the byte order is ours.
    Raises `FormatError` where the tensor leaves its extent, `UnsupportedError` where numpy has no such type.
    """
    import numpy as np

    dtype = info.dtype.numpy
    if dtype is None:
        return _read_packed(source, info)
    if info.items == 0:
        return _sealed(np.empty(info.shape, dtype))
    flat = _native(read_span(source, info), dtype, info.byteorder)
    if info.strides is None:
        return _sealed(flat.reshape(info.shape))
    steps = tuple(stride * dtype.itemsize for stride in info.strides)
    return np.lib.stride_tricks.as_strided(flat, info.shape, steps, writeable=False)


def read_span(source: ByteSource, info: TensorInfo) -> bytes:
    """The file's bytes from a tensor's first element to its last. Raises `FormatError` outside its extent."""
    extent = info.extent
    if extent is None:
        raise UnsupportedError("is not stored raw in its file", where=f"{source.name} tensor {info.name!r}")
    begin = info.dtype.nbytes(info.offset)
    nbytes = info.dtype.nbytes(_span(info))
    if info.offset < 0 or nbytes < 0 or begin + nbytes > extent.nbytes:
        raise FormatError(
            f"needs bytes {begin:,} to {begin + nbytes:,} of a storage that holds {extent.nbytes:,}",
            where=f"{source.name} tensor {info.name!r}",
        )
    return source.read_at(extent.offset + begin, nbytes)


def _span(info: TensorInfo) -> int:
    """Elements from the first to the last, gaps included."""
    if info.strides is None or info.items == 0:
        return info.items
    if len(info.strides) != len(info.shape) or min(info.strides, default=0) < 0:
        raise FormatError(f"strides {info.strides} do not fit shape {info.shape}", where=f"tensor {info.name!r}")
    return 1 + sum((size - 1) * stride for size, stride in zip(info.shape, info.strides, strict=True))


def _native(data: bytes, dtype: np.dtype, byteorder: str) -> np.ndarray:
    import numpy as np

    native = np.little_endian == (byteorder == "<")
    if native or dtype.itemsize == 1:
        return np.frombuffer(data, dtype)
    # Swapped as integers: the types of ml_dtypes know only the machine's own order.
    part = dtype.itemsize // 2 if dtype.kind == "c" else dtype.itemsize
    return np.frombuffer(data, f"u{part}").byteswap().view(dtype)


def _read_packed(source: ByteSource, info: TensorInfo) -> np.ndarray:
    """Types narrower than a byte. F4 keeps its first element in the low half of a byte, as torch does."""
    if info.dtype.name != "F4" or info.strides is not None:
        raise UnsupportedError(
            f"numpy has no type for {info.dtype}, so its values cannot be shown",
            where=f"{source.name} tensor {info.name!r}",
            hint="read_bytes() gives the stored bytes.",
        )
    import ml_dtypes
    import numpy as np

    packed = np.frombuffer(read_span(source, info), np.uint8)
    halves = np.stack([packed & 15, packed >> 4], axis=-1)
    return _sealed(halves.view(ml_dtypes.float4_e2m1fn).reshape(info.shape))


def _sealed(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
