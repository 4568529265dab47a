"""HDF5 files with inputs and labels under keys as people call them: x and y, train_set_x and train_set_y, ….

Only what lies in the file itself is read: links to other files and external storage are refused, since a file from
somewhere else could point at anything on this machine.
"""

from __future__ import annotations

from typing import Any

from weighbridge.errors import DataError, FormatError, LimitError, UnsafeError
from weighbridge.learn.data.needs import library
from weighbridge.learn.data.places import DataFile
from weighbridge.learn.data.sources._pairing import Named, pair
from weighbridge.learn.data.sources.base import Raw, ends
from weighbridge.learn.recipe import DataSpec

MAX_KEYS = 10_000
_RATIO, _SMALL = 2000, 1 << 30  # more than gzip can do; what nobody minds


class Hdf5:
    """See the module."""

    name = "hdf5"

    def claims(self, file: DataFile) -> bool:
        return ends(file, ".h5", ".hdf5", ".hdf", ".he5")

    def read(self, files: tuple[DataFile, ...], spec: DataSpec) -> Raw:
        return pair([array for file in files for array in _arrays(file)], spec)


def _arrays(file: DataFile) -> list[Named]:
    h5py = library("h5py")
    where = str(file.path)
    try:
        opened = h5py.File(file.path, "r")
        found = list(_datasets(h5py, opened, "", where))
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise FormatError(f"is no HDF5 file that can be read: {error}", where=where) from error
    return [Named(file, key, tuple(data.shape), data.dtype.kind in "SO", _reader(data, where)) for key, data in found]


def _datasets(h5py: Any, group: Any, prefix: str, where: str) -> list[tuple[str, Any]]:
    """All arrays under a group, through hard links alone, which cannot leave the file; each once."""
    found: list[tuple[str, Any]] = []
    waiting, seen = [(prefix, group)], set()
    while waiting:
        path, here = waiting.pop()
        for key in sorted(here):
            if not isinstance(here.get(key, getlink=True), h5py.HardLink):
                raise UnsafeError(f"'{path}{key}' is a link that may lead out of the file", where=where)
            item = here[key]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                continue
            seen.add(address)
            if len(seen) > MAX_KEYS:
                raise LimitError(f"holds more than {MAX_KEYS:,} keys", where=where)
            if isinstance(item, h5py.Group):
                waiting.append((f"{path}{key}/", item))
            elif isinstance(item, h5py.Dataset) and item.shape:
                found.append((f"{path}{key}", _checked(item, where)))
    return found


def _checked(data: Any, where: str) -> Any:
    if data.external or data.is_virtual:
        raise UnsafeError(f"'{data.name}' lies in other files", where=where, hint="Copy the data into one file.")
    stored = data.id.get_storage_size()
    if data.nbytes > _SMALL and data.nbytes > _RATIO * stored:
        raise LimitError(f"'{data.name}' claims {data.nbytes:,} bytes, but stores {stored:,}", where=where)
    return data


def _reader(data: Any, where: str) -> Any:
    def values() -> Any:
        try:
            return data[()] if data.dtype.kind in "SO" or data.ndim < 3 else data
        except (OSError, RuntimeError) as error:
            raise DataError(f"'{data.name}' cannot be read: {error}", where=where) from error

    return values
