"""npz archives: arrays by name. Arrays of numbers are read by Weighbridge, those of text by numpy, without pickles."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from weighbridge.errors import FormatError, LimitError, UnsafeError
from weighbridge.learn.data.places import DataFile
from weighbridge.learn.data.sources._pairing import Named, pair
from weighbridge.learn.data.sources.arrays import arrays_in
from weighbridge.learn.data.sources.base import Raw, ends
from weighbridge.learn.recipe import DataSpec

MAX_TEXT = 256 << 20  # bytes of one array of text


class Npz:
    """See the module."""

    name = "npz"

    def claims(self, file: DataFile) -> bool:
        return ends(file, ".npz")

    def read(self, files: tuple[DataFile, ...], spec: DataSpec) -> Raw:
        return pair([array for file in files for array in [*arrays_in(file), *_texts(file)]], spec)


def _texts(file: DataFile) -> list[Named]:
    where = str(file.path)
    found: list[Named] = []
    try:
        with zipfile.ZipFile(file.path) as archive:
            for member in archive.infolist():
                if not member.filename.endswith(".npy"):
                    continue
                with archive.open(member) as stream:
                    shape, _, dtype = _header(stream)
                if dtype.kind == "O":
                    raise UnsafeError(f"'{member.filename}' holds Python objects", where=where)
                if dtype.kind in "SU":
                    if member.file_size > MAX_TEXT:
                        raise LimitError(f"'{member.filename}' holds {member.file_size:,} bytes of text", where=where)
                    found.append(_named(file, member.filename, shape))
    except (zipfile.BadZipFile, ValueError, OSError, EOFError) as error:
        raise FormatError(f"is no npz archive that can be read: {error}", where=where) from error
    return found


def _header(stream: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(stream)
    return np.lib.format.read_array_header_2_0(stream)


def _named(file: DataFile, member: str, shape: tuple[int, ...]) -> Named:
    return Named(file, member.removesuffix(".npy"), shape, True, _reader(file, member))


def _reader(file: DataFile, member: str) -> Callable[[], Any]:
    def values() -> Any:
        with zipfile.ZipFile(file.path) as archive, archive.open(member) as stream:
            return np.lib.format.read_array(stream, allow_pickle=False)

    return values
