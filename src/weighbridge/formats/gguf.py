"""GGUF, the format of ggml and llama.cpp, versions 1 to 3 in either byte order.

A magic, a version, two counts, metadata as typed key-values, the list of tensors, and their data, each tensor at a
multiple of ``general.alignment`` (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).

Shapes are row-major, outermost dimension first: the reverse of how ggml writes them, and what the gguf package's
arrays have. The elements of block-quantised types are decoded by ``gguf.quants``, imported when a value is read.
"""

from __future__ import annotations

from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from weighbridge.errors import FormatError, TruncatedError, UnsupportedError
from weighbridge.formats._gguf_header import Cursor, read_key_values
from weighbridge.formats._raw import read_raw, read_span
from weighbridge.formats._shape import MAX_ANOMALIES, check_tensor_count, checked_nbytes, name_anomalies
from weighbridge.formats.base import Anomaly, FileIndex, Json, shown
from weighbridge.tensors import ByteSource, DType, Extent, TensorInfo, dtype_named

if TYPE_CHECKING:
    import numpy as np

MAGIC = b"GGUF"
_DEFAULT_ALIGNMENT = 32
_MAX_ALIGNMENT = 1 << 20
_GGML_DIMENSIONS = 4
_SMALLEST_TENSOR = 20  # bytes of the shortest entry: an empty name, no dimensions, a type and an offset
_SMALLEST_KEY = 9

# The numbers of ggml_type; those left out were withdrawn (4, 5, 31-33, 36-38).
_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K",
    12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
    20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
    29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4", 41: "Q1_0",
}  # fmt: skip


class GgufFormat:
    """Lists every type that ggml has; decodes those that the gguf package can."""

    name = "gguf"

    def sniff(self, head: bytes, source: ByteSource) -> bool:
        return head.startswith(MAGIC)

    def index(self, source: ByteSource) -> FileIndex:
        byteorder, version = _version(source)
        cursor = Cursor(source, 8, byteorder, wide=version > 1)
        tensor_count, key_count = cursor.length(), cursor.length()
        _check_counts(source, tensor_count, key_count)
        metadata = read_key_values(cursor, key_count)
        entries = [_entry(cursor) for _ in range(tensor_count)]
        alignment = _alignment(metadata, source.name)
        start = -(-cursor.position // alignment) * alignment
        tensors = tuple(_tensor(entry, start, byteorder, source) for entry in entries)
        _check_names(tensors, source.name)
        extents = sorted((info.extent for info in tensors if info.extent), key=lambda extent: extent.offset)
        extents = [extent for extent in extents if extent.nbytes]
        _check_overlap(extents, source.name)
        return FileIndex(
            format=self.name,
            tensors=tensors,
            extents=tuple(extents),
            metadata=MappingProxyType({"GGUF.version": version, **metadata}),
            anomalies=(
                *name_anomalies(info.name for info in tensors),
                *_placing(tensors, start, alignment),
                *_unclaimed(extents, start, alignment, source.size),
            ),
        )

    def read(self, source: ByteSource, info: TensorInfo) -> np.ndarray:
        return _dequantised(source, info) if info.dtype.kind == "quantised" else read_raw(source, info)


class _Entry(NamedTuple):
    name: str
    dimensions: tuple[int, ...]
    type: int
    offset: int


def _version(source: ByteSource) -> tuple[Literal["<", ">"], int]:
    if source.size < 8:
        raise TruncatedError(f"expected a header of at least 8 bytes, found {source.size}", where=source.name)
    raw = source.read_at(4, 4)
    little, big = int.from_bytes(raw, "little"), int.from_bytes(raw, "big")
    if little in (1, 2, 3):
        return "<", little
    if big == 3:
        return ">", big
    raise UnsupportedError(f"is GGUF version {little}; we read versions 1 to 3", where=source.name)


def _check_counts(source: ByteSource, tensors: int, keys: int) -> None:
    if tensors > source.size // _SMALLEST_TENSOR or keys > source.size // _SMALLEST_KEY:
        raise FormatError(
            f"claims {tensors:,} tensors and {keys:,} metadata keys in a file of {source.size:,} bytes",
            where=source.name,
        )
    check_tensor_count(tensors, source.name)


def _entry(cursor: Cursor) -> _Entry:
    name = cursor.name("a tensor's name")
    rank = cursor.integer("I")
    if rank > 64:
        raise cursor.fail(f"tensor {shown(name)} has {rank:,} dimensions")
    dimensions = tuple(cursor.length() for _ in range(rank))
    return _Entry(name, dimensions, cursor.integer("I"), cursor.integer("Q"))


def _alignment(metadata: dict[str, Json], where: str) -> int:
    value = metadata.get("general.alignment", _DEFAULT_ALIGNMENT)
    if not isinstance(value, int) or not 0 < value <= _MAX_ALIGNMENT or value & (value - 1):
        raise FormatError(f"general.alignment is {value!r}; expected a power of two up to 2^20", where=where)
    return value


def _tensor(entry: _Entry, start: int, byteorder: Literal["<", ">"], source: ByteSource) -> TensorInfo:
    place = f"{source.name} tensor {shown(entry.name)}"
    dtype = _dtype(entry.type, place)
    shape = tuple(reversed(entry.dimensions))
    nbytes = checked_nbytes(dtype, shape, place)
    if dtype.block_items > 1 and (not shape or shape[-1] % dtype.block_items):
        raise FormatError(f"rows of shape {list(shape)} are no whole blocks of {dtype.block_items}", where=place)
    offset = start + entry.offset
    if offset + nbytes > source.size:
        raise TruncatedError(
            f"lies at bytes {offset:,} to {offset + nbytes:,} of a file that has {source.size:,}", where=place
        )
    return TensorInfo(entry.name, dtype, shape, Extent(offset, nbytes, dtype), byteorder=byteorder)


def _dtype(number: int, where: str) -> DType:
    dtype = dtype_named(_TYPES.get(number, ""))
    if dtype is None:
        raise UnsupportedError(f"has ggml type {number}, which was withdrawn or is newer than we know", where=where)
    return dtype


def _check_names(tensors: tuple[TensorInfo, ...], where: str) -> None:
    names = set()
    for info in tensors:
        if info.name in names:
            raise FormatError("is listed twice", where=f"{where} tensor {shown(info.name)}")
        names.add(info.name)


def _check_overlap(extents: list[Extent], where: str) -> None:
    for before, after in pairwise(extents):
        if after.offset < before.end:
            raise FormatError(
                f"a tensor begins at byte {after.offset:,}, inside one that ends at {before.end:,}", where=where
            )


def _placing(tensors: tuple[TensorInfo, ...], start: int, alignment: int) -> list[Anomaly]:
    """What llama.cpp would refuse, and other readers would not."""
    found = []
    for info in tensors:
        if info.extent and (info.extent.offset - start) % alignment:
            message = f"a tensor does not begin at a multiple of {alignment} bytes"
            found.append(Anomaly("gguf.misaligned", message, shown(info.name)))
        if len(info.shape) > _GGML_DIMENSIONS:
            message = f"a tensor has {len(info.shape)} dimensions; ggml knows {_GGML_DIMENSIONS}"
            found.append(Anomaly("gguf.dimensions", message, shown(info.name)))
        if len(found) >= MAX_ANOMALIES:
            break
    return found


def _unclaimed(extents: list[Extent], start: int, alignment: int, size: int) -> list[Anomaly]:
    """Bytes of the data that belong to no tensor and are more than padding."""
    begins = [extent.offset for extent in extents] + [size]
    ends = [start] + [extent.end for extent in extents]
    gaps = [(end, begin - end) for end, begin in zip(ends, begins, strict=True) if begin - end >= alignment]
    if not gaps:
        return []
    total = sum(length for _, length in gaps)
    message = f"{total:,} bytes of the data belong to no tensor, the first at byte {gaps[0][0]:,}"
    return [Anomaly("gguf.unclaimed-bytes", message)]


def _dequantised(source: ByteSource, info: TensorInfo) -> np.ndarray:
    """Whole blocks as float32, by the gguf package."""
    place = f"{source.name} tensor {shown(info.name)}"
    if info.byteorder == ">":
        raise UnsupportedError(f"{info.dtype} in big-endian order cannot be decoded", where=place)
    import numpy as np
    from gguf import GGMLQuantizationType
    from gguf.quants import dequantize

    blocks = np.frombuffer(read_span(source, info), np.uint8).reshape(-1, info.dtype.block_bytes)
    if not blocks.size:
        return np.empty(info.shape, np.float32)
    try:
        with np.errstate(all="ignore"):  # a damaged scale may be NaN or Inf: a value to report, not a fault here
            values = dequantize(blocks, GGMLQuantizationType[info.dtype.name])
    except (KeyError, NotImplementedError) as error:
        raise UnsupportedError(f"values of type {info.dtype} cannot be decoded", where=place) from error
    values = np.asarray(values, np.float32).reshape(info.shape)
    values.flags.writeable = False
    return values


GGUF = GgufFormat()
