"""Rows of a table made ready for a network: numbers standardised, categories as zeros and a one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weighbridge.errors import DataError
from weighbridge.learn.data.inputs import Rows, blocks
from weighbridge.learn.data.values import Indices

_BLOCK = 65536
MAX_FEATURES = 100_000


@dataclass(frozen=True, slots=True)
class TablePreparation:
    """How one row becomes features. ``TablePreparation.from_json(p.as_json()) == p``.

    Features are the numeric columns in order, (value - mean) / std, then a column for each value of each categorical
    column; a value that training never saw has zeros in all of them.
    """

    numeric: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    categorical: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "numeric": list(self.numeric), "mean": list(self.mean), "std": list(self.std),
            "categorical": list(self.categorical), "values": [list(values) for values in self.values],
        }  # fmt: skip

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> TablePreparation:
        lists = {name: tuple(values[name]) for name in ("numeric", "mean", "std", "categorical")}
        return cls(**lists, values=tuple(tuple(each) for each in values["values"]))

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        pairs = zip(self.categorical, self.values, strict=True)
        return self.numeric + tuple(f"{column}={value}" for column, values in pairs for value in values)

    def finish(self, rows: Rows, indices: Indices) -> NDArray[np.float32]:
        """float32 (n, features). The columns of `rows` are those of this preparation, by `matching`."""
        numbers = (rows.numbers(indices) - np.array(self.mean)) / np.array(self.std)
        codes = rows.codes(indices)
        parts = [numbers.astype(np.float32)]
        for column, values in enumerate(self.values):
            place = {value: at for at, value in enumerate(values)}
            known = np.array([place.get(value, -1) for value in rows.categories[column]] or [-1], np.int64)
            parts.append((known[codes[:, column]][:, None] == np.arange(len(values))).astype(np.float32))
        return np.concatenate(parts, axis=1)


def fit(rows: Rows, train: Indices) -> TablePreparation:
    """Means and deviations of the training rows, and the categories that occur in them. Raises `DataError`."""
    total, squares = np.zeros(len(rows.numeric)), np.zeros(len(rows.numeric))
    seen = [np.zeros(len(values), bool) for values in rows.categories]
    for block in blocks(len(train), _BLOCK):
        numbers = _finite(rows, train[block])
        total += numbers.sum(0)
        for column, codes in enumerate(rows.codes(train[block]).T):
            seen[column][codes] = True
    mean = total / len(train)
    for block in blocks(len(train), _BLOCK):
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is told below
            squares += ((rows.numbers(train[block]) - mean) ** 2).sum(0)
    std = np.sqrt(squares / len(train))
    if not np.isfinite(std).all():
        name = rows.numeric[int(np.flatnonzero(~np.isfinite(std))[0])]
        raise DataError(f"column '{name}' holds numbers too large to take their mean and deviation")
    std[std <= 1e-12 * np.maximum(np.abs(mean), 1e-300)] = 1.0  # a constant column: zeros, not noise
    values = tuple(
        tuple(value for value, is_seen in zip(column, there, strict=True) if is_seen)
        for column, there in zip(rows.categories, seen, strict=True)
    )
    width = len(rows.numeric) + sum(map(len, values))
    if width > MAX_FEATURES:
        raise DataError(f"makes {width:,} features of a row; we go up to {MAX_FEATURES:,}")
    return TablePreparation(rows.numeric, tuple(mean.tolist()), tuple(std.tolist()), rows.categorical, values)


def refuse_holes(rows: Rows, indices: Indices) -> None:
    """Raises `DataError` that names the row and the column of the first number that is none."""
    for block in blocks(len(indices), _BLOCK):
        _finite(rows, indices[block])


def matching(preparation: TablePreparation, rows: Rows) -> None:
    """Raises `DataError` where a table has not the columns that a preparation needs, in its order."""
    for wanted, found in ((preparation.numeric, rows.numeric), (preparation.categorical, rows.categorical)):
        if wanted != found:
            missing = [name for name in wanted if name not in found]
            more = [name for name in found if name not in wanted]
            what = (
                f"misses {', '.join(missing)}" if missing else f"has {', '.join(more)} too" if more else "other order"
            )
            raise DataError(f"the columns are not those that the model learned from: {what}")


def _finite(rows: Rows, indices: Indices) -> NDArray[np.float64]:
    numbers = rows.numbers(indices)
    bad = np.argwhere(~np.isfinite(numbers))
    if len(bad):
        row, column = bad[0]
        raise DataError(
            f"column '{rows.numeric[column]}' holds {numbers[row, column]}, not a finite number",
            where=rows.where(int(indices[row])),
            hint="Fill or remove such rows, or leave the column out with data.inputs.",
        )
    return numbers
