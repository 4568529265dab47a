"""Sources: the ways in which people keep data. To add one, write one file and add it to `SOURCES`."""

from __future__ import annotations

from weighbridge.errors import DataError
from weighbridge.learn.data.labels import closest
from weighbridge.learn.data.places import DataFile
from weighbridge.learn.data.sources._tables import ByColumn
from weighbridge.learn.data.sources.arrays import Arrays
from weighbridge.learn.data.sources.base import Raw, Source
from weighbridge.learn.data.sources.csv_table import Csv
from weighbridge.learn.data.sources.hdf5 import Hdf5
from weighbridge.learn.data.sources.idx import Idx
from weighbridge.learn.data.sources.image_folder import ImageFolder
from weighbridge.learn.data.sources.jsonl import Jsonl
from weighbridge.learn.data.sources.npz import Npz
from weighbridge.learn.data.sources.parquet_table import Parquet
from weighbridge.learn.recipe import DataSpec

SOURCES: tuple[Source, ...] = (ImageFolder(), Hdf5(), Npz(), Idx(), Arrays(), Jsonl(), Csv(), Parquet())


def choose(files: tuple[DataFile, ...], spec: DataSpec) -> tuple[Source, tuple[DataFile, ...]]:
    """The source that the recipe names, or the one that claims most files; and the files it claims.

    Raises `DataError` where there is none.
    """
    names = tuple(source.name for source in SOURCES)
    if spec.format != "auto" and spec.format not in names:
        known = ", ".join(names)
        raise DataError(f"there is no format '{spec.format}'{closest(spec.format, names)}", hint=f"There are {known}.")
    asked = [source for source in SOURCES if spec.format in ("auto", source.name)]
    best, claimed = asked[0], tuple[DataFile, ...]()
    for source in asked:
        found = tuple(file for file in files if source.claims(file))
        if len(found) > len(claimed):
            best, claimed = source, found
    if not claimed and spec.format != "auto" and len(files) == 1:
        return asked[0], files  # one file under an unusual name, and the recipe says what it is
    if not claimed:
        shown = ", ".join(str(file.inside) for file in files[:5]) or "no file"
        what = f"for '{spec.format}'" if spec.format != "auto" else f"that we read ({', '.join(names)})"
        raise DataError(f"holds no data {what}; it holds {shown}")
    return best, claimed


__all__ = ["SOURCES", "ByColumn", "Raw", "Source", "choose"]
