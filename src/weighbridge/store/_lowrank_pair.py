"""Rows of two tensors as numbers, and how precisely each element of the new one is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from weighbridge.store.codecs.predictors.base import Number

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_HUGE = np.float32(1e15)
# Of each float format: bits of the mantissa, and the exponent of its smallest normal number.
_FORMATS = {"BF16": (7, -126), "F16": (10, -14), "F32": (23, -126)}


def is_supported(number: Number) -> bool:
    return number.name in _FORMATS


@dataclass(frozen=True, slots=True)
class Pair:
    """Some rows of a base and of the tensor that may come from it, as they lie in memory."""

    base: bytes
    new: bytes
    base_number: Number
    number: Number
    columns: int

    @property
    def rows(self) -> int:
        return len(self.new) // (self.number.width * self.columns)

    def differences(self) -> Floats:
        """New minus base, rows by columns; 0 where either is not finite, or so large that its square may not be."""
        with np.errstate(invalid="ignore"):
            difference = self._floats(self.new, self.number) - self._floats(self.base, self.base_number)
        difference[~(np.abs(difference) < _HUGE)] = 0
        return difference.reshape(self.rows, self.columns)

    def ulps(self) -> Floats:
        """The distance of neighbouring numbers at each element of the new tensor; infinite where it is not finite."""
        exponents = (self._floats(self.new, self.number).view(np.uint32) >> 23) & 0xFF
        ulps: Floats = _ulp_table(self.number)[exponents]
        return ulps.reshape(self.rows, self.columns)

    def every(self, rows: int, columns: int = 1) -> Pair:
        """Each so-many-th row and column."""
        base, new = (
            np.frombuffer(data, f"<u{number.width}").reshape(self.rows, self.columns)[::rows, ::columns].tobytes()
            for data, number in ((self.base, self.base_number), (self.new, self.number))
        )
        return Pair(base, new, self.base_number, self.number, -(-self.columns // columns))

    def moved(self, prediction: bytes) -> npt.NDArray[np.int64]:
        """How many representable numbers lie between a prediction and the new tensor, element by element, signed."""
        return _ordered(self.new, self.number) - _ordered(prediction, self.number)

    @staticmethod
    def _floats(data: bytes, number: Number) -> Floats:
        if number.name == "BF16":
            return (np.frombuffer(data, "<u2").astype(np.uint32) << np.uint32(16)).view(np.float32)
        return np.frombuffer(data, "<f2" if number.name == "F16" else "<f4").astype(np.float32)


def ulp_at(value: float, number: Number) -> float:
    """The distance of neighbouring numbers of this format at a positive value."""
    exponent = int(np.float32(value).view(np.uint32) >> 23) & 0xFF
    return float(_ulp_table(number)[exponent])


def _ulp_table(number: Number) -> Floats:
    """By the exponent field of the element as binary32."""
    mantissa, least = _FORMATS[number.name]
    with np.errstate(under="ignore"):
        table: Floats = np.ldexp(1.0, np.maximum(np.arange(256) - 127, least) - mantissa).astype(np.float32)
    table[255] = np.inf
    return table


def _ordered(data: bytes, number: Number) -> npt.NDArray[np.int64]:
    """Words whose order as integers is that of the floats they are."""
    words = np.frombuffer(data, f"<i{number.width}")
    return np.where(words < 0, words ^ words.dtype.type((1 << (8 * number.width - 1)) - 1), words).astype(np.int64)
