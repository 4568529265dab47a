"""Two factors as integers: how fine they should be, and the block that keeps them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from weighbridge import native
from weighbridge.store._lowrank_fit import standard
from weighbridge.store._lowrank_pair import Doubles, Pair
from weighbridge.store.codecs.base import MAX_BLOCK
from weighbridge.store.codecs.predictors.lowrank import Factors

# Elements that a step is tried on, and how often it may be halved. A difference beyond this range counts as its end.
_TRIED, _HALVINGS, _FAR = 128 << 10, 12, 1 << 12
_LARGEST, _EXPONENTS = 2**31 - 1, (-128, 32)


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns' factor (rank by columns) in integers, component k in units of ``step / scales[k]``.

    The rows' factor is to be in integers of `step`. `bits` is about what the whole tensor costs.
    """

    integers: Doubles
    step: float
    scales: Doubles
    rounded: bool
    bits: float = float("inf")

    @property
    def values(self) -> Doubles:
        """The factor as a decoder has it."""
        return self.integers * (self.step / self.scales)[:, None]


def best_columns(pair: Pair, share: float, rows: Doubles, columns: Doubles, rounded: bool) -> Columns:
    """The step that costs the fewest bits, integers and residual together, as tried on some rows of the pair.

    `rows` and `columns` are factors of the pair, which has one `share`-th of the tensor's rows. Components are made
    orthogonal, of lengths that let each integer's rounding do equal harm.
    """
    left, values, right = standard(rows, columns)
    scales = np.exp2(np.round(np.log2(np.maximum(values, 1e-37))))
    every = max(1, len(pair.new) // pair.number.width // _TRIED)
    tried_rows, tried_pair = (left * values)[::every], pair.every(every)
    spread = len(values) / 12 * (1 / pair.columns + 1 / (pair.rows * share))
    ulp = float(np.median(tried_pair.ulps()))
    step = 2.0 ** np.ceil(np.log2(0.5 * ulp / np.sqrt(spread)))
    best = Columns(right, step, scales, rounded)
    for _ in range(_HALVINGS):
        tried = Columns(np.round(right * (scales / step)[:, None]), step, scales, rounded)
        bits = _cost(tried_pair, share * every, tried_rows, tried)
        if bits > best.bits:
            break
        best = replace(tried, bits=bits)
        step /= 2
    return best


def pack(columns: Columns, rows: Doubles) -> Factors | None:
    """The block of both factors, less the components that came to nothing.

    None where no component is left, or where a number or the block would be too large.
    """
    rounded = np.round(rows / columns.step).T
    used = columns.integers.any(axis=1) & rounded.any(axis=1)
    if not used.any():
        return None
    integers = np.concatenate((columns.integers[used].ravel(), rounded[used].ravel()))
    exponents = np.round(2 * np.log2(columns.step) - np.log2(columns.scales[used]))
    in_range = (
        np.abs(integers).max() < _LARGEST and _EXPONENTS[0] <= exponents.min() <= exponents.max() <= _EXPONENTS[1]
    )
    if not in_range:
        return None
    signed = integers.astype(np.int64)
    zigzag = ((signed << 1) ^ (signed >> 63)).astype("<u8")
    width = max(1, -(-int(zigzag.max()).bit_length() // 8))
    if len(zigzag) * width > MAX_BLOCK:
        return None
    block = np.ascontiguousarray(zigzag.view(np.uint8).reshape(-1, 8)[:, :width].T).tobytes()
    scaled = tuple(int(exponent) for exponent in exponents)
    expected = int(min(columns.bits / 8, 2.0**62))
    return Factors(len(rows), columns.integers.shape[1], scaled, width, columns.rounded, block, expected)


def predicted(pair: Pair, factors: Factors) -> bytes:
    """What a decoder predicts for the rows of a pair, whose factors these are."""
    exponents = np.array(factors.exponents, np.int8).tobytes()
    kinds, shape = (pair.base_number.kind, pair.number.kind), (factors.rows, factors.columns)
    return native.predict_low_rank(
        pair.base, *kinds, factors.block, exponents, *shape, factors.width, 0, factors.rounded
    )


def entropy(values: npt.NDArray[np.int64]) -> float:
    """Bits of all of them, each coded by how often it occurs."""
    counts = np.bincount(np.clip(values, -_FAR, _FAR) + _FAR)
    counts = counts[counts > 0]
    return float(np.sum(counts * np.log2(len(values) / counts)))


def _cost(pair: Pair, share: float, rows: Doubles, columns: Columns) -> float:
    factors = pack(columns, rows)
    if factors is None:
        return float("inf")
    residual = entropy(pair.moved(predicted(pair, factors)))
    return share * (residual + _integer_bits(rows / columns.step)) + _integer_bits(columns.integers.T)


def _integer_bits(integers: Doubles) -> float:
    """About what integers cost that are spread like a normal distribution, a component in each column."""
    spread = np.maximum(integers.std(axis=0), 0.3)
    return float(len(integers) * np.sum(np.maximum(np.log2(spread) + 2.05, 0.3)))
