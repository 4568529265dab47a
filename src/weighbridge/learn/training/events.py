"""What a run tells whoever watches it, as it happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Step:
    """A step is done: number `step` of `steps`. `seconds` is the time spent on steps so far, over all resumptions."""

    step: int
    steps: int
    epoch: float
    loss: float
    rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The model was measured on a split after `step`."""

    step: int
    split: str
    metrics: dict[str, float]


@dataclass(frozen=True, slots=True)
class Preparing:
    """Work before the first step: `done` of `count` of what `what` names."""

    what: str
    done: int
    count: int


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence that a person should read."""

    text: str


Event: TypeAlias = Step | Evaluated | Preparing | Note
Tell: TypeAlias = Callable[[Event], None]


def nobody(_event: Event) -> None:
    """For runs that nobody watches."""
