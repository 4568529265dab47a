"""Tables as CSV: names in the first line, a row in each that follows.

Commas, semicolons, tabs or bars stand between cells: whichever cuts the first line into most names.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from weighbridge.errors import FormatError, LimitError
from weighbridge.learn.data.columns import Cells, is_number
from weighbridge.learn.data.places import DataFile
from weighbridge.learn.data.sources import _tables
from weighbridge.learn.data.sources.base import Raw, ends
from weighbridge.learn.recipe import DataSpec

MAX_LINE = 16 << 20
MAX_COLUMNS = 100_000
_BLOCK = 4096
_BETWEEN = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class CsvFile:
    """One file, read row by row each time it is asked for."""

    path: Path
    names: tuple[str, ...]
    between: str

    @classmethod
    def of(cls, path: Path) -> CsvFile:
        """Raises `FormatError` where the first line does not name columns."""
        first = next(_lines(path), "")
        if not first.strip():
            raise FormatError("has no first line with the names of columns", where=f"{path}:1")
        between = "\t" if path.suffix.lower() == ".tsv" else max(_BETWEEN, key=lambda each: len(_cut(first, each)))
        _, names = next(_records(path, between))
        stripped = tuple(name.strip() for name in names)
        if len(stripped) > MAX_COLUMNS:
            raise LimitError(f"has {len(stripped):,} columns; we go up to {MAX_COLUMNS:,}", where=f"{path}:1")
        if all(is_number(name) for name in stripped):
            hint = "Put a line with the names of the columns above the rows."
            said = "the first line holds numbers, and names of columns belong there"
            raise FormatError(said, where=f"{path}:1", hint=hint)
        twice = sorted({name for name in stripped if name and stripped.count(name) > 1})
        if twice:
            raise FormatError(f"two columns are called '{twice[0]}'", where=f"{path}:1")
        return cls(path, stripped, between)

    def blocks(self, columns: Sequence[str]) -> Iterator[tuple[NDArray[np.int64], dict[str, Cells]]]:
        at = [self.names.index(name) for name in columns]
        lines: list[int] = []
        cells: list[list[str]] = [[] for _ in at]
        records = _records(self.path, self.between)
        next(records)
        for line, record in records:
            if len(record) != len(self.names):
                found = f"has {len(record)} cells, and there are {len(self.names)} columns"
                raise FormatError(found, where=self.where(line), hint="Text with a comma in it stands in quotes.")
            lines.append(line)
            for column, number in zip(cells, at, strict=True):
                column.append(record[number].strip())
            if len(lines) == _BLOCK:
                yield np.array(lines, np.int64), dict(zip(columns, cells, strict=True))
                lines, cells = [], [[] for _ in at]
        if lines:
            yield np.array(lines, np.int64), dict(zip(columns, cells, strict=True))

    def where(self, line: int) -> str:
        return f"{self.path}:{line}" if line else str(self.path)


class Csv(_tables.ByColumn):
    """See the module."""

    name = "csv"

    def claims(self, file: DataFile) -> bool:
        return ends(file, ".csv", ".tsv")

    def read(self, files: tuple[DataFile, ...], spec: DataSpec) -> Raw:
        return _tables.read([CsvFile.of(file.path) for file in files], files, spec)


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        number = 0
        try:
            while line := stream.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE:
                    raise LimitError(f"has a line of more than {MAX_LINE:,} characters", where=f"{path}:{number}")
                yield line
        except UnicodeDecodeError as error:
            hint = "Save the table as UTF-8."
            said = f"is not UTF-8 text: byte {error.object[error.start]:#04x} after line {number}"
            raise FormatError(said, where=str(path), hint=hint) from None


def _records(path: Path, between: str) -> Iterator[tuple[int, list[str]]]:
    """Every record that is not blank, with the line that it begins in."""
    csv.field_size_limit(MAX_LINE)  # of the whole process: never below what others set, and a text may be long
    reader = csv.reader(_lines(path), delimiter=between, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            hint = "Look for a quote left open."
            raise FormatError(f"is no row of a table: {error}", where=f"{path}:{line}", hint=hint) from None
        if record:
            yield line, record


def _cut(line: str, between: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=between), [])
    except csv.Error:
        return []
