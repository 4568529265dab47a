"""Tables as Parquet, with columns of numbers, texts, or encoded pictures: as datasets lie on a hub.

Names of classes that a hub's dataset keeps in its schema are taken from there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from weighbridge.errors import DataError, FormatError, LimitError
from weighbridge.learn.data.columns import Cells
from weighbridge.learn.data.inputs import Image
from weighbridge.learn.data.needs import library
from weighbridge.learn.data.pictures import decode
from weighbridge.learn.data.places import DataFile
from weighbridge.learn.data.sources import _tables
from weighbridge.learn.data.sources.base import Raw, ends
from weighbridge.learn.data.spill import Blobs
from weighbridge.learn.data.values import Kind
from weighbridge.learn.recipe import DataSpec

MAX_PICTURE = 256 << 20
_BLOCK = 4096
_PICTURES = 64
_RATIO, _SMALL = 2000, 1 << 30  # more than compression does to honest columns; what nobody minds
_USUAL = ("image", "img", "picture", "pixels")


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """One file, read in blocks of rows. `schema` is Arrow's."""

    path: Path
    names: tuple[str, ...]
    schema: Any

    @classmethod
    def of(cls, path: Path) -> ParquetFile:
        """Raises `FormatError` and `LimitError`."""
        with _opened(path) as file:
            groups = [file.metadata.row_group(at) for at in range(file.metadata.num_row_groups)]
            claimed, stored = sum(group.total_byte_size for group in groups), path.stat().st_size
            if claimed > _SMALL and claimed > _RATIO * stored:
                raise LimitError(f"claims {claimed:,} bytes of columns, but stores {stored:,}", where=str(path))
            return cls(path, tuple(file.schema_arrow.names), file.schema_arrow)

    def blocks(self, columns: Sequence[str]) -> Iterator[tuple[NDArray[np.int64], dict[str, Cells]]]:
        start = 0
        for batch in self.batches(columns, _BLOCK):
            cells = {name: _cells(name, batch.column(name), self.where(start)) for name in columns}
            yield np.arange(start, start + batch.num_rows, dtype=np.int64), cells
            start += batch.num_rows

    def batches(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        """Arrow's record batches of these columns."""
        with _opened(self.path) as file:
            batches = file.iter_batches(batch_size=rows, columns=list(dict.fromkeys(columns)), use_threads=False)
            promised, found = file.metadata.num_rows, 0
            while True:
                try:
                    batch = next(batches, None)
                except _broken() as error:
                    raise FormatError(f"cannot be read as Parquet: {error}", where=str(self.path)) from None
                found += batch.num_rows if batch is not None else 0
                if found > promised or (batch is None and found < promised):
                    said = f"its columns hold {found:,} rows or more, and its footer says {promised:,}"
                    raise FormatError(said if found > promised else said.replace(" or more", ""), where=str(self.path))
                if batch is None:
                    return
                yield batch

    def where(self, line: int) -> str:
        return f"{self.path}, row {line}"

    @property
    def pictures(self) -> tuple[str, ...]:
        """Columns of encoded pictures: bytes, or a struct with bytes as datasets on a hub have it."""
        types = library("pyarrow.types")
        return tuple(name for name in self.names if _bytes_of(types, self.schema.field(name).type))

    def classes(self, column: str) -> tuple[str, ...]:
        """The names of the classes 0, 1, … that the schema tells of a column; empty where it does not."""
        try:
            told = json.loads((self.schema.metadata or {})[b"huggingface"])["info"]["features"][column]["names"]
        except (KeyError, TypeError, ValueError):
            return ()
        return tuple(map(str, told)) if isinstance(told, list) else ()


@dataclass(frozen=True, slots=True)
class TablePictures:
    """Encoded pictures of one column."""

    blobs: Blobs
    places: tuple[tuple[str, int], ...]
    kind: Kind = "image"

    def __len__(self) -> int:
        return len(self.blobs)

    def image(self, index: int) -> Image:
        return decode(self.blobs[index], self.where(index))

    def digest(self, index: int) -> bytes:
        return blake3(self.blobs[index]).digest()

    def where(self, index: int) -> str:
        path, row = self.places[index]
        return f"{path}, row {row}"


class Parquet(_tables.ByColumn):
    """See the module."""

    name = "parquet"

    def claims(self, file: DataFile) -> bool:
        return ends(file, ".parquet", ".pq")

    def read(self, files: tuple[DataFile, ...], spec: DataSpec) -> Raw:
        tables = [ParquetFile.of(file.path) for file in files]
        picture = _picture(tables[0], spec)
        if picture is None:
            names = tables[0].classes(_tables.roles_of(tables, spec).target or "")
            return _tables.read(tables, files, spec, names)
        # The column of pictures is bytes; labels and splits are read as of a table whose input is the target itself.
        roles = _tables.roles_of(tables, spec.model_copy(update={"inputs": picture}))
        labels, given = _tables.labelled(tables, files, roles, spec)
        return Raw(_pictures(tables, picture), labels, given, tables[0].classes(roles.target or ""))


def _picture(table: ParquetFile, spec: DataSpec) -> str | None:
    """The column of pictures to learn from, if pictures are what is learned from."""
    there = table.pictures
    if spec.inputs is not None:
        named = spec.inputs if isinstance(spec.inputs, str) else None
        return named if named in there else None
    return next((name for name in there if name.casefold() in _USUAL), None)


def _pictures(tables: Sequence[ParquetFile], column: str) -> TablePictures:
    blobs, places = Blobs(), list[tuple[str, int]]()
    for table in tables:
        row = 0
        for batch in table.batches((column,), _PICTURES):
            for value in batch.column(column):
                held = value.as_py()
                data = held.get("bytes") if isinstance(held, dict) else held
                if data is None:
                    hint = "Pictures by path or address are not read: embed them in the table."
                    raise DataError(f"column '{column}' holds no picture", where=table.where(row), hint=hint)
                if len(data) > MAX_PICTURE:
                    raise LimitError(f"a picture of {len(data):,} bytes", where=table.where(row))
                blobs.append(data)
                places.append((str(table.path), row))
                row += 1
    return TablePictures(blobs, tuple(places))


def _opened(path: Path) -> Any:
    try:
        return library("pyarrow.parquet").ParquetFile(path, memory_map=False)
    except _broken() as error:
        raise FormatError(f"is no Parquet file that can be read: {error}", where=str(path)) from None


def _broken() -> tuple[type[BaseException], ...]:
    return (library("pyarrow").ArrowException, OSError)


def _bytes_of(types: Any, kind: Any) -> bool:
    if types.is_struct(kind):
        return any(field.name == "bytes" and _bytes_of(types, field.type) for field in kind)
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _cells(name: str, column: Any, where: str) -> Cells:
    """Numbers and truth values as float64, texts as they are. Raises `DataError` for columns of anything else."""
    types, arrow = library("pyarrow.types"), library("pyarrow")
    kind = column.type
    if types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if types.is_null(kind):
        return np.full(len(column), np.nan)
    if types.is_string(kind) or types.is_large_string(kind):
        return [text or "" for text in column.to_pylist()]
    if types.is_boolean(kind):
        column = column.cast(arrow.int8())
    elif not (types.is_integer(kind) or types.is_floating(kind)):
        hint = f"Leave it out with data.inputs or data.columns: {{{name}: ignore}}, or make numbers or texts of it."
        raise DataError(f"column '{name}' is of type {kind}, neither numbers nor text", where=where, hint=hint)
    found: NDArray[np.float64] = column.cast(arrow.float64(), safe=False).to_numpy(zero_copy_only=False)
    return found
