"""Narrow matrices whose product meets given elements, each known to its own precision."""

from __future__ import annotations

import numpy as np

from weighbridge.store._lowrank_pair import Doubles, Floats

# Elements that are worked on at a time, and pairs of components.
_STRETCH, _PAIRS = 1 << 18, 128
_SLACK = 8
_SEED = 20
_SEEN = 1.1


def singular_values(matrix: Floats) -> Doubles:
    """All of them, the largest first."""
    wide = matrix.astype(np.float64)
    wide = wide if wide.shape[0] <= wide.shape[1] else wide.T
    squares = np.asarray(np.linalg.eigvalsh(wide @ wide.T)[::-1], np.float64)
    return np.sqrt(np.maximum(squares, 0))


def noise(ulps: Floats) -> Floats:
    """What rounding adds, by a throw of dice: between minus and plus half an ulp."""
    drawn = np.random.default_rng(_SEED).random(ulps.shape, np.float32) - np.float32(0.5)
    drawn *= np.where(np.isfinite(ulps), ulps, np.float32(0))
    return drawn


def visible_rank(values: Doubles, loudest: float) -> int:
    """How many singular values stand out from the largest one of the noise."""
    return int(np.count_nonzero(values > _SEEN * loudest))


def leading(matrix: Floats, count: int) -> tuple[Doubles, Doubles]:
    """About the `count` largest singular values, and their right vectors (count by columns), by random projection."""
    drawn = np.random.default_rng(_SEED).standard_normal((count + _SLACK, len(matrix)), np.float32)
    sketch = drawn @ matrix
    for _ in range(2):
        basis = np.linalg.qr(sketch.T.astype(np.float64))[0]
        sketch = np.linalg.qr(matrix @ basis.astype(np.float32))[0].T @ matrix
    basis = np.linalg.qr(sketch.T.astype(np.float64))[0]
    _, values, right = np.linalg.svd(matrix.astype(np.float64) @ basis, full_matrices=False)
    return values[:count], (right @ basis.T)[:count]


def alternate(matrix: Floats, weights: Floats, columns: Doubles, turns: int) -> tuple[Doubles, Doubles]:
    """Better factors: the rows' given the columns', then the other way round, so many times. The rows' come last."""
    for _ in range(turns):
        rows = solve(matrix, weights, columns)
        columns = solve(matrix.T, weights.T, np.ascontiguousarray(rows.T)).T
    return solve(matrix, weights, columns), np.ascontiguousarray(columns)


def solve(matrix: Floats, weights: Floats, columns: Doubles) -> Doubles:
    """For each row of the matrix the combination of `columns` (rank by columns) nearest to it by weighted squares."""
    rank, width = columns.shape
    first, second = np.triu_indices(rank)
    step = max(1, _STRETCH // width)
    solved: list[Doubles] = []
    for start in range(0, len(matrix), step):
        weight = weights[start : start + step].astype(np.float64)
        gram = np.empty((len(weight), len(first)))
        for at in range(0, len(first), _PAIRS):
            some = slice(at, at + _PAIRS)
            gram[:, some] = weight @ (columns[first[some]] * columns[second[some]]).T
        square = np.empty((len(weight), rank, rank))
        square[:, first, second] = square[:, second, first] = gram
        square += np.eye(rank) * (1e-12 * np.trace(square, axis1=1, axis2=2)[:, None, None] + 1e-300)
        weight *= matrix[start : start + step]
        mixed = np.linalg.solve(square, (weight @ columns.T)[:, :, None])[:, :, 0]
        solved.append(np.asarray(mixed, np.float64))
    return np.concatenate(solved)


def standard(rows: Doubles, columns: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """The same product as left vectors, singular values and right vectors, the largest first."""
    left, mix = np.linalg.qr(rows)
    right, other = np.linalg.qr(columns.T)
    inner_left, values, inner_right = np.linalg.svd(mix @ other.T)
    return left @ inner_left, values, inner_right @ right.T
