"""Rows of a table that a trained model is asked about: a file of them, or JSON as it is given."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weighbridge.errors import DataError, FormatError, LimitError, PathNotFoundError, UsageError
from weighbridge.learn.data import columns
from weighbridge.learn.data.columns import Cells, Holds, Table, TableRows
from weighbridge.learn.data.labels import closest
from weighbridge.learn.data.preparing.tables import TablePreparation
from weighbridge.learn.data.sources.csv_table import CsvFile
from weighbridge.learn.data.sources.parquet_table import ParquetFile

MAX_JSON = 64 << 20
_SHOWN = 160  # characters of a row that is given as text, in messages and answers


@dataclass(frozen=True, slots=True)
class JsonRows:
    """Objects of JSON as a table; a line number is that of the object, from 0."""

    rows: tuple[dict[str, Any], ...]
    names: tuple[str, ...]
    name: str

    def blocks(self, columns: Sequence[str]) -> Iterator[tuple[NDArray[np.int64], dict[str, Cells]]]:
        lines = np.arange(len(self.rows), dtype=np.int64)
        yield lines, {name: self._cells(name) for name in columns}

    def where(self, line: int) -> str:
        return self.name if len(self.rows) == 1 else f"{self.name}, row {line}"

    def _cells(self, name: str) -> list[str]:
        found = []
        for line, row in enumerate(self.rows):
            value = row.get(name)
            if isinstance(value, dict | list):
                kind = type(value).__name__
                raise DataError(f"'{name}' is a {kind}, expected a number or text", where=self.where(line))
            found.append("" if value is None else value if isinstance(value, str) else _number(value, self.where(line)))
        return found


def _number(value: float, where: str) -> str:
    """As columns write a number that is a category: 3 for 3.0 and 3, 1 and 0 for truth values."""
    try:
        number = float(value)
    except OverflowError:
        raise DataError("holds a number of more than 308 digits", where=where) from None
    return str(int(number)) if number.is_integer() else repr(number)


def rows_of(given: str, preparation: TablePreparation) -> TableRows:
    """The rows that `given` holds: a file (CSV, TSV, Parquet, JSON, JSONL), a JSON object, or a JSON list of objects.

    For a model of numbers alone a JSON list of numbers is a row too. Raises `DataError` for missing columns and
    cells, text where numbers belong, and `FormatError`.
    """
    table = _table(given, preparation)
    held: dict[str, Holds] = dict.fromkeys(preparation.numeric, "number")
    held |= dict.fromkeys(preparation.categorical, "category")
    for name in held:
        if name not in table.names:
            raise DataError(f"has no '{name}'{closest(name, table.names)}, which the model needs", where=table.where(0))
    seen = columns.look((table,), tuple(held))
    for name, what in held.items():
        columns.holds(name, seen[name], what)
    first = seen[next(iter(held))]
    rows = columns.keep((table,), held, first.numbers + first.missing + first.texts)
    if not len(rows):
        raise DataError("holds no rows", where=table.where(0))
    gaps = np.argwhere(columns.missing(rows))
    if len(gaps):
        raise DataError(f"'{list(held)[gaps[0][1]]}' misses its value", where=rows.where(int(gaps[0][0])))
    return rows


def unseen(rows: TableRows, preparation: TablePreparation, index: int) -> list[str]:
    """Of one row, in words, the texts that no training sample had: the model takes them for none."""
    texts = [values[code] for values, code in zip(rows.categories, rows.coded[index], strict=True)]
    known = zip(preparation.categorical, texts, preparation.values, strict=True)
    return [f"'{text}' as {name} was not in training" for name, text, values in known if text not in values]


def _table(given: str, preparation: TablePreparation) -> Table:
    if given.lstrip()[:1] in ("{", "["):
        return _json(given, preparation, given.strip()[:_SHOWN])
    path = Path(given)
    if not path.is_file():
        raise PathNotFoundError("there is no such file", where=given, hint="Give a table, or a row as a JSON object.")
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        return CsvFile.of(path)
    if suffix in (".parquet", ".pq"):
        return ParquetFile.of(path)
    if suffix in (".json", ".jsonl", ".ndjson"):
        if path.stat().st_size > MAX_JSON:
            raise LimitError(f"has more than {MAX_JSON:,} bytes of JSON", where=given, hint="Give a CSV table.")
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise FormatError(f"is no UTF-8 text (byte {error.start})", where=given) from None
        joined = text if suffix == ".json" else f"[{','.join(line for line in text.splitlines() if line.strip())}]"
        return _json(joined, preparation, given)
    raise UsageError("is no table that we read", where=given, hint="Give CSV, TSV, Parquet, JSON or JSONL.")


def _json(text: str, preparation: TablePreparation, name: str) -> JsonRows:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"is no JSON: {error}", where=name) from None
    if isinstance(value, list) and value and all(isinstance(each, int | float) for each in value):
        value = _numbered(value, preparation, name)
    rows = value if isinstance(value, list) else [value]
    for at, row in enumerate(rows):
        if not isinstance(row, dict):
            raise FormatError(f"expected an object for each row, found {type(row).__name__}", where=f"{name}, row {at}")
    names = tuple(dict.fromkeys(key for row in rows for key in row))
    return JsonRows(tuple(rows), names, name)


def _numbered(values: list[float], preparation: TablePreparation, name: str) -> dict[str, float]:
    if preparation.categorical or len(values) != len(preparation.numeric):
        needs = f"{len(preparation.numeric)} numbers"
        more = f" and {len(preparation.categorical)} texts, by name" if preparation.categorical else ""
        raise DataError(f"holds {len(values)} numbers, and a row has {needs}{more}", where=name)
    return dict(zip(preparation.numeric, values, strict=True))
