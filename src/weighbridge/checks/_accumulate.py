"""Count, range, moments and a histogram of values that pass by once, in bounded memory.

Two ways, chosen by type and size, with the same result:

- `PatternTally`, for types of one or two bytes: how often each of the 256 or 65,536 bit patterns occurs says all
  there is to know, exactly, at one increment a value.
- `ValueTally`, for wider types: exact counts and range, moments merged chunk by chunk (Chan, Golub and LeVeque 1979,
  which does not cancel), and a `GrowingHistogram`.

Sums are float64. Complex values count by magnitude.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import isfinite, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weighbridge.report import Histogram

BINS = 64
# Bins kept while values pass by: 256 for each one shown, so that a bar is off by at most two of its neighbours' fine
# bins (under 1 %) even where a later chunk has widened the range.
FINE_BINS = 256 * BINS
# Below this many values, walking over 65,536 patterns costs more than it saves.
_MIN_FOR_PATTERNS = 1 << 16

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Values = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Tally:
    """What is known of values after the last of them. Numbers are None where nothing was finite or a sum overflows."""

    count: int
    nan: int
    infinite: int
    zeros: int
    minimum: int | float | None
    maximum: int | float | None
    mean: float | None
    std: float | None
    histogram: Histogram | None


def tally_for(items: int, dtype: np.dtype) -> PatternTally | ValueTally:
    """The cheaper way for this many values of this type."""
    if dtype.kind != "c" and (dtype.itemsize == 1 or (dtype.itemsize == 2 and items >= _MIN_FOR_PATTERNS)):
        return PatternTally(dtype)
    return ValueTally()


class PatternTally:
    """Counts bit patterns. All of its results are exact up to float64 rounding."""

    def __init__(self, dtype: np.dtype) -> None:
        self._dtype = dtype
        self._bits = np.dtype(f"u{dtype.itemsize}")
        self._counts = np.zeros(1 << (8 * dtype.itemsize), np.int64)

    def add(self, values: Values) -> None:
        self._counts += np.bincount(values.view(self._bits), minlength=self._counts.size)

    def result(self) -> Tally:
        values = _pattern_values(self._dtype)
        nan = int(self._counts[np.isnan(values)].sum())
        infinite = int(self._counts[np.isinf(values)].sum())
        seen = np.isfinite(values) & (self._counts > 0)
        found, counts = values[seen], self._counts[seen]
        total = int(counts.sum())
        if not total:
            return Tally(nan + infinite, nan, infinite, 0, None, None, None, None, None)
        mean = float(np.dot(found, counts)) / total
        std = sqrt(float(np.dot((found - mean) ** 2, counts)) / total)
        low, high = float(found.min()), float(found.max())
        bins = _rebin(found, counts, low, high)
        whole = self._dtype.kind in "iub"
        return Tally(
            count=total + nan + infinite,
            nan=nan,
            infinite=infinite,
            zeros=int(counts[found == 0].sum()),
            minimum=int(low) if whole else low,
            maximum=int(high) if whole else high,
            mean=mean,
            std=std,
            histogram=Histogram(low, high, bins),
        )


@cache
def _pattern_values(dtype: np.dtype) -> Floats:
    """The value of each bit pattern. A byte that is neither 0 nor 1 counts as true."""
    patterns = np.arange(1 << (8 * dtype.itemsize), dtype=np.dtype(f"u{dtype.itemsize}"))
    if dtype.kind == "b":
        return np.minimum(patterns, 1).astype(np.float64)
    with np.errstate(invalid="ignore"):  # signalling NaNs
        values: Floats = patterns.view(dtype).astype(np.float64)
    return values


class ValueTally:
    """Takes values chunk by chunk."""

    def __init__(self) -> None:
        self._count = self._nan = self._infinite = self._zeros = self._finite = 0
        self._low: int | float = 0.0
        self._high: int | float = 0.0
        self._mean = 0.0
        self._squares = 0.0
        self._histogram = GrowingHistogram()

    def add(self, values: Values) -> None:
        if not values.size:
            return
        self._count += values.size
        with np.errstate(all="ignore"):
            kept = self._finite_of(_real(values))
            if kept.size:
                self._add_finite(kept)

    def _finite_of(self, values: Values) -> Values:
        if values.dtype.kind in "iu" or (isfinite(values.min()) and isfinite(values.max())):
            return values
        nan = np.isnan(values)
        finite = np.isfinite(values)
        nans = int(np.count_nonzero(nan))
        self._nan += nans
        self._infinite += values.size - nans - int(np.count_nonzero(finite))
        return values[finite]

    def _add_finite(self, values: Values) -> None:
        low, high = values.min().item(), values.max().item()
        first = not self._finite
        self._low = low if first else min(self._low, low)
        self._high = high if first else max(self._high, high)
        self._zeros += values.size - int(np.count_nonzero(values))
        floats = values.astype(np.float64, copy=False)
        self._histogram.add(floats, float(low), float(high))
        self._merge_moments(floats)

    def _merge_moments(self, values: Floats) -> None:
        mean = float(values.mean())
        centred = values - mean
        total = self._finite + values.size
        shift = mean - self._mean
        self._squares += float(np.dot(centred, centred)) + shift * shift * self._finite * values.size / total
        self._mean += shift * values.size / total
        self._finite = total

    @np.errstate(all="ignore")
    def result(self) -> Tally:
        if not self._finite:
            return Tally(self._count, self._nan, self._infinite, 0, None, None, None, None, None)
        return Tally(
            count=self._count,
            nan=self._nan,
            infinite=self._infinite,
            zeros=self._zeros,
            minimum=self._low,
            maximum=self._high,
            mean=self._mean if isfinite(self._mean) else None,
            std=sqrt(self._squares / self._finite) if isfinite(self._squares) else None,
            histogram=self._histogram.result(float(self._low), float(self._high)),
        )


def _real(values: Values) -> Values:
    """Values that numpy can order and add: magnitudes of complex ones, float32 for types that only ml_dtypes knows."""
    if values.dtype.kind == "c":
        return np.abs(values)
    return values if values.dtype.kind in "fiu" and values.dtype.itemsize > 2 else values.astype(np.float32)


class GrowingHistogram:
    """Equal bins over a range that doubles, by adding up neighbours, whenever a chunk leaves it.

    The bins begin as the range of the first chunk, cut in `FINE_BINS`: a tensor that comes in one chunk is counted
    exactly. Afterwards at least a quarter of the fine bins lies inside the final range.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(0, np.int64)
        self._start = 0.0
        self._width = 0.0

    def add(self, values: Floats, low: float, high: float) -> None:
        """Count `values`, which are finite and lie between `low` and `high`."""
        if not self._counts.size:
            self._counts = np.zeros(FINE_BINS, np.int64)
            self._start = low
            self._width = max((high - low) / FINE_BINS, abs(low) * 1e-12, 1e-300)
        self._grow(low, high)
        if not isfinite(self._width):
            return
        indexes = ((values - self._start) / self._width).astype(np.intp)
        np.clip(indexes, 0, FINE_BINS - 1, out=indexes)
        self._counts += np.bincount(indexes, minlength=FINE_BINS)

    def _grow(self, low: float, high: float) -> None:
        while isfinite(self._width):
            slack = self._width  # a value at the very end is clipped into the last bin
            if low < self._start:
                self._start -= self._width * FINE_BINS
                self._counts = np.concatenate([np.zeros(FINE_BINS // 2, np.int64), self._paired()])
            elif high > self._start + self._width * FINE_BINS + slack:
                self._counts = np.concatenate([self._paired(), np.zeros(FINE_BINS // 2, np.int64)])
            else:
                return
            self._width *= 2

    def _paired(self) -> Counts:
        return self._counts[0::2] + self._counts[1::2]

    def result(self, low: float, high: float) -> Histogram | None:
        """The counts in `BINS` bins between `low` and `high`; None where the range is wider than float64."""
        if not isfinite(self._width) or not isfinite(high - low):
            return None
        middles = self._start + self._width * (np.arange(FINE_BINS, dtype=np.float64) + 0.5)
        seen = self._counts > 0
        return Histogram(low, high, _rebin(middles[seen], self._counts[seen], low, high))


def _rebin(values: Floats, counts: Counts, low: float, high: float) -> tuple[int, ...]:
    """`counts` of `values` added up in `BINS` equal bins. All in the first where the range is a single value."""
    if high > low:
        # Clipped before the cast: over a subnormal range the quotient may be infinite.
        indexes = np.clip((values - low) / (high - low) * BINS, 0, BINS - 1).astype(np.intp)
    else:
        indexes = np.zeros(values.size, np.intp)
    # float64 weights are exact up to 2**53 values.
    return tuple(int(count) for count in np.bincount(indexes, weights=counts, minlength=BINS))
