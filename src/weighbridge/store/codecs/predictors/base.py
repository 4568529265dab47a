"""What a predictor is, and the kinds of number that it speaks of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from weighbridge.store.codecs.base import Buffer, Layout, damaged


@dataclass(frozen=True, slots=True)
class Number:
    """How the elements of a block are read: `kind` in the payload, bytes of an element, the float format or ""."""

    kind: int
    width: int
    name: str = ""


NUMBERS: tuple[Number, ...] = (
    Number(0, 1),
    Number(1, 2, "BF16"),
    Number(2, 2, "F16"),
    Number(3, 4, "F32"),
    Number(4, 8, "F64"),
    Number(5, 1, "F8_E4M3"),
    Number(6, 1, "F8_E5M2"),
    Number(7, 2),
    Number(8, 4),
    Number(9, 8),
)
"""By kind; those of floats are as in codec 5, those of integers say nothing of signs."""

_FLOATS = {number.name: number for number in NUMBERS if number.name}
_INTEGERS = {number.width: number for number in NUMBERS if not number.name}


def number_of(layout: Layout, length: int) -> Number:
    """The kind of number for `length` bytes of a layout: bytes where they are no whole elements."""
    number = _FLOATS.get(layout.number) or _INTEGERS[layout.width if not layout.columns else 1]
    return number if length % number.width == 0 else NUMBERS[0]


class Fields:
    """The predictor's own fields: what stands in the payload from here on, taken from its front."""

    def __init__(self, payload: memoryview) -> None:
        self.rest = payload

    def take(self, size: int) -> memoryview:
        """The next bytes. Raises `CorruptError` where the payload ends before."""
        if size > len(self.rest):
            raise damaged("delta", "it ends within the fields of its predictor")
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def number(self, size: int) -> int:
        """The next unsigned little-endian integer of `size` bytes."""
        return int.from_bytes(self.take(size), "little")


class Predictor(Protocol):
    """A way to guess a block from its references. Pure, stateless, safe from several threads.

    The same references and fields give the same bytes on every machine and in every version of this program.
    """

    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...

    def predict(self, fields: Fields, number: Number, length: int, references: Sequence[Buffer]) -> Buffer:
        """`length` bytes of numbers of this kind, a whole number of them. Takes its fields and no byte more.

        Raises `CorruptError` for fields that no encoder wrote, or that do not suit number or references. Allocates no
        more than a few times what the block and its references have.
        """
        ...
