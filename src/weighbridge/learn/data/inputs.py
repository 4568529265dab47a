"""Raw inputs by number: images, rows of a table, texts. Read when asked for, each named by a digest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from weighbridge.learn.data.values import Indices, Kind

Image: TypeAlias = NDArray[Any]
"""(height, width, channels): uint8, or float of any range."""


class Inputs(Protocol):
    """Raw inputs, numbered from 0."""

    @property
    def kind(self) -> Kind: ...

    def __len__(self) -> int: ...

    def digest(self, index: int) -> bytes:
        """BLAKE3 of the raw input: equal for equal inputs of one source."""
        ...

    def where(self, index: int) -> str:
        """The place of one input, for messages."""
        ...


class Images(Inputs, Protocol):
    def image(self, index: int) -> Image: ...


class Rows(Inputs, Protocol):
    """Rows of a table: numbers, and texts that name categories."""

    @property
    def numeric(self) -> tuple[str, ...]: ...

    @property
    def categorical(self) -> tuple[str, ...]: ...

    @property
    def categories(self) -> tuple[tuple[str, ...], ...]:
        """The texts of each categorical column; `codes` are places in these."""
        ...

    def numbers(self, indices: Indices) -> NDArray[np.float64]:
        """(n, numeric columns)."""
        ...

    def codes(self, indices: Indices) -> NDArray[np.int64]:
        """(n, categorical columns)."""
        ...


class Texts(Inputs, Protocol):
    def text(self, index: int) -> str: ...


@dataclass(frozen=True, slots=True)
class ArrayImages:
    """Images that lie in one array: (n, h, w), (n, h, w, c) or (n, c, h, w), in memory or in an HDF5 file."""

    array: Any
    name: str
    channels_first: bool = False
    kind: Kind = "image"

    def __len__(self) -> int:
        return int(self.array.shape[0])

    def image(self, index: int) -> Image:
        image = np.asarray(self.array[index])
        if image.ndim == 2:
            return image[:, :, None]
        return image.transpose(1, 2, 0) if self.channels_first else image

    def digest(self, index: int) -> bytes:
        return of_array(np.asarray(self.array[index]))

    def where(self, index: int) -> str:
        return f"{self.name}, image {index}"


@dataclass(frozen=True, slots=True)
class ArrayRows:
    """Rows of one array of numbers (n, f)."""

    array: NDArray[Any]
    name: str
    kind: Kind = "table"

    def __len__(self) -> int:
        return len(self.array)

    @property
    def numeric(self) -> tuple[str, ...]:
        return tuple(f"x{column}" for column in range(self.array.shape[1]))

    @property
    def categorical(self) -> tuple[str, ...]:
        return ()

    @property
    def categories(self) -> tuple[tuple[str, ...], ...]:
        return ()

    def numbers(self, indices: Indices) -> NDArray[np.float64]:
        return np.asarray(self.array[indices], np.float64)

    def codes(self, indices: Indices) -> NDArray[np.int64]:
        return np.zeros((len(indices), 0), np.int64)

    def digest(self, index: int) -> bytes:
        return of_array(self.array[index])

    def where(self, index: int) -> str:
        return f"{self.name}, row {index}"


@dataclass(frozen=True, slots=True)
class JoinedImages:
    """Images of several sources, one after another."""

    parts: tuple[Images, ...]
    starts: tuple[int, ...]
    kind: Kind = "image"

    @classmethod
    def of(cls, parts: tuple[Images, ...]) -> JoinedImages:
        lengths = [len(part) for part in parts]
        return cls(parts, tuple(int(start) for start in np.cumsum([0, *lengths])))

    def __len__(self) -> int:
        return self.starts[-1]

    def image(self, index: int) -> Image:
        part, inside = self._place(index)
        return part.image(inside)

    def digest(self, index: int) -> bytes:
        part, inside = self._place(index)
        return part.digest(inside)

    def where(self, index: int) -> str:
        part, inside = self._place(index)
        return part.where(inside)

    def _place(self, index: int) -> tuple[Images, int]:
        at = int(np.searchsorted(self.starts, index, side="right")) - 1
        return self.parts[at], int(index) - self.starts[at]


def of_array(values: NDArray[Any]) -> bytes:
    """The digest of an array: its type, its shape, its elements in row-major order."""
    head = f"{values.dtype.str}{values.shape}".encode()
    return blake3(head + np.ascontiguousarray(values).tobytes()).digest()


def blocks(count: int, size: int) -> Iterator[Indices]:
    """The numbers from 0 to `count` in blocks of at most `size`."""
    for start in range(0, count, size):
        yield np.arange(start, min(start + size, count), dtype=np.int64)
