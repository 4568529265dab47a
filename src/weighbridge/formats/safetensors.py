"""safetensors: eight bytes of length, a JSON header, and the tensors' bytes one after another.

The header names each tensor with its type, shape and two offsets. Together the tensors must fill the rest of the file
exactly: no hole, no overlap, nothing after the last (https://huggingface.co/docs/safetensors).
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO, Protocol

from weighbridge.errors import FormatError, LimitError, StorageFullError, TruncatedError, UnsupportedError, UsageError
from weighbridge.formats._raw import read_raw
from weighbridge.formats._safetensors_header import METADATA, START, Entry, parse_header
from weighbridge.formats._shape import checked_nbytes, name_anomalies
from weighbridge.formats.base import Anomaly, FileIndex, shown
from weighbridge.tensors import ByteSource, DType, Extent, TensorInfo, dtype_from_numpy, dtype_named

if TYPE_CHECKING:
    import numpy as np

MAX_HEADER = 100_000_000  # the limit of the reference reader
_ALIGN = 8
_TYPES = (
    "F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F8_E8M0", "F6_E2M3", "F6_E3M2",
    "F4", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL", "C64",
)  # fmt: skip
_WRITE_PIECE = 64 << 20


class SafetensorsFormat:
    """Reads a header and nothing else; values come from one read of a tensor's range."""

    name = "safetensors"

    def sniff(self, head: bytes, source: ByteSource) -> bool:
        """A length, then '{' and a name. Text such as JSON also has '{' there, but its "length" is letters."""
        body = head[START:].lstrip(b" \t\r\n")
        if body[:1] != b"{" or body[1:].lstrip(b" \t\r\n")[:1] not in (b'"', b"}", b""):
            return False
        return not all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head[:START])

    def index(self, source: ByteSource) -> FileIndex:
        length = _header_length(source)
        header = parse_header(source.read_at(START, length), source.name)
        start = START + length
        tensors = tuple(_tensor(entry, start, source.name) for entry in header.entries)
        _check_layout(tensors, start, source)
        placed = (info.extent for info in tensors if info.extent is not None and info.extent.nbytes)
        return FileIndex(
            format=self.name,
            tensors=tensors,
            extents=tuple(sorted(placed, key=lambda extent: extent.offset)),
            metadata=MappingProxyType(dict(header.metadata)),
            anomalies=(*header.anomalies, *name_anomalies(info.name for info in tensors), *_alignment(tensors)),
        )

    def read(self, source: ByteSource, info: TensorInfo) -> np.ndarray:
        return read_raw(source, info)


def _header_length(source: ByteSource) -> int:
    if source.size < START:
        raise TruncatedError(f"expected at least {START} bytes, found {source.size}", where=source.name)
    (length,) = struct.unpack("<Q", source.read_at(0, START))
    if length > MAX_HEADER:
        raise LimitError(f"claims a header of {length:,} bytes; the format allows {MAX_HEADER:,}", where=source.name)
    if length < 2:
        raise FormatError(f"claims a header of {length} bytes; the shortest, '{{}}', takes 2", where=source.name)
    if START + length > source.size:
        raise TruncatedError(
            f"claims a header of {length:,} bytes, but only {source.size - START:,} follow", where=source.name
        )
    return int(length)


def _tensor(entry: Entry, start: int, where: str) -> TensorInfo:
    place = f"{where} tensor {shown(entry.name)}"
    dtype = dtype_named(entry.dtype) if entry.dtype in _TYPES else None
    if dtype is None:
        raise UnsupportedError(
            f"has type {shown(entry.dtype)}; safetensors 0.8 defines {', '.join(_TYPES)}", where=place
        )
    if entry.end < entry.begin:
        raise FormatError(f"ends at {entry.end:,}, before it begins at {entry.begin:,}", where=place)
    nbytes = checked_nbytes(dtype, entry.shape, place)
    if nbytes != entry.end - entry.begin:
        raise FormatError(
            f"shape {list(entry.shape)} of {dtype} takes {nbytes:,} bytes, but its offsets span "
            f"{entry.end - entry.begin:,}",
            where=place,
        )
    return TensorInfo(entry.name, dtype, entry.shape, Extent(start + entry.begin, nbytes, dtype))


def _check_layout(tensors: tuple[TensorInfo, ...], start: int, source: ByteSource) -> None:
    """The tensors, by offset, must fill the file from the header to its end."""
    at = start
    last = "the header"
    for extent, name in sorted(((info.extent, info.name) for info in tensors if info.extent), key=_by_place):
        place = f"{source.name} tensor {shown(name)}"
        if extent.offset < at:
            raise FormatError(f"begins at byte {extent.offset:,}, inside {last} that ends at {at:,}", where=place)
        if extent.offset > at:
            raise FormatError(f"begins at byte {extent.offset:,}, leaving a hole after {last} at {at:,}", where=place)
        at, last = extent.end, f"tensor {shown(name)}"
    if at > source.size:
        raise TruncatedError(f"its tensors end at byte {at:,}, but the file has {source.size:,}", where=source.name)
    if at < source.size:
        raise FormatError(f"{source.size - at:,} bytes after {last} belong to no tensor", where=source.name)


def _by_place(item: tuple[Extent, str]) -> tuple[int, int]:
    return item[0].offset, item[0].nbytes


def _alignment(tensors: tuple[TensorInfo, ...]) -> Iterator[Anomaly]:
    for info in tensors:
        if info.extent and info.dtype.itemsize and info.extent.offset % info.dtype.itemsize:
            message = "a tensor does not begin at a multiple of its element size: readers that map the file must copy"
            yield Anomaly("safetensors.misaligned", message, shown(info.name), severe=False)
            return


class Writable(Protocol):
    """What `write` takes beside numpy arrays: a checkpoint's lazy tensor, for one."""

    @property
    def dtype(self) -> DType: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    def read_bytes(self) -> bytes: ...


def write(
    path: str | os.PathLike[str],
    tensors: Mapping[str, np.ndarray | Writable],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a safetensors file, tensors in the order given, one in memory at a time.

    The file appears under its name when it is complete, or not at all. Raises `UsageError` for what the format cannot
    hold and `StorageFullError` where the disk cannot hold it.
    """
    header = _encoded_header(tensors, dict(metadata or {}))
    path = Path(path)
    scratch = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        with scratch.open("xb") as file:
            file.write(header)
            for tensor in tensors.values():
                _write_tensor(file, tensor)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except BaseException as error:
        scratch.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFullError("no space is left to write this file", where=str(path)) from error
        raise


def _encoded_header(tensors: Mapping[str, np.ndarray | Writable], metadata: dict[str, str]) -> bytes:
    header: dict[str, object] = {METADATA: metadata} if metadata else {}
    at = 0
    for name, tensor in tensors.items():
        if name == METADATA:
            raise UsageError(f"a tensor cannot be named {METADATA}: the format uses that name", where=name)
        dtype = _dtype_of(name, tensor)
        shape = [int(size) for size in tensor.shape]
        end = at + checked_nbytes(dtype, tuple(shape), shown(name))
        header[name] = {"dtype": dtype.name, "shape": shape, "data_offsets": [at, end]}
        at = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGN)
    if len(text) > MAX_HEADER:
        raise UsageError(f"a header of {len(text):,} bytes is more than the {MAX_HEADER:,} that the format allows")
    return struct.pack("<Q", len(text)) + text


def _dtype_of(name: str, tensor: np.ndarray | Writable) -> DType:
    dtype = tensor.dtype if isinstance(tensor.dtype, DType) else dtype_from_numpy(tensor.dtype)
    if dtype is None or dtype.name not in _TYPES:
        raise UsageError(f"safetensors has no type for {tensor.dtype}", where=shown(name))
    return dtype


def _write_tensor(file: BinaryIO, tensor: np.ndarray | Writable) -> None:
    import numpy as np

    if not isinstance(tensor, np.ndarray):
        file.write(tensor.read_bytes())
        return
    array = np.ascontiguousarray(tensor.astype(tensor.dtype.newbyteorder("<"), copy=False))
    raw = array.reshape(-1).view(np.uint8).data if array.size else memoryview(b"")
    for at in range(0, len(raw), _WRITE_PIECE):
        file.write(raw[at : at + _WRITE_PIECE])


SAFETENSORS = SafetensorsFormat()
