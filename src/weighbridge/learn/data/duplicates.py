"""Samples that are the same: within one split, and in the training and the test split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weighbridge.errors import DataError
from weighbridge.learn.data.values import Notice

_RANK = {"test": 0, "validation": 1, "": 2, "train": 2}


@dataclass(frozen=True, slots=True)
class Repeated:
    """What was found: how many samples go, and what to say."""

    stays: NDArray[np.bool_]
    notices: tuple[Notice, ...]


def find(digests: list[bytes], targets: NDArray[Any], splits: NDArray[np.str_], what: str) -> Repeated:
    """Which samples stay when exact duplicates go.

    Of equal samples the first stays, and one in a test (or else validation) split that the data itself gives before one
    to learn from. Samples of a given test or validation split all stay, so that its results compare with others'.
    `what` is the recipe's data.duplicates. Raises `DataError` where that is "refuse".
    """
    groups = _groups(digests)
    stays = np.ones(len(digests), bool)
    overlap = conflicts = 0
    for group in groups:
        best = min(_RANK[str(splits[index])] for index in group)
        leaving = [index for index in group if _RANK[str(splits[index])] == 2]
        stays[leaving if best < 2 else leaving[1:]] = False
        overlap += len({_RANK[str(splits[index])] for index in group}) > 1
        conflicts += any(not np.array_equal(targets[index], targets[group[0]]) for index in group[1:])
    extra = sum(len(group) - 1 for group in groups)
    if extra and what == "refuse":
        raise DataError(
            f"{extra:,} samples are exact duplicates of others, first samples {groups[0][0]} and {groups[0][1]}",
            hint="Remove them, or let data.duplicates: remove do it.",
        )
    return Repeated(
        stays if what == "remove" else np.ones(len(digests), bool), _said(extra, stays, overlap, conflicts, what)
    )


def _groups(digests: list[bytes]) -> list[list[int]]:
    """The numbers of equal samples, each group in order, groups by their first."""
    by_digest: dict[bytes, list[int]] = {}
    for index, digest in enumerate(digests):
        by_digest.setdefault(digest, []).append(index)
    return [group for group in by_digest.values() if len(group) > 1]


def _said(extra: int, stays: NDArray[np.bool_], overlap: int, conflicts: int, what: str) -> tuple[Notice, ...]:
    notices = []
    gone = int((~stays).sum())
    done = f"{gone:,} were removed before the split" if what == "remove" else "they were kept"
    if extra:
        notices.append(Notice("data.duplicates", f"{extra:,} samples are exact duplicates of others; {done}."))
    if overlap:
        action = "removed from what is learned from" if what == "remove" else "kept in both"
        text = f"{overlap:,} samples are in more than one of the splits that the data gives; {action}."
        notices.append(Notice("data.overlap", text))
    if conflicts:
        text = f"{conflicts:,} groups of exact duplicates have different labels: some of these labels must be wrong."
        notices.append(Notice("data.conflicts", text))
    return tuple(notices)
