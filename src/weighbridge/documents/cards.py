"""The card of a repository: the YAML between two ``---`` lines at the top of README.md, read with bounds.

YAML from strangers is hostile until shown otherwise: tags that build objects, aliases that grow a few lines into
gigabytes, nesting that exhausts the stack. So only plain values are read, aliases are refused, and depth and size have
limits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from weighbridge.errors import FormatError

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

LARGEST_HEADER = 256 * 1024
DEEPEST = 32
LONGEST_TAG = 128
MOST_TAGS = 200

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FENCE = re.compile(r"^---[ \t]*$", re.MULTILINE)
# Keys whose values clients find again among the tags, as "key:value" or as the value itself.
_PREFIXED = ("license", "datasets", "base_model")
_PLAIN = ("tags", "language", "library_name", "pipeline_tag")


@dataclass(frozen=True, slots=True)
class Card:
    """What a card says. `problem` tells why it could not be read: a broken card hides no model."""

    data: Mapping[str, Json] = field(default_factory=dict)
    problem: str = ""

    @property
    def pipeline_tag(self) -> str:
        return _short(self.data.get("pipeline_tag"))

    @property
    def library_name(self) -> str:
        return _short(self.data.get("library_name"))

    @property
    def tags(self) -> tuple[str, ...]:
        """What the repository can be found by, in the card's order, each once."""
        found = [tag for key in _PLAIN for tag in _texts(self.data.get(key))]
        found += [f"{_singular(key)}:{text}" for key in _PREFIXED for text in _texts(self.data.get(key))]
        return tuple(dict.fromkeys(tag[:LONGEST_TAG] for tag in found))[:MOST_TAGS]


def parse_card(readme: bytes) -> Card:
    """The card in a README.md; an empty one where there is none. Never raises."""
    header = front_matter(readme.decode("utf-8", errors="replace"))
    try:
        return Card(parse_header(header)) if header else Card()
    except FormatError as error:
        return Card(problem=str(error))


def front_matter(text: str) -> str:
    """The YAML between the first line ``---`` and the next, "" where the text does not begin with one."""
    text = text.lstrip("\ufeff").replace("\r\n", "\n")
    opening = _FENCE.match(text)
    closing = _FENCE.search(text, opening.end()) if opening else None
    return text[opening.end() : closing.start()] if opening and closing else ""


def parse_header(header: str) -> dict[str, Json]:
    """The values of a card's YAML as JSON could hold them. Raises `FormatError`."""
    if len(header) > LARGEST_HEADER:
        raise FormatError(f"the card's header has {len(header):,} characters; the most is {LARGEST_HEADER:,}")
    try:
        _ensure_modest(header)
        loaded = yaml.load(header, Loader=_LOADER)  # noqa: S506 (a safe loader)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise FormatError(f"the card's header is not valid YAML: {error}", hint="Mend the YAML in README.md.") from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise FormatError(f"the card's header should hold keys and values, found a {type(loaded).__name__}")
    return {str(key): _plain(value) for key, value in loaded.items()}


def _ensure_modest(header: str) -> None:
    depth = 0
    for event in yaml.parse(header, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("aliases (*name) are not read in cards")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError(f"nested more than {DEEPEST} deep")


def _plain(value: Any) -> Json:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)  # dates, and bytes


def _texts(value: Json) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for text in (_short(item) for item in values) if text]


def _short(value: Json) -> str:
    return value.strip()[:96] if isinstance(value, str) and value.isprintable() else ""


def _singular(key: str) -> str:
    return "dataset" if key == "datasets" else key
