"""Whether a tensor is another one plus a product of two narrow matrices, as after a LoRA merge, and which ones.

What is seen is the difference of two tensors of which the new one was rounded, by known amounts: half an ulp of each
element. A first look at some rows tells whether anything but that noise is left beyond a small rank; nearly every other
pair of tensors ends there. Then the factors are fitted to a part of the rows by least squares in which each element
counts by its own precision (small elements were rounded the least, and tell the most), in turns. The rows' factor is
made for every row in a second pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from weighbridge.store._lowrank_fit import alternate, leading, noise, singular_values, solve, visible_rank
from weighbridge.store._lowrank_integers import Columns, best_columns, pack
from weighbridge.store._lowrank_pair import Doubles, Floats, Pair, is_supported, ulp_at
from weighbridge.store.codecs.predictors.base import Number
from weighbridge.store.codecs.predictors.lowrank import MOST_RANK, Factors

Reader = Callable[[int, int], bytes]
"""The raw bytes of so many elements of a tensor from this one on: ``reader(first, count)``."""

MOST_BYTES = 256 << 20
"""Tensors with more are not looked at."""

_LEAST_SIDE, _LEAST_ELEMENTS, _MOST_COLUMNS = 16, 16 << 10, 1 << 20
# The first look is at so many rows (more in a tensor of so many elements) and twice as many columns.
_LOOK, _LARGE_LOOK, _LARGE = 160, 288, 4 << 20
# The quieter singular values may be so many times what rounding explains.
_MORE_NOISE = 1.6
# What the columns' factor is fitted to: all rows, or so many elements and rows, in runs.
_LEAST_SAMPLE, _MOST_SAMPLE, _LEAST_ROWS, _RUNS = 1 << 20, 4 << 20, 1 << 10, 8
_STRETCH = 1 << 19
# Turns of the fit; one where the rank, of which each costs the square, is high.
_TURNS, _HIGH = 2, 32
_WORTH = 0.9
# About the bits of a factor's number, and how much of a difference factors may take to be worth fitting at all: full
# fine-tunes of small matrices show ranks of up to 73, whose fits take half a minute and are never kept.
_FACTOR_BITS, _FACTORS_SHARE = 16, 0.85


def find_factors(
    base: Reader, new: Reader, rows: int, columns: int, number: Number, base_number: Number | None = None
) -> Factors | None:
    """The factors of ``new - base``, tensors of `rows` by `columns`; None where that is not low rank, or not worth it.

    Ask when a tensor has a base of the same shape and their first blocks differ. Most pairs (full fine-tunes) cost a
    look at the first 160 or 288 rows, a few milliseconds; `Suspicion` spares most of these too. If it gives factors:
    store ``factors.block`` as a block without references, and code each block of the tensor by codec 6 with
    ``LOW_RANK.recipe(factors, base_number, first_element, offset)``, its references being the base's blocks and, last,
    that of the factors. They need not be right: the residual makes every block exact.

    Reads each element of both tensors at most twice and a few rows three times. Memory: up to about 150 MB while it
    works on a large tensor of low rank. What the readers raise passes through.
    """
    if not may_have_factors(rows, columns, number, base_number or number):
        return None
    look = _Look(base, new, rows, columns, number, base_number or number)
    guess = look.rank()
    return _fit(look, guess) if guess else None


def may_have_factors(rows: int, columns: int, number: Number, base_number: Number) -> bool:
    """Whether `find_factors` looks at tensors of this shape and these numbers at all."""
    return (
        is_supported(number)
        and is_supported(base_number)
        and min(rows, columns) >= _LEAST_SIDE
        and columns <= _MOST_COLUMNS
        and _LEAST_ELEMENTS <= rows * columns <= MOST_BYTES // number.width
    )


class Suspicion:
    """Whether to ask for the factors of yet another tensor of the same file: ever more seldom while none are found."""

    def __init__(self) -> None:
        self._seen = 0
        self._ask_at = 1

    def asks(self) -> bool:
        """Whether this one should be looked at."""
        self._seen += 1
        return self._seen >= self._ask_at

    def learned(self, found: bool) -> None:
        """What came of looking at it."""
        self._ask_at = 0 if found else self._seen + max(1, self._seen // 2)


@dataclass(frozen=True, slots=True)
class _Look:
    """Two tensors that are read by the row."""

    base: Reader
    new: Reader
    rows: int
    columns: int
    number: Number
    base_number: Number

    @property
    def elements(self) -> int:
        return self.rows * self.columns

    def read(self, start: int, stop: int) -> Pair:
        first, count = start * self.columns, (stop - start) * self.columns
        return Pair(self.base(first, count), self.new(first, count), self.base_number, self.number, self.columns)

    def sample(self) -> Pair:
        """All rows, or enough to know the components well, in runs that are spread over the tensor."""
        wanted = max(_LEAST_SAMPLE // self.columns, _LEAST_ROWS)
        count = max(1, min(self.rows, wanted, _MOST_SAMPLE // self.columns))
        runs = 1 if count == self.rows else min(_RUNS, count)
        length = count // runs
        starts = [run * (self.rows - length) // max(1, runs - 1) for run in range(runs)]
        parts = [self.read(start, start + length) for start in starts]
        return replace(parts[0], base=b"".join(p.base for p in parts), new=b"".join(p.new for p in parts))

    def rank(self) -> int:
        """What a first look at the beginning says: 0 for anything but a low rank and noise."""
        most = _LARGE_LOOK if self.elements >= _LARGE else _LOOK
        pair = self.read(0, min(self.rows, most)).every(1, max(1, self.columns // (2 * most)))
        differences = pair.differences()
        changed = int(np.count_nonzero(differences.any(axis=1)))
        if changed == 0:
            return 0
        values = singular_values(differences)
        floor = singular_values(noise(_precision(pair, differences, rounded=True)))
        found = visible_rank(values, floor[0])
        if 2 * found > min(changed, len(values)):  # few changed rows have few ranks, whatever they hold
            return 0
        quiet = 3 * changed // 4
        if values[min(quiet, len(values) - 1)] > _MORE_NOISE * floor[min(quiet, len(values) - 1)]:
            return 0
        factors = _FACTOR_BITS * found * (self.rows + self.columns) / self.elements
        return found if factors < _FACTORS_SHARE * _typed_bits(differences, pair.ulps()) else 0


def _precision(pair: Pair, differences: Floats, rounded: bool) -> Floats:
    """How far elements may lie from base plus product: each by its ulp, and by that of the difference.

    The difference was rounded to its tensor's format (`rounded`), or is as precise as products in binary32 are that
    were added in an order nobody knows.
    """
    ulps = pair.ulps()
    typical = float(np.sqrt(np.mean(np.square(differences))))
    finest = ulp_at(typical, pair.number) if rounded else typical * 2.0**-22
    return np.hypot(ulps, np.float32(max(finest, float(np.median(ulps[:, ::7])) / 256, 1e-44)))


def _fit(look: _Look, guess: int) -> Factors | None:
    pair = look.sample()
    differences = pair.differences()
    precision = _precision(pair, differences, rounded=True)
    most = min(MOST_RANK, pair.rows // 2, look.columns // 2)
    values, right = leading(differences, min(2 * guess + 8, most))
    rank = visible_rank(values, float(leading(noise(precision), 1)[0][0]))
    if not rank:
        return None
    share = look.rows / pair.rows
    turns = _TURNS if rank <= _HIGH else 1
    rows, columns = alternate(differences, precision**-2, right[:rank], turns)
    chosen = best_columns(pair, share, rows, columns, rounded=True)
    if look.number.width == 2:
        precision = _precision(pair, differences, rounded=False)
        rows, columns = alternate(differences, precision**-2, columns, turns)
        plain = best_columns(pair, share, rows, columns, rounded=False)
        chosen = min(chosen, plain, key=lambda tried: tried.bits)
    if chosen.bits > _WORTH * _typed_bits(differences, pair.ulps()) * look.elements:
        return None
    return pack(chosen, _rows(look, chosen))


def _rows(look: _Look, chosen: Columns) -> Doubles:
    """The rows' factor for every row of the tensor."""
    columns, step = chosen.values, max(1, _STRETCH // look.columns)
    rows = []
    for start in range(0, look.rows, step):
        pair = look.read(start, min(start + step, look.rows))
        differences = pair.differences()
        rows.append(solve(differences, _precision(pair, differences, chosen.rounded) ** -2, columns))
    return np.concatenate(rows)


def _typed_bits(differences: Floats, ulps: Floats) -> float:
    """About what an element costs where only the base is known."""
    return float(np.mean(np.log2(1 + np.abs(differences) / np.maximum(ulps, np.float32(1e-20))))) + 1
