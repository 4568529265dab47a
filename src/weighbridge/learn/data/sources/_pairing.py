"""Which of several named arrays are inputs and which their labels, and of which split."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weighbridge.errors import DataError
from weighbridge.learn.data.inputs import ArrayImages, ArrayRows, Inputs, JoinedImages
from weighbridge.learn.data.places import DataFile, split_of
from weighbridge.learn.data.sources.base import Raw
from weighbridge.learn.data.spill import IN_MEMORY
from weighbridge.learn.recipe import DataSpec

_INPUTS = frozenset({"x", "image", "images", "data", "features", "input", "inputs", "pixels"})
_TARGETS = frozenset({"y", "label", "labels", "target", "targets"})
_NAMES = frozenset({"classes", "names"})
_CHANNELS = (1, 3, 4)


@dataclass(frozen=True, slots=True)
class Named:
    """One array of a file. `values` reads it; `key` is its name in the file, empty where a file holds one alone."""

    file: DataFile
    key: str
    shape: tuple[int, ...]
    text: bool
    values: Callable[[], Any]

    @property
    def label(self) -> str:
        return f"{self.file.path}:{self.key}" if self.key else str(self.file.path)

    @property
    def split(self) -> str:
        return self.file.given or split_of(PurePosixPath(self.key)) or self.file.split

    @property
    def words(self) -> frozenset[str]:
        """Of the array's own name; of the file's where that says nothing."""
        own = _words(self.key)
        return own if own & (_INPUTS | _TARGETS | _NAMES) else own | _words(self.file.path.name)


def _words(name: str) -> frozenset[str]:
    return frozenset(word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", name))


def pair(arrays: list[Named], spec: DataSpec) -> Raw:
    """Inputs with their labels. Raises `DataError` where the names leave it open."""
    names = _class_names(arrays, spec)
    parts = [_part(unit, spec) for unit in _units(arrays, spec)]
    if not parts:
        raise DataError("holds no array of inputs", hint=_hint(arrays))
    lengths = [len(inputs) for inputs, _, _ in parts]
    splits = np.repeat(np.array([split for _, _, split in parts], "U10"), lengths)
    return Raw(_joined([inputs for inputs, _, _ in parts]), _joined_labels([y for _, y, _ in parts]), splits, names)


def _units(arrays: list[Named], spec: DataSpec) -> list[list[Named]]:
    """The arrays that belong together: of one file, where a file holds both; else of all files of a split."""
    by_file: dict[tuple[str, str], list[Named]] = {}
    by_split: dict[str, list[Named]] = {}
    for array in arrays:
        by_file.setdefault((str(array.file.path), array.split), []).append(array)
        by_split.setdefault(array.split, []).append(array)
    whole = [unit for unit in by_file.values() if all(_having(unit, role, spec) for role in ("inputs", "target"))]
    if whole:
        return whole
    return [unit for unit in by_split.values() if _having(unit, "inputs", spec)]


def _having(unit: list[Named], role: str, spec: DataSpec) -> list[Named]:
    return [array for array in unit if _role(array, spec) == role]


def _role(array: Named, spec: DataSpec) -> str:
    """inputs, target, names, or nothing. What the recipe names is what it says; nothing else is then guessed."""
    wanted = spec.inputs if isinstance(spec.inputs, str) else (spec.inputs or ("",))[0]
    for name, role in ((wanted, "inputs"), (spec.target, "target")):
        if name and (name in (array.key, array.file.path.name) or array.key.endswith(f"_{name}")):
            return role
    words = array.words
    if words & _NAMES and len(array.shape) == 1:
        return "names"
    if words & _TARGETS and not spec.target:
        return "target"
    return "inputs" if words & _INPUTS and not wanted and len(array.shape) > 1 else ""


def _part(unit: list[Named], spec: DataSpec) -> tuple[Inputs, NDArray[Any] | None, str]:
    inputs, targets = _having(unit, "inputs", spec), _having(unit, "target", spec)
    for found, what in ((inputs, "inputs"), (targets, "target")):
        if len(found) > 1:
            names = ", ".join(array.label for array in found)
            raise DataError(f"several arrays may be the {what}: {names}", hint=f"Name one with data.{what}.")
    if not targets:
        raise DataError("has inputs but no labels", where=inputs[0].label, hint=_hint(unit))
    labels = _text(np.asarray(targets[0].values()))
    if labels.ndim == 2 and labels.shape[0] == 1 and inputs[0].shape[0] > 1:
        labels = labels[0]  # a row of labels, as some course's files have them
    if labels.ndim == 0 or len(labels) != inputs[0].shape[0]:
        raise DataError(f"has {inputs[0].shape[0]:,} inputs but {labels.size:,} labels", where=inputs[0].label)
    return inputs_of(inputs[0].values(), inputs[0].label), labels, inputs[0].split


def _hint(arrays: Iterable[Named]) -> str:
    there = ", ".join(array.key or array.file.path.name for array in arrays) or "nothing"
    return f"Name them with data.inputs and data.target; there is {there}."


def inputs_of(array: Any, name: str) -> Inputs:
    """Images or rows by the array's shape: (n, h, w), (n, h, w, c), (n, c, h, w), or (n, f)."""
    shape = tuple(array.shape)
    if array.dtype.kind not in "biuf":
        raise DataError(f"inputs of type {array.dtype} are no numbers", where=name)
    if 0 in shape[1:]:
        raise DataError(f"inputs of shape {list(shape)} hold nothing", where=name)
    if len(shape) == 2:
        return ArrayRows(np.asarray(array[()]), name)
    if len(shape) == 3:
        return ArrayImages(_pixels(array), name)
    if len(shape) == 4 and shape[3] in _CHANNELS:
        return ArrayImages(_pixels(array), name)
    if len(shape) == 4 and shape[1] in _CHANNELS:
        return ArrayImages(_pixels(array), name, channels_first=True)
    expected = "(n, features), (n, height, width), (n, height, width, channels) or (n, channels, height, width)"
    raise DataError(f"expected inputs of shape {expected}, found {list(shape)}", where=name)


def _pixels(array: Any) -> Any:
    """uint8 as it is; other integers as uint8 where that holds them; read into memory where that is small."""
    nbytes = int(np.prod(array.shape)) * array.dtype.itemsize
    if nbytes > IN_MEMORY and not isinstance(array, np.ndarray):
        return array
    values = np.asarray(array[()])
    if values.dtype.kind in "biu" and values.dtype != np.uint8 and values.size:
        return values.astype(np.uint8) if values.min() >= 0 and values.max() <= 255 else values.astype(np.float32)
    return values


def _joined(parts: list[Inputs]) -> Inputs:
    if len(parts) == 1:
        return parts[0]
    rows: list[ArrayRows] = [part for part in parts if isinstance(part, ArrayRows)]
    images: list[ArrayImages] = [part for part in parts if isinstance(part, ArrayImages)]
    if len(images) == len(parts):
        return JoinedImages.of(tuple(images))
    widths = {part.array.shape[1] for part in rows}
    if len(rows) < len(parts) or len(widths) > 1:
        shapes = ", ".join([_shape(part) for part in rows] + [_shape(part) for part in images])
        raise DataError(f"the splits hold inputs of different shapes: {shapes}")
    return ArrayRows(np.concatenate([part.array for part in rows]), rows[0].name)


def _shape(part: ArrayRows | ArrayImages) -> str:
    return f"{list(part.array.shape)} in {part.name}"


def _joined_labels(parts: list[NDArray[Any] | None]) -> NDArray[Any] | None:
    labels = [part for part in parts if part is not None]
    shapes = {part.shape[1:] for part in labels}
    if len(shapes) > 1 or len({part.dtype.kind in "UO" for part in labels}) > 1:
        raise DataError("the splits have labels of different kinds")
    return np.concatenate(labels)


def _class_names(arrays: list[Named], spec: DataSpec) -> tuple[str, ...]:
    for array in arrays:
        if array.text and _role(array, spec) == "names":
            return tuple(str(name) for name in _text(np.asarray(array.values())))
    return ()


def _text(values: NDArray[Any]) -> NDArray[Any]:
    """Bytes decoded; everything else as it is."""
    if values.dtype.kind not in "SO":
        return values
    flat = [item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item) for item in values.ravel()]
    return np.array(flat, dtype=str).reshape(values.shape)
