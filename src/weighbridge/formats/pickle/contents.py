"""From pickles to a `FileIndex`: what the formats that rest on pickles share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from weighbridge.errors import FormatError, UnsupportedError
from weighbridge.formats._raw import read_raw
from weighbridge.formats._shape import name_anomalies
from weighbridge.formats.base import Anomaly, FileIndex, Json, PickleScan, Verdict
from weighbridge.formats.pickle.found import Found
from weighbridge.formats.pickle.scan import Pickle
from weighbridge.formats.pickle.values import Value
from weighbridge.formats.pickle.walk import Contents
from weighbridge.tensors import ByteSource, BytesSource, Extent, TensorInfo

if TYPE_CHECKING:
    import numpy as np


def or_anomaly(read: Callable[[], Contents], scans: Iterable[PickleScan], name: str) -> Contents:
    """What `read` finds, which raises `FormatError` for a file (of this name) that is broken.

    Where the pickles do something that is not known to be harmless before they break, the scans matter more than the
    error, which becomes an anomaly.
    """
    try:
        return read()
    except FormatError as error:
        if all(_is_harmless(scan) for scan in scans):
            raise
        return Contents(anomalies=[Anomaly("pickle.broken", error.message, error.where.removeprefix(name).strip())])


def whole(pickles: Iterable[Pickle]) -> Iterator[Value]:
    """The values that pickles leave. Raises the error of the first that is broken."""
    for pickle in pickles:
        if pickle.broken is not None:
            raise pickle.broken
        yield pickle.value


def _is_harmless(scan: PickleScan) -> bool:
    return all(found.verdict is Verdict.ALLOWED for found in scan.imports)


def file_index(
    format_name: str,
    contents: Contents,
    pickles: tuple[PickleScan, ...],
    *,
    anomalies: Iterable[Anomaly] = (),
    metadata: Mapping[str, Json] = MappingProxyType({}),
) -> FileIndex:
    """The index of a file that holds these tensors."""
    tensors = tuple(found.info(name) for name, found in contents.tensors.items())
    return FileIndex(
        format=format_name,
        tensors=tensors,
        extents=_extents(tensors),
        metadata=MappingProxyType({**contents.metadata, **metadata}),
        anomalies=(*anomalies, *contents.anomalies, *name_anomalies(contents.tensors)),
        pickles=pickles,
    )


def _extents(tensors: tuple[TensorInfo, ...]) -> tuple[Extent, ...]:
    """The raw ranges, sorted; of tensors that share one, the first names its type."""
    ranges: dict[int, Extent] = {}
    for info in tensors:
        if info.extent is not None and info.extent.nbytes:
            ranges.setdefault(info.extent.offset, info.extent)
    return tuple(ranges[offset] for offset in sorted(ranges))


def read_found(source: ByteSource, info: TensorInfo, found: Found | None) -> np.ndarray:
    """The values of a tensor whose bytes do not lie raw in the file."""
    where = f"{source.name} tensor {info.name!r}"
    if found is None or found.dtype != info.dtype or found.shape != info.shape:
        raise UnsupportedError("is not what the index of this file said", where=where)
    data = found.storage.load()
    extent = Extent(0, len(data), info.dtype)
    placed = TensorInfo(info.name, info.dtype, info.shape, extent, found.offset, found.strides, found.storage.byteorder)
    return read_raw(BytesSource(data, source.name), placed)
