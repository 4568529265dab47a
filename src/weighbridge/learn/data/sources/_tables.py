"""What every source of tables does with its columns: inputs, target and split found, rows or texts made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from weighbridge.errors import DataError
from weighbridge.learn.data import columns
from weighbridge.learn.data.columns import Cells, Holds, Seen, Table, TableRows
from weighbridge.learn.data.labels import closest
from weighbridge.learn.data.places import DataFile, split_named
from weighbridge.learn.data.sources.base import Raw
from weighbridge.learn.data.spill import Blobs
from weighbridge.learn.data.values import Kind, Notice
from weighbridge.learn.recipe import DataSpec

_TEXTS = ("text", "sentence", "content", "document", "review")
_TARGETS = ("label", "labels", "target", "class", "category", "y")


class ByColumn:
    """A source whose inputs are columns with names."""


@dataclass(frozen=True, slots=True)
class TableTexts:
    """Texts of one column."""

    blobs: Blobs
    places: NDArray[np.int64]
    tables: tuple[Table, ...]
    kind: Kind = "text"

    def __len__(self) -> int:
        return len(self.blobs)

    def text(self, index: int) -> str:
        return self.blobs[index].decode("utf-8", "surrogatepass")

    def digest(self, index: int) -> bytes:
        return blake3(self.blobs[index]).digest()

    def where(self, index: int) -> str:
        table, line = self.places[index]
        return self.tables[int(table)].where(int(line))


@dataclass(frozen=True, slots=True)
class Roles:
    """Which column is what. `text`: the inputs are one column of text."""

    inputs: tuple[str, ...]
    target: str | None
    split: str | None
    text: bool

    @property
    def all(self) -> tuple[str, ...]:
        more = (name for name in (self.target, self.split) if name is not None)
        return tuple(dict.fromkeys((*self.inputs, *more)))


def read(tables: Sequence[Table], files: Sequence[DataFile], spec: DataSpec, names: tuple[str, ...] = ()) -> Raw:
    """Samples of tables of equal columns, one for each file. `names` are those of the classes, where a file says them.

    Raises `DataError` that names file, line and column, and `FormatError`.
    """
    roles = roles_of(tables, spec)
    seen = columns.look(tables, roles.all)
    rows = _rows(seen, roles)
    given = _splits(tables, files, roles, rows)
    labels, gone = _labels(tables, roles, seen, spec, rows)
    if _is_text(roles, seen, spec):
        texts = _texts(tables, roles.inputs[0], rows)
        stays, notices = _staying(gone[:, None], (roles.target or "",), texts, spec)
        if not stays.all():
            raise DataError("data.missing: remove is for rows of numbers and categories; mend these texts' labels")
        return Raw(texts, labels, given, names, notices)
    held = {name: columns.holds(name, seen[name], asked(spec, name)) for name in roles.inputs}
    kept = columns.keep(tables, held, rows)
    _ensure_describing(kept, spec)
    bad = np.concatenate([columns.missing(kept), gone[:, None]], axis=1)
    stays, notices = _staying(bad, (*kept.numeric, *kept.categorical, roles.target or ""), kept, spec)
    if "" in tables[0].names and "" not in roles.inputs:
        notices += (Notice("data.unnamed", "A column without a name was left out, as an index of rows."),)
    return Raw(kept.taken(stays), None if labels is None else labels[stays], given[stays], names, notices)


def labelled(
    tables: Sequence[Table], files: Sequence[DataFile], roles: Roles, spec: DataSpec
) -> tuple[NDArray[Any] | None, NDArray[np.str_]]:
    """Targets and splits alone, for inputs that are no cells of a table. Raises `DataError` for a missing target."""
    beside = tuple(name for name in (roles.target, roles.split) if name is not None)
    if roles.target is None:
        raise DataError("has no labels", where=tables[0].where(0), hint="Name the target with data.target.")
    seen = columns.look(tables, beside)
    rows = _rows(seen, roles)
    labels, gone = _labels(tables, roles, seen, spec, rows)
    if gone.any():
        first = int(np.flatnonzero(gone)[0])
        raise DataError(
            f"column '{roles.target}' misses its value in {int(gone.sum()):,} rows, first in sample {first}"
        )
    return labels, _splits(tables, files, roles, rows)


def asked(spec: DataSpec, name: str) -> str | None:
    """What the recipe says that a column holds."""
    return spec.columns.get(name)


def roles_of(tables: Sequence[Table], spec: DataSpec) -> Roles:
    """Raises `DataError` for a column that is not there, and where nothing says which is the target."""
    there = tables[0].names
    target = None if spec.task == "language" else spec.target or _usual(there, _TARGETS)
    split = spec.split.column
    if target is None and spec.task != "language":
        raise DataError(
            "has no column under a usual name for what is to be learned", where=tables[0].where(0),
            hint=f"Name it with data.target; the columns are {_some(there)}.",
        )  # fmt: skip
    ignored = {name for name, what in spec.columns.items() if what == "ignore"} | {target, split, ""}
    usual = _usual(there, _TEXTS)
    if spec.inputs is not None:
        inputs = (spec.inputs,) if isinstance(spec.inputs, str) else spec.inputs
    elif usual is not None and usual not in spec.columns:
        inputs = (usual,)
    else:
        inputs = tuple(name for name in there if name not in ignored)
    roles = Roles(inputs, target, split, spec.inputs == inputs[0] if inputs and spec.inputs else inputs == (usual,))
    for table in tables:
        for name in (*roles.all, *spec.columns):
            if name not in table.names:
                hint = f"The columns are {_some(table.names)}."
                raise DataError(f"has no column '{name}'{closest(name, table.names)}", where=table.where(0), hint=hint)
    if not inputs:
        raise DataError("has no column to learn from", where=tables[0].where(0))
    if target in inputs:
        raise DataError(f"column '{target}' is the target, and an input too", hint="Leave it out of data.inputs.")
    return roles


def _usual(there: tuple[str, ...], names: tuple[str, ...]) -> str | None:
    by_name = {name.casefold(): name for name in reversed(there)}
    return next((by_name[name] for name in names if name in by_name), None)


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def _rows(seen: dict[str, Seen], roles: Roles) -> int:
    first = seen[roles.target or roles.all[0]]
    return first.numbers + first.missing + first.texts


def _is_text(roles: Roles, seen: dict[str, Seen], spec: DataSpec) -> bool:
    """One column of text under a usual name, or named alone, is text; a list of columns is a table."""
    if spec.task == "language":
        return True
    held = seen[roles.inputs[0]]
    return roles.text and asked(spec, roles.inputs[0]) is None and held.texts > held.numbers


def _cells(tables: Sequence[Table], name: str) -> Any:
    for table in tables:
        for lines, cells in table.blocks((name,)):
            yield table, lines, cells[name]


def _texts(tables: Sequence[Table], name: str, rows: int) -> TableTexts:
    blobs, places, start = Blobs(), np.zeros((rows, 2), np.int64), 0
    number = {id(table): at for at, table in enumerate(tables)}
    for table, lines, cells in _cells(tables, name):
        if not isinstance(cells, list):
            raise DataError(f"column '{name}' holds numbers, expected text", where=table.where(int(lines[0])))
        for cell in cells:
            blobs.append(cell.encode("utf-8", "surrogatepass"))
        places[start : start + len(lines), 0], places[start : start + len(lines), 1] = number[id(table)], lines
        start += len(lines)
    return TableTexts(blobs, places, tuple(tables))


def _splits(tables: Sequence[Table], files: Sequence[DataFile], roles: Roles, rows: int) -> NDArray[np.str_]:
    found, start = np.zeros(rows, "U10"), 0
    by_file = {id(table): file.split for table, file in zip(tables, files, strict=True)}
    for table, lines, cells in _cells(tables, roles.split or roles.target or roles.all[0]):
        block = slice(start, start + len(lines))
        found[block] = by_file[id(table)] or (_named(table, lines, cells, roles.split) if roles.split else "")
        start += len(lines)
    return found


def _named(table: Table, lines: NDArray[np.int64], cells: Cells, column: str) -> list[str]:
    found = []
    for line, cell in zip(lines, cells, strict=True):
        split = split_named(str(cell))
        if split is None:
            where = table.where(int(line))
            raise DataError(f"column '{column}' is {str(cell)!r}, expected train, validation or test", where=where)
        found.append(split)
    return found


def _labels(
    tables: Sequence[Table], roles: Roles, seen: dict[str, Seen], spec: DataSpec, rows: int
) -> tuple[NDArray[Any] | None, NDArray[np.bool_]]:
    """The targets, and which rows have none."""
    if roles.target is None:
        return None, np.zeros(rows, bool)
    said = asked(spec, roles.target) or ("number" if spec.task == "regression" else None)
    held: Holds = columns.holds(roles.target, seen[roles.target], said)
    if held == "category":
        kept = columns.keep(tables, {roles.target: held}, rows)
        names = np.array(kept.categories[0], dtype=str)
        labels = names[kept.coded[:, 0]] if rows else np.zeros(0, "U1")
        return labels, labels == ""
    parts = [columns.as_numbers(cells) for _, _, cells in _cells(tables, roles.target)]
    numbers = np.concatenate([np.zeros(0), *parts])
    gone = np.isnan(numbers)
    whole = bool((numbers[~gone] == np.rint(numbers[~gone])).all()) and spec.task != "regression"
    return (np.where(gone, 0, numbers).astype(np.int64) if whole else numbers), gone


def _ensure_describing(rows: TableRows, spec: DataSpec) -> None:
    for name, values in zip(rows.categorical, rows.categories, strict=True):
        if asked(spec, name) is None:
            columns.ensure_describes(name, len(values), len(rows))


def _staying(
    bad: NDArray[np.bool_], names: tuple[str, ...], rows: TableRows | TableTexts, spec: DataSpec
) -> tuple[NDArray[np.bool_], tuple[Notice, ...]]:
    """Which rows have all their cells. Raises `DataError` for the first that has not, where the recipe does not say
    to remove such rows."""
    having: NDArray[np.bool_] = np.asarray(bad.any(1))
    count = int(having.sum())
    if not count:
        return ~having, ()
    if spec.missing == "remove":
        text = f"{count:,} of {len(having):,} rows miss a value and were removed."
        return ~having, (Notice("data.missing", text),)
    first = int(np.flatnonzero(having)[0])
    name = names[int(np.flatnonzero(bad[first])[0])]
    more = f"; so do {count - 1:,} rows more" if count > 1 else ""
    raise DataError(
        f"column '{name}' misses its value{more}", where=rows.where(first),
        hint="Fill it in, leave the column out (data.columns: {NAME: ignore}), or say data.missing: remove.",
    )  # fmt: skip
