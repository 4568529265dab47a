"""Columns of tables: which hold numbers and which categories, and their cells as arrays.

A table is read twice, block by block: first to see what each column holds, then to keep it. So memory holds a block
and what is kept, and nothing is decided by the first rows alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from weighbridge.errors import DataError, LimitError
from weighbridge.learn.data.spill import matrix
from weighbridge.learn.data.values import Indices, Kind

Cells: TypeAlias = NDArray[np.float64] | list[str]
"""Of one column in one block: numbers where the file itself has numbers (NaN is missing), else texts ("" is)."""
Holds: TypeAlias = Literal["number", "category"]

MAX_CATEGORIES = 1_000_000
_MOSTLY = 9  # numbers for each text: a text among them is then a mistake, not a category
_FEW = 20  # different texts that describe rows in a table of any length
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


class Table(Protocol):
    """One file with columns."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def blocks(self, columns: Sequence[str]) -> Iterator[tuple[NDArray[np.int64], dict[str, Cells]]]:
        """Line numbers and cells, some thousand rows at a time. Raises `FormatError`."""
        ...

    def where(self, line: int) -> str:
        """The place of a row, for messages."""
        ...


@dataclass(slots=True)
class Seen:
    """What a first reading found in a column."""

    numbers: int = 0
    missing: int = 0
    texts: int = 0
    odd: tuple[str, str] | None = None
    """Where the first text stands, and the text."""


@dataclass(frozen=True, slots=True)
class TableRows:
    """Rows kept as numbers (n, numeric columns) and codes (n, categorical columns). `places`: table and line."""

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]
    kept: NDArray[np.float64]
    coded: NDArray[np.int64]
    places: NDArray[np.int64]
    tables: tuple[Table, ...]
    kind: Kind = "table"

    def __len__(self) -> int:
        return len(self.places)

    def numbers(self, indices: Indices) -> NDArray[np.float64]:
        return np.asarray(self.kept[indices])

    def codes(self, indices: Indices) -> NDArray[np.int64]:
        return np.asarray(self.coded[indices])

    def digest(self, index: int) -> bytes:
        """Of the numbers and the texts, not their codes: equal rows of two files are equal."""
        texts = [values[code] for values, code in zip(self.categories, self.coded[index], strict=True)]
        framed = b"".join(len(text).to_bytes(8, "little") + text for text in (each.encode() for each in texts))
        return blake3(np.ascontiguousarray(self.kept[index], "<f8").tobytes() + framed).digest()

    def where(self, index: int) -> str:
        table, line = self.places[index]
        return self.tables[int(table)].where(int(line))

    def taken(self, mask: NDArray[np.bool_]) -> TableRows:
        """The rows where `mask` is true."""
        if mask.all():
            return self
        parts = (self.kept[mask], self.coded[mask], self.places[mask])
        return TableRows(self.numeric, self.categorical, self.categories, *parts, self.tables)


def is_number(cell: str) -> bool:
    """Whether a text is a finite number as files write them: 12, -0.5, 1e-3."""
    return _NUMBER.fullmatch(cell) is not None


def look(tables: Sequence[Table], columns: Sequence[str]) -> dict[str, Seen]:
    """What each column holds in all tables together."""
    found = {name: Seen() for name in columns}
    for table in tables:
        for lines, cells in table.blocks(columns):
            for name in columns:
                _count(found[name], cells[name], lines, table)
    return found


def _count(seen: Seen, cells: Cells, lines: NDArray[np.int64], table: Table) -> None:
    if isinstance(cells, np.ndarray):
        missing = int(np.isnan(cells).sum())
        seen.missing += missing
        seen.numbers += len(cells) - missing
        return
    for line, cell in zip(lines, cells, strict=True):
        if is_number(cell):
            seen.numbers += 1
        elif cell.casefold() in _MISSING:
            seen.missing += 1
        else:
            seen.texts += 1
            if seen.odd is None:
                seen.odd = (table.where(int(line)), cell)


def holds(name: str, seen: Seen, asked: str | None) -> Holds:
    """What a column is taken for. Raises `DataError` for text where numbers belong, and for an empty column."""
    if asked == "category":
        return "category"
    if asked is None and seen.missing and not seen.numbers and not seen.texts:
        raise DataError(
            f"column '{name}' is empty in every row", hint=f"Leave it out: data.columns: {{{name}: ignore}}."
        )
    if asked is None and seen.numbers < _MOSTLY * seen.texts:
        return "category"
    if seen.odd is not None:
        where, text = seen.odd
        raise DataError(
            f"column '{name}' holds {text[:80]!r}, and a number belongs there",
            where=where,
            hint=f"Correct the cell, or take the column for texts: data.columns: {{{name}: category}}.",
        )
    return "number"


def ensure_describes(name: str, different: int, rows: int) -> None:
    """Raises `DataError` for texts that tell rows apart, as names and identifiers do: nothing is learned from them."""
    if different > _FEW and different > rows / 2:
        raise DataError(
            f"column '{name}' holds {different:,} different texts in {rows:,} rows: it tells rows apart rather than "
            "describing them",
            hint=f"Leave it out or insist: data.columns: {{{name}: ignore}} or {{{name}: category}}.",
        )


@dataclass(slots=True)
class _Vocabulary:
    name: str
    places: dict[str, int] = field(default_factory=dict)

    def codes(self, cells: Cells) -> list[int]:
        texts = cells if isinstance(cells, list) else [_written(value) for value in cells.tolist()]
        found = [self.places.setdefault(text, len(self.places)) for text in texts]
        if len(self.places) > MAX_CATEGORIES:
            raise LimitError(f"column '{self.name}' holds more than {MAX_CATEGORIES:,} different texts")
        return found


def _written(value: float) -> str:
    if np.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() else repr(value)


def keep(tables: Sequence[Table], columns: Mapping[str, Holds], rows: int) -> TableRows:
    """The cells of these columns, in the order of `columns` among those of a kind. `rows` is their number."""
    numeric = tuple(name for name, held in columns.items() if held == "number")
    categorical = tuple(name for name, held in columns.items() if held == "category")
    numbers = matrix(rows, len(numeric), np.float64)
    codes = matrix(rows, len(categorical), np.int64)
    places = matrix(rows, 2, np.int64)
    words = [_Vocabulary(name) for name in categorical]
    start = 0
    for number, table in enumerate(tables):
        for lines, cells in table.blocks(tuple(columns)):
            block = slice(start, start + len(lines))
            places[block, 0], places[block, 1] = number, lines
            for at, name in enumerate(numeric):
                numbers[block, at] = as_numbers(cells[name])
            for at, vocabulary in enumerate(words):
                codes[block, at] = vocabulary.codes(cells[vocabulary.name])
            start += len(lines)
    categories = tuple(tuple(vocabulary.places) for vocabulary in words)
    return TableRows(numeric, categorical, categories, numbers, codes, places, tuple(tables))


def as_numbers(cells: Cells) -> NDArray[Any]:
    """float64, NaN for what is missing. The texts are numbers or words for a missing one, as `holds` ensured."""
    if isinstance(cells, np.ndarray):
        return cells
    return np.array([float(cell) if is_number(cell) else np.nan for cell in cells], np.float64)


def missing(rows: TableRows) -> NDArray[np.bool_]:
    """(n, numeric + categorical columns): which cells are missing."""
    empty = [values.index("") if "" in values else -1 for values in rows.categories]
    return np.concatenate([np.isnan(rows.kept), rows.coded == np.array(empty, np.int64)[None, :]], axis=1)
