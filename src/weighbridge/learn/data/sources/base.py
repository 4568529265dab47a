"""What a source of data is: it knows its files by their names, and reads them into raw inputs with labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from weighbridge.learn.data.inputs import Inputs
from weighbridge.learn.data.places import DataFile
from weighbridge.learn.data.values import Notice
from weighbridge.learn.recipe import DataSpec


@dataclass(frozen=True, slots=True)
class Raw:
    """Samples as a source read them.

    `labels`: text, integers or numbers, (n,) or (n, k); None where there are none. `splits`: train, validation, test,
    or "" where the data does not say. `names`: those that the data itself gives the classes 0, 1, ….
    """

    inputs: Inputs
    labels: NDArray[Any] | None
    splits: NDArray[np.str_]
    names: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()


class Source(Protocol):
    """One way in which people keep data."""

    name: str

    def claims(self, file: DataFile) -> bool:
        """Whether a file is of this kind, by its name alone."""
        ...

    def read(self, files: tuple[DataFile, ...], spec: DataSpec) -> Raw:
        """The samples of these files, which this source claims. Raises `DataError` and `FormatError`."""
        ...


def ends(file: DataFile, *suffixes: str) -> bool:
    return file.path.name.lower().endswith(suffixes)
