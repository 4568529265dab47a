"""Texts by JSONL: an object a line, with the text under one key and its label under another.

Lines stay where they lie: only their places and labels are held in memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from weighbridge.errors import DataError, FormatError, LimitError
from weighbridge.learn.data.labels import closest
from weighbridge.learn.data.places import DataFile, split_named
from weighbridge.learn.data.sources.base import Raw, ends
from weighbridge.learn.data.values import Kind
from weighbridge.learn.recipe import DataSpec

MAX_LINE = 16 << 20
_TEXTS = ("text", "sentence", "content", "document", "review", "body", "input")
_TARGETS = ("label", "labels", "target", "class", "category")


@dataclass(frozen=True, slots=True)
class TextLines:
    """Texts in the lines of files. `places` is int64 (n, 4): number of the file, line, offset and bytes."""

    paths: tuple[Path, ...]
    places: NDArray[np.int64]
    key: str
    kind: Kind = "text"

    def __len__(self) -> int:
        return len(self.places)

    def text(self, index: int) -> str:
        file, _, offset, length = self.places[index]
        with self.paths[file].open("rb") as stream:
            stream.seek(int(offset))
            return str(json.loads(stream.read(int(length)))[self.key])

    def digest(self, index: int) -> bytes:
        return blake3(self.text(index).encode("utf-8", "surrogatepass")).digest()

    def where(self, index: int) -> str:
        file, line, _, _ = self.places[index]
        return f"{self.paths[file]}:{line}"


class Jsonl:
    """See the module."""

    name = "jsonl"

    def claims(self, file: DataFile) -> bool:
        return ends(file, ".jsonl", ".ndjson", ".jsonlines")

    def read(self, files: tuple[DataFile, ...], spec: DataSpec) -> Raw:
        keys: _Keys | None = None
        places, labels, splits = list[tuple[int, int, int, int]](), list[Any](), list[str]()
        for number, file in enumerate(files):
            for line, offset, length, value in _lines(file.path):
                where = f"{file.path}:{line}"
                keys = keys or _keys(value, spec, where)
                _checked(value, keys, where)
                places.append((number, line, offset, length))
                labels.append(value[keys.target] if keys.target else None)
                splits.append(file.split or _split(value, spec, where))
        found = np.array(places, np.int64).reshape(-1, 4)
        targets = _targets(labels) if keys and keys.target else None
        texts = TextLines(tuple(file.path for file in files), found, keys.text if keys else "text")
        return Raw(texts, targets, np.array(splits, dtype="U10"))


@dataclass(frozen=True, slots=True)
class _Keys:
    text: str
    target: str | None


def _lines(path: Path) -> Iterator[tuple[int, int, int, dict[str, Any]]]:
    """Of every line that is not blank: its number, offset, length and object."""
    offset = 0
    with path.open("rb") as stream:
        number = 0
        while line := stream.readline(MAX_LINE + 1):
            number += 1
            where = f"{path}:{number}"
            if len(line) > MAX_LINE:
                raise LimitError(f"has a line of more than {MAX_LINE:,} bytes", where=where)
            at, offset = offset, offset + len(line)
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise FormatError(f"is no line of JSON: {error}", where=where) from None
            if not isinstance(value, dict):
                raise FormatError(f"expected an object, found {type(value).__name__}", where=where)
            yield number, at, len(line), value


def _keys(first: dict[str, Any], spec: DataSpec, where: str) -> _Keys:
    """The keys of text and target: the recipe's, or the usual names where the first line has one."""
    if spec.inputs is not None and not isinstance(spec.inputs, str):
        raise DataError("text has one input, and data.inputs lists several", where=where)
    text = spec.inputs or next((name for name in _TEXTS if isinstance(first.get(name), str)), None)
    if text is None:
        told = ", ".join(map(str, list(first)[:10]))
        raise DataError(f"has no text under a usual name; its keys are {told}", where=where, hint="Set data.inputs.")
    target = spec.target or next((name for name in _TARGETS if name in first), None)
    return _Keys(text, None if spec.task == "language" else target)


def _checked(value: dict[str, Any], keys: _Keys, where: str) -> None:
    for name in (keys.text, keys.target):
        if name is not None and name not in value:
            raise DataError(f"has no '{name}'{closest(name, tuple(map(str, value)))}", where=where)
    if not isinstance(value[keys.text], str):
        raise DataError(f"'{keys.text}' is {type(value[keys.text]).__name__}, expected text", where=where)
    if keys.target is not None and not isinstance(value[keys.target], str | int | float):
        found = type(value[keys.target]).__name__
        raise DataError(f"'{keys.target}' is {found}, expected text or a number", where=where)


def _split(value: dict[str, Any], spec: DataSpec, where: str) -> str:
    column = spec.split.column
    if column is None:
        return ""
    split = split_named(str(value.get(column, "")))
    if split is None:
        raise DataError(f"'{column}' is {value.get(column)!r}, expected train, validation or test", where=where)
    return split


def _targets(labels: list[Any]) -> NDArray[Any]:
    if all(isinstance(each, str) for each in labels):
        return np.array(labels, dtype=str)
    if any(isinstance(each, str) for each in labels):
        raise DataError("has labels that are text and labels that are numbers")
    try:
        return np.array(labels)
    except OverflowError:
        raise DataError("has labels beyond 64 bits") from None
