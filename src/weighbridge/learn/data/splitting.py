"""Who is learned from, who is validated on, who is tested on: by seed, the same classes in each share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from weighbridge.learn.data.values import Indices

_SPLIT, _LIMIT, _LABELS = 1, 2, 3  # draws of their own from one seed


def generator(seed: int, draw: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([seed, draw]))


def divide(
    given: NDArray[np.str_], targets: NDArray[np.int64] | None, *, validation: float, test: float, seed: int
) -> dict[str, Indices]:
    """The numbers of the samples of each split, in order; every sample is in exactly one.

    `given` says train, validation, test, or "" for each sample. Those without are divided: where the data gives a test
    (validation) split, none are drawn for it, else that share of them, to the nearest sample. With `targets`, each
    class gives its share, one sample more or fewer at most, and keeps one at least to learn from.
    """
    free = np.flatnonzero((given == "") | (given == "train"))
    rng = generator(seed, _SPLIT)
    of_class = np.zeros(len(free), np.int64) if targets is None else targets[free]
    order = rng.permutation(len(free))
    drawn = np.full(len(free), "train", dtype="U10")
    for name, share in (("test", test), ("validation", validation)):
        if share and not (given == name).any():
            _draw(drawn, order, of_class, share, name)
    splits = given.astype("U10")
    splits[free] = drawn
    return {name: np.flatnonzero(splits == name).astype(np.int64) for name in ("train", "validation", "test")}


def _draw(drawn: NDArray[np.str_], order: Indices, of_class: NDArray[np.int64], share: float, name: str) -> None:
    """Give `share` of all samples, class by class, the name of a split; the first in `order` that are still free."""
    groups, sizes = np.unique(of_class, return_counts=True)
    for group, count in zip(groups, _quotas(sizes, share), strict=True):
        members = order[of_class[order] == group]
        open_ = members[drawn[members] == "train"]
        drawn[open_[: min(count, len(open_) - 1)]] = name


def _quotas(sizes: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    """Whole numbers near sizes × share, each rounded up or down, that add up to the rounded total."""
    exact = sizes * share
    counts = np.floor(exact).astype(np.int64)
    missing = round(float(exact.sum())) - int(counts.sum())
    most = np.argsort(-(exact - counts), kind="stable")[: max(missing, 0)]
    counts[most] += 1
    return np.asarray(counts, np.int64)


def limited(indices: Indices, targets: NDArray[Any] | None, most: int, seed: int) -> Indices:
    """At most so many of these samples, the classes in proportion."""
    if len(indices) <= most:
        return indices
    rng = generator(seed, _LIMIT)
    order = rng.permutation(len(indices))
    if targets is None:
        return np.sort(indices[order[:most]])
    of_class = targets[indices]
    groups, sizes = np.unique(of_class, return_counts=True)
    quotas = _quotas(sizes, most / len(indices))
    parts = [order[of_class[order] == group][:count] for group, count in zip(groups, quotas, strict=True)]
    return np.sort(indices[np.concatenate(parts)])


def evenly(indices: Indices, targets: NDArray[np.int64] | None, count: int, seed: int) -> Indices:
    """`count` samples, as many of each class as of any other; classes with too few leave their part to the rest."""
    if len(indices) <= count:
        return indices
    rng = generator(seed, _LABELS)
    order = rng.permutation(len(indices))
    if targets is None:
        return np.sort(indices[order[:count]])
    of_class = targets[indices[order]]
    turn = np.zeros(len(order), np.int64)  # the first of each class, then the second of each, …
    for group in np.unique(of_class):
        members = np.flatnonzero(of_class == group)
        turn[members] = np.arange(len(members))
    rounds = np.lexsort((np.arange(len(order)), of_class, turn))
    return np.sort(indices[order[rounds[:count]]])
