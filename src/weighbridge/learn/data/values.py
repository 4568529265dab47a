"""What the rest of the package sees of data: splits of samples as plain arrays. No torch here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Indices: TypeAlias = NDArray[np.int64]
Batch: TypeAlias = dict[str, NDArray[Any]]
Task: TypeAlias = Literal["classification", "regression", "language"]
Kind: TypeAlias = Literal["image", "table", "text"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a network must know to fit the data, and a published model to be used without it.

    `shape` is that of one input: (channels, height, width), (features,) or (length,). `classes` are in the order of the
    targets' numbers; empty for regression and language. `outputs` is how many numbers regression predicts of a sample.
    """

    task: Task
    kind: Kind
    shape: tuple[int, ...]
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    outputs: int = 1


class Samples(Protocol):
    """Samples that are read when they are asked for.

    `targets`: int64 (n,) for classes, float32 (n,) or (n, k) for regression, int64 (n, length) for language.
    """

    @property
    def targets(self) -> NDArray[Any]: ...

    def __len__(self) -> int: ...

    def batch(self, indices: Indices) -> Batch:
        """Prepared inputs by the name a network takes them by: `pixels` float32 (n, c, h, w), `features` float32
        (n, f), or `input_ids` and `attention_mask` int64 (n, length)."""
        ...

    def digests(self) -> tuple[bytes, ...]:
        """BLAKE3 of every raw input (without its target), which tells samples that are the same."""
        ...


@dataclass(frozen=True, slots=True)
class Notice:
    """Something found about the data that a person should know: code as `data.duplicates`, and a sentence."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Splits:
    """A dataset ready to learn from.

    `preparation` is what turned raw inputs into prepared ones, as JSON values; it is kept with the model, and
    `data.prepare` makes the same of a new input. `digest` is the BLAKE3 of all samples and targets of all splits, in
    order, as hex: the lock pins it. `origin` is ``org/name@commit`` of a dataset on a hub: the lock pins that too.
    """

    facts: Facts
    train: Samples
    validation: Samples
    test: Samples
    preparation: dict[str, Any]
    digest: str
    notices: tuple[Notice, ...] = ()
    origin: str | None = None
