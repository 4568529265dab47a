""".npy, one numpy array: a magic, a header that is the text of a Python dictionary, and the elements.

The header is matched against the few shapes that numpy writes and never evaluated: ``ast.literal_eval`` on a stranger's
text can exhaust the parser's stack (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).

An array of objects is a pickle, and is treated as one: judged, never loaded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

from weighbridge.errors import FormatError, LimitError, TruncatedError, UnsupportedError
from weighbridge.formats._raw import read_raw
from weighbridge.formats._shape import checked_nbytes, name_anomalies
from weighbridge.formats.base import Anomaly, FileIndex, PickleScan
from weighbridge.tensors import ByteSource, DType, Extent, TensorInfo, dtype_from_numpy

if TYPE_CHECKING:
    import numpy as np

MAGIC = b"\x93NUMPY"
MAX_HEADER = 65_536  # numpy refuses headers above 10,000 unless told otherwise
_SHORTEST = 10
_KEY = re.compile(r"\s*+(['\"])(descr|fortran_order|shape)\1\s*+:\s*+")
_TEXT = re.compile(r"'([^'\\]*+)'|\"([^\"\\]*+)\"")
_BOOL = re.compile(r"True|False")
_SHAPE = re.compile(r"\(\s*+((?:\d{1,19}L?\s*+,\s*+)*+(?:\d{1,19}L?)?)\s*+\)")
_SIMPLE = re.compile(r"[<>|=]?[a-zA-Z?]\d{0,3}")
_TOKEN = re.compile(r"'(?:[^'\\]|\\.)*+'|\"(?:[^\"\\]|\\.)*+\"|[\[\]()]")


@dataclass(frozen=True, slots=True)
class NpyHeader:
    """What a header says. `dtype` is None for types that are no plain numbers; `descr` is the type as it is written."""

    descr: str
    dtype: DType | None
    byteorder: Literal["<", ">"]
    fortran: bool
    shape: tuple[int, ...]
    data: int

    @property
    def holds_objects(self) -> bool:
        """Whether numpy would unpickle the data. Where the text leaves doubt, it would."""
        return names_objects(self.descr)

    @property
    def strides(self) -> tuple[int, ...] | None:
        """In elements; None where row-major order says it all."""
        if not self.fortran or sum(size != 1 for size in self.shape) < 2:
            return None
        return tuple(accumulate(self.shape[:-1], lambda total, size: total * size, initial=1))


class NpyFormat:
    """One array, named after its file."""

    name = "npy"

    def sniff(self, head: bytes, source: ByteSource) -> bool:
        return head.startswith(MAGIC)

    def index(self, source: ByteSource) -> FileIndex:
        header = read_header(source)
        if header.holds_objects:
            return FileIndex(self.name, (), pickles=object_pickles(source, header, ""))
        info = tensor(source, header, PurePosixPath(source.name).stem or "array")
        assert info.extent is not None  # noqa: S101 (tensor() always gives one)
        extents = (info.extent,) if info.extent.nbytes else ()
        anomalies = (*name_anomalies((info.name,)), *_trailing(source, info.extent.end))
        return FileIndex(self.name, (info,), extents, anomalies=anomalies)

    def read(self, source: ByteSource, info: TensorInfo) -> np.ndarray:
        return read_raw(source, info)


def read_header(source: ByteSource) -> NpyHeader:
    """The header of an array that begins this source. Raises `FormatError` where it is none."""
    if source.size < _SHORTEST:
        raise TruncatedError(f"expected a header of at least {_SHORTEST} bytes, found {source.size}", where=source.name)
    start = source.read_at(0, min(12, source.size))
    if not start.startswith(MAGIC):
        raise FormatError(f"expected {MAGIC!r}, found {start[:6]!r}", where=source.name)
    version = (start[6], start[7])
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise UnsupportedError(f"is .npy version {start[6]}.{start[7]}; we read 1.0, 2.0 and 3.0", where=source.name)
    width = 2 if version == (1, 0) else 4
    length = int.from_bytes(start[8 : 8 + width], "little")
    if length > MAX_HEADER:
        raise LimitError(f"claims a header of {length:,} bytes; we read up to {MAX_HEADER:,}", where=source.name)
    data = 8 + width + length
    if data > source.size:
        raise TruncatedError(f"its header ends at byte {data:,}, but the file has {source.size:,}", where=source.name)
    raw = source.read_at(8 + width, length)
    try:
        text = raw.decode("utf-8" if version == (3, 0) else "latin-1")
    except UnicodeDecodeError:
        raise FormatError("its header is not UTF-8", where=source.name) from None
    return _parse(text, data, source.name)


def tensor(source: ByteSource, header: NpyHeader, name: str) -> TensorInfo:
    """The array behind a header, raw in `source`. Raises `UnsupportedError` for types that are no plain numbers."""
    if header.dtype is None:
        raise UnsupportedError(f"holds elements of type {header.descr[:100]}, not plain numbers", where=source.name)
    nbytes = checked_nbytes(header.dtype, header.shape, source.name)
    if header.data + nbytes > source.size:
        raise TruncatedError(
            f"an array of shape {list(header.shape)} ends at byte {header.data + nbytes:,}, but there are only "
            f"{source.size:,} bytes",
            where=source.name,
        )
    extent = Extent(header.data, nbytes, header.dtype)
    return TensorInfo(name, header.dtype, header.shape, extent, strides=header.strides, byteorder=header.byteorder)


def object_pickles(source: ByteSource, header: NpyHeader, member: str) -> tuple[PickleScan, ...]:
    """What loading an array of objects would do, judged by the interpreter that executes nothing."""
    from weighbridge.formats.pickle import scan_pickles

    return scan_pickles(source, member=member, start=header.data)


def _parse(text: str, data: int, where: str) -> NpyHeader:
    """The three entries of the dictionary, in any order."""
    body = text.strip()
    found: dict[str, str] = {}
    at = 1
    while body[:1] == "{" and (key := _KEY.match(body, at)):
        if key[2] in found:
            raise FormatError(f"its header gives {key[2]!r} twice", where=where)
        found[key[2]], at = _entry(body, key[2], key.end(), where)
        if body[at : at + 1] == ",":
            at += 1
    if body[at:].strip() != "}" or len(found) != 3:
        raise FormatError(
            f"expected a header with 'descr', 'fortran_order' and 'shape' and nothing else, found {text[:80]!r}",
            where=where,
        )
    shape = tuple(int(size.strip().rstrip("L")) for size in found["shape"].split(",") if size.strip())
    dtype, byteorder = _dtype(found["descr"])
    return NpyHeader(found["descr"], dtype, byteorder, found["fortran_order"] == "True", shape, data)


def _entry(body: str, key: str, at: int, where: str) -> tuple[str, int]:
    """The value of one entry as text, and where the next begins."""
    if key == "descr" and body[at : at + 1] == "[":
        return _structured(body, at, where)
    match = {"descr": _TEXT, "fortran_order": _BOOL, "shape": _SHAPE}[key].match(body, at)
    if match is None:
        raise FormatError(f"its header has {body[at : at + 40]!r} where the {key} should be", where=where)
    if key == "descr":
        return repr(match[1] or match[2] or ""), _after_space(body, match.end())
    return match[1] if key == "shape" else match[0], _after_space(body, match.end())


def _structured(body: str, at: int, where: str) -> tuple[str, int]:
    """A list of fields: kept as text, up to the bracket that closes it. Brackets in names of fields do not count."""
    depth = 0
    last_text = -1
    for token in _TOKEN.finditer(body, at):
        if token[0] not in "[]()":
            if last_text >= 0 and not body[last_text : token.start()].strip():
                raise FormatError("its header has two texts where one should be", where=where)  # Python joins them
            last_text = token.end()
        depth += {"[": 1, "(": 1, "]": -1, ")": -1}.get(token[0], 0)
        if depth == 0:
            return body[at : token.end()], _after_space(body, token.end())
    raise FormatError("its header has a list of fields that does not end", where=where)


@lru_cache(maxsize=256)  # archives of thousands of arrays have few types
def names_objects(descr: str) -> bool:
    """Whether a type, as a header writes it, has objects in it. Where the text leaves doubt, it has."""
    return "\\" in descr or any(_names_objects(token[0]) for token in _TOKEN.finditer(descr))


def _names_objects(token: str) -> bool:
    """Whether a quoted type is numpy's object in any spelling: O, |O8, object, 3O, f4,O."""
    parts = token.strip("'\"").split(",")
    return any(part.lstrip("<>|=()0123456789 ").startswith(("O", "object")) for part in parts)


def _after_space(body: str, at: int) -> int:
    while body[at : at + 1].isspace():
        at += 1
    return at


@lru_cache(maxsize=256)
def _dtype(descr: str) -> tuple[DType | None, Literal["<", ">"]]:
    """The type of plain numbers; None for objects, texts, dates, fields and whatever else numpy can write."""
    import numpy as np

    written = descr.strip("'")
    byteorder: Literal["<", ">"] = ">" if written.startswith(">") else "<"
    if not _SIMPLE.fullmatch(written):
        return None, byteorder
    try:
        dtype = np.dtype(written)
    except (TypeError, ValueError):
        return None, byteorder
    return dtype_from_numpy(dtype), byteorder


def _trailing(source: ByteSource, end: int) -> tuple[Anomaly, ...]:
    left = source.size - end
    if not left:
        return ()
    if source.read_at(end, min(left, len(MAGIC))) == MAGIC:
        return (Anomaly("npy.more-arrays", "another array follows the first; only the first is read", severe=False),)
    return (Anomaly("npy.trailing-bytes", f"{left:,} bytes follow the array and belong to nothing"),)


NPY = NpyFormat()
