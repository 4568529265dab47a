"""idx files, the format of MNIST: train-images-idx3-ubyte and train-labels-idx1-ubyte, with .gz or without."""

from __future__ import annotations

import gzip
import struct
import zlib
from math import prod
from typing import IO, Any, cast

import numpy as np

from weighbridge.errors import FormatError, LimitError, TruncatedError
from weighbridge.learn.data.places import DataFile
from weighbridge.learn.data.sources._pairing import Named, pair
from weighbridge.learn.data.sources.base import Raw, ends
from weighbridge.learn.recipe import DataSpec

MAX_BYTES = 8 << 30
_PIECE = 1 << 24
_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


class Idx:
    """See the module."""

    name = "idx"

    def claims(self, file: DataFile) -> bool:
        return ends(file, "ubyte", "ubyte.gz", ".idx", ".idx.gz")

    def read(self, files: tuple[DataFile, ...], spec: DataSpec) -> Raw:
        return pair([_array(file) for file in files], spec)


def _array(file: DataFile) -> Named:
    with _open(file) as stream:
        _, shape = _header(stream, str(file.path))
    return Named(file, "", shape, False, lambda: _values(file))


def _open(file: DataFile) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(file.path)) if ends(file, ".gz") else file.path.open("rb")


def _values(file: DataFile) -> Any:
    with _open(file) as stream:
        dtype, shape = _header(stream, str(file.path))
        nbytes = prod(shape) * dtype.itemsize
        data = _read(stream, nbytes + 1, str(file.path))
    if len(data) != nbytes:
        there = f"only {len(data):,} are there" if len(data) < nbytes else "more follow"
        message = f"its header says shape {list(shape)}, {nbytes:,} bytes, but {there}"
        raise (TruncatedError if len(data) < nbytes else FormatError)(message, where=str(file.path))
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def _header(stream: IO[bytes], where: str) -> tuple[np.dtype[Any], tuple[int, ...]]:
    head = _read(stream, 4, where)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _DTYPES or not 1 <= head[3] <= 4:
        raise FormatError(f"expected the header of an idx file, found {head!r}", where=where)
    sizes = _read(stream, 4 * head[3], where)
    if len(sizes) < 4 * head[3]:
        raise TruncatedError("ends inside its header", where=where)
    dtype, shape = np.dtype(_DTYPES[head[2]]), struct.unpack(f">{head[3]}I", sizes)
    if prod(shape) * dtype.itemsize > MAX_BYTES:
        raise LimitError(f"claims an array of shape {list(shape)}, more than {MAX_BYTES:,} bytes", where=where)
    return dtype, shape


def _read(stream: IO[bytes], count: int, where: str) -> bytes:
    """At most `count` bytes; memory grows with what is there, not with what is claimed."""
    pieces: list[bytes] = []
    try:
        while count > 0 and (piece := stream.read(min(count, _PIECE))):
            pieces.append(piece)
            count -= len(piece)
    except (OSError, EOFError, zlib.error) as error:
        raise FormatError(f"cannot be read: {error}", where=where) from error
    return b"".join(pieces)
