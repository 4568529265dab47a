"""YAML as plain values, each with its line.

What a stranger writes is hostile until shown otherwise: tags that build objects, aliases that grow a few lines into
gigabytes, nesting that exhausts the stack, a key twice so that two readers see two meanings. None of it is accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from weighbridge.errors import FormatError, LimitError, PathNotFoundError, UsageError

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Place = tuple[str | int, ...]

LARGEST: Final = 1 << 20  # bytes
DEEPEST: Final = 32
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SCALARS: Final = {f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str", "timestamp")}
_STRING: Final = "tag:yaml.org,2002:str"


@dataclass(frozen=True, slots=True)
class Document:
    """What a document says. `lines` has the line, counted from 1, of every key and item, by its place from the root."""

    value: Json
    where: str
    lines: Mapping[Place, int] = field(default_factory=dict)

    def line_of(self, place: Place) -> int:
        """The line of this key or item, or of the nearest that holds it and has one."""
        for length in range(len(place), -1, -1):
            if place[:length] in self.lines:
                return self.lines[place[:length]]
        return 1

    def at(self, place: Place) -> str:
        """The place as errors name it: ``recipe.yaml:7``."""
        return f"{self.where}:{self.line_of(place)}"


def read_yaml(path: Path) -> Document:
    """The document in a file. Raises `PathNotFoundError`, `UsageError` or what `parse_yaml` does."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise PathNotFoundError("there is no such file", where=str(path)) from None
    except IsADirectoryError:
        raise UsageError("is a folder, expected a YAML file", where=str(path)) from None
    return parse_yaml(data, str(path))


def parse_yaml(text: str | bytes, where: str) -> Document:
    """The one document in this text. Raises `FormatError` (`LimitError` for what is too large), naming the line."""
    data = text.encode() if isinstance(text, str) else text
    if len(data) > LARGEST:
        raise LimitError(f"is larger than {LARGEST:,} bytes, which nobody writes by hand", where=where)
    try:
        decoded = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FormatError(f"is not UTF-8 text: byte {data[error.start]:#04x}", where=f"{where}:{line}") from None
    try:
        _ensure_modest(decoded, where)
        root = yaml.compose(decoded, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        said = " ".join(part for part in (error.context, error.problem) if part)
        raise FormatError(f"is not valid YAML: {said}", where=f"{where}:{line}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise FormatError(f"is not valid YAML: {str(error).splitlines()[0]}", where=where) from None
    lines: dict[Place, int] = {}
    value = _plain(root, (), lines, where) if root is not None else None
    return Document(value, where, lines)


def _ensure_modest(text: str, where: str) -> None:
    """Refuse aliases and depth before anything is built from them."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        at = f"{where}:{event.start_mark.line + 1 if event.start_mark else 1}"
        if isinstance(event, yaml.AliasEvent):
            raise FormatError("refers to an anchor (*name); write the values out instead", where=at)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise LimitError(f"is nested more than {DEEPEST} deep", where=at)


def _plain(node: Any, place: Place, lines: dict[Place, int], where: str) -> Json:
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        _expect_tag(node, "tag:yaml.org,2002:map", where)
        return _mapping(node, place, lines, where)
    if isinstance(node, yaml.SequenceNode):
        _expect_tag(node, "tag:yaml.org,2002:seq", where)
        return [_plain(item, (*place, index), lines, where) for index, item in enumerate(node.value)]
    if node.tag not in _SCALARS:
        raise FormatError(f"has the tag {node.tag[:80]}; only plain values are read", where=_at(node, where))
    return _scalar(node, where)


def _mapping(node: Any, place: Place, lines: dict[Place, int], where: str) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag not in _SCALARS:
            raise FormatError("has a key that is not plain text", where=_at(key, where))
        name = str(key.value)
        if name in found:
            before = lines[(*place, name)]
            raise FormatError(f"says {name[:80]!r} twice; the first is in line {before}", where=_at(key, where))
        lines[(*place, name)] = key.start_mark.line + 1
        found[name] = _plain(value, (*place, name), lines, where)
    return found


def _scalar(node: Any, where: str) -> Json:
    if node.tag.endswith(":timestamp"):
        return str(node.value)
    try:
        value = yaml.SafeLoader("").construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError) as error:
        raise FormatError(f"cannot be read: {str(error).splitlines()[0]}", where=_at(node, where)) from None
    # YAML 1.1 takes 1e-3 for text, which surprises everybody who writes a learning rate.
    return _number(value) if node.tag == _STRING and not node.style else value


def _number(text: str) -> Json:
    mantissa, exponent, power = text.lower().partition("e")
    if not exponent or not power.lstrip("+-").isdecimal() or not mantissa.lstrip("+-").replace(".", "", 1).isdecimal():
        return text
    return float(text)


def _expect_tag(node: Any, tag: str, where: str) -> None:
    if node.tag != tag:
        raise FormatError(f"has the tag {node.tag[:80]}; only plain values are read", where=_at(node, where))


def _at(node: Any, where: str) -> str:
    return f"{where}:{node.start_mark.line + 1}"
