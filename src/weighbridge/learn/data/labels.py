"""What samples are labelled with, as targets: the numbers of classes, or numbers to predict."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weighbridge.errors import DataError
from weighbridge.learn.data.values import Indices, Kind, Notice, Task
from weighbridge.learn.recipe import DataSpec

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Labels:
    """Targets of the samples that stay, whose numbers are `kept`, in their order."""

    task: Task
    targets: NDArray[Any]
    classes: tuple[str, ...]
    kept: Indices
    notices: tuple[Notice, ...] = ()


def understand(labels: NDArray[Any] | None, names: tuple[str, ...], spec: DataSpec, kind: Kind, count: int) -> Labels:
    """Targets from raw labels: text, integers or floats (n,), one-hot or several numbers (n, k).

    `names` are those that the data itself gives the classes 0, 1, …; the recipe's win. Raises `DataError`.
    """
    everything = np.arange(count, dtype=np.int64)
    if labels is None or spec.task == "language":
        if spec.task in ("classification", "regression") or kind != "text":
            raise DataError("has no labels", hint="Name the target with data.target.")
        return Labels("language", np.zeros((count, 0), np.int64), (), everything)
    if len(labels) != count:
        raise DataError(f"has {count:,} inputs but {len(labels):,} labels")
    labels = _flat(labels)
    task, notices = _task(labels, spec, kind)
    if task == "regression":
        return Labels(task, _numbers(labels), (), everything, notices)
    codes, classes = _classes(labels, spec.names or names)
    classes_kept, mapping = _chosen(classes, spec)
    targets = mapping[codes]
    kept = np.flatnonzero(targets >= 0).astype(np.int64)
    return Labels("classification", targets[kept], classes_kept, kept, notices)


def in_order(labels: Labels, classes: tuple[str, ...]) -> Labels:
    """The same targets by the numbers that another dataset gave the classes. Raises `DataError` for unknown ones."""
    unknown = [name for name in labels.classes if name not in classes]
    if unknown:
        raise DataError(
            f"has classes that the model does not know: {_listed(unknown)}; it knows {_listed(classes)}",
            hint="Choose classes with data.only, or join them with data.classes.",
        )
    places = np.array([classes.index(name) for name in labels.classes], np.int64)
    return Labels(labels.task, places[labels.targets], classes, labels.kept, labels.notices)


def _flat(labels: NDArray[Any]) -> NDArray[Any]:
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels


def _task(labels: NDArray[Any], spec: DataSpec, kind: Kind) -> tuple[Task, tuple[Notice, ...]]:
    """What the recipe says; else text and integers are classes, other numbers are predicted.

    Many different integers in a table are numbers too: ages, say.
    """
    if spec.task is not None:
        return spec.task, ()
    if labels.ndim > 1:
        return ("classification" if _one_hot(labels) else "regression"), ()
    if labels.dtype.kind == "f":
        return "regression", ()
    if kind != "table" or labels.dtype.kind not in "iu":
        return "classification", ()
    different = len(np.unique(labels))
    task: Task = "classification" if different <= max(10, min(100, len(labels) // 20)) else "regression"
    text = f"The target holds {different} different integers; taken for {task}. data.task says otherwise."
    return task, (Notice("data.task", text),)


def _one_hot(labels: NDArray[Any]) -> bool:
    if labels.dtype.kind not in "biuf" or labels.ndim != 2:
        return False
    return bool(np.isin(labels, (0, 1)).all() and (labels.sum(1) == 1).all())


def _numbers(labels: NDArray[Any]) -> NDArray[np.float32]:
    if labels.dtype.kind not in "biuf":
        raise DataError(f"regression needs numbers as targets, found {labels.dtype} such as {labels.flat[0]!r}")
    values = labels.astype(np.float32)
    rows = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(1))
    if len(rows):
        raise DataError(f"the targets of {len(rows):,} samples are no finite numbers, first of sample {rows[0]}")
    return values


def _classes(labels: NDArray[Any], names: tuple[str, ...]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The class of each sample, and the names of all classes."""
    if len(set(names)) < len(names):
        raise DataError(f"two classes have the same name: {_listed(sorted({n for n in names if names.count(n) > 1}))}")
    if labels.ndim > 1:
        if not _one_hot(labels):
            raise DataError(f"expected one class for each sample, found labels of shape {list(labels.shape)}")
        labels = labels.argmax(1)
    if labels.dtype.kind in "UO":
        return _named(labels.astype(str), names)
    if labels.dtype.kind not in "biuf":
        raise DataError(f"labels of type {labels.dtype} are neither numbers nor text")
    return _numbered(labels, names)


def _named(labels: NDArray[Any], names: tuple[str, ...]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    found, codes = np.unique(labels, return_inverse=True)
    if not names:
        return codes.astype(np.int64), tuple(str(name) for name in found)
    unknown = [str(name) for name in found if name not in names]
    if unknown:
        raise DataError(f"has labels that data.names does not list: {_listed(unknown)}; it lists {_listed(names)}")
    places = np.array([names.index(str(name)) for name in found], np.int64)
    return places[codes], names


def _numbered(labels: NDArray[Any], names: tuple[str, ...]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    numbers = labels.astype(np.int64)
    odd = np.flatnonzero(~(labels == numbers))
    if len(odd):
        raise DataError(f"sample {odd[0]} has the label {labels[odd[0]]}: a class is a whole number")
    if not names:
        found, codes = np.unique(numbers, return_inverse=True)
        if len(found) and found[0] < 0:
            first = int(np.flatnonzero(numbers == found[0])[0])
            raise DataError(f"sample {first} has the label {found[0]}: classes are numbered from 0")
        return codes.astype(np.int64), tuple(str(number) for number in found)
    outside = np.flatnonzero((numbers < 0) | (numbers >= len(names)))
    if len(outside):
        raise DataError(
            f"{len(outside):,} labels are out of range: sample {outside[0]} has {numbers[outside[0]]}, but there are "
            f"{len(names)} classes, 0 to {len(names) - 1}",
            hint="Correct the labels, or list all classes in data.names.",
        )
    return numbers, names


def _chosen(classes: tuple[str, ...], spec: DataSpec) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The classes after `only` and `classes`, and what becomes of each old number: -1 where it goes."""
    for name in [*spec.only, *(old for group in spec.classes.values() for old in group if old != "*")]:
        if name not in classes:
            raise DataError(f"there is no class '{name}'{closest(name, classes)}; there are {_listed(classes)}")
    left = tuple(name for name in classes if not spec.only or name in spec.only)
    target_of = {name: name for name in left} if not spec.classes else _joined(left, spec)
    new = tuple(spec.classes) if spec.classes else left
    return new, np.array([new.index(target_of[old]) if old in target_of else -1 for old in classes] or [0], np.int64)


def _joined(left: tuple[str, ...], spec: DataSpec) -> dict[str, str]:
    joined: dict[str, str] = {}
    for new, group in spec.classes.items():
        for old in group:
            if old in joined:
                raise DataError(f"data.classes puts '{old}' into both '{joined[old]}' and '{new}'")
            joined[old] = new
    rest = joined.pop("*", None)
    everything = {name: rest for name in left if rest is not None}
    return {**everything, **{old: new for old, new in joined.items() if old in left}}


def closest(name: str, known: tuple[str, ...]) -> str:
    """The beginning of a hint: the known name that this one is probably a typing error of."""
    near = get_close_matches(name, known, 1, 0.6) or [other for other in known if other.lower() == name.lower()]
    return f" (did you mean '{near[0]}'?)" if near else ""


def _listed(names: Any) -> str:
    names = list(names)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN + 1 else ""
    return ", ".join(str(name) for name in (names if not more else names[:_SHOWN])) + more
