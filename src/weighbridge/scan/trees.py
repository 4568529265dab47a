"""JSON and YAML as trees of plain values, and a walk over them. Read leniently, as their consumers do, but bounded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from weighbridge.errors import FormatError, LimitError
from weighbridge.scan.item import Item

LARGEST = 32 << 20
_MOST_NODES = 2_000_000

Path = tuple[str | int, ...]


def json_of(data: bytes, where: str) -> Any:
    """The value as Python's json reads it: the last of two equal names wins. Raises `FormatError`, `LimitError`."""
    try:
        return json.loads(data)
    except (ValueError, UnicodeError) as error:
        raise FormatError(f"is not JSON: {str(error)[:200]}", where=where) from None
    except RecursionError:
        raise LimitError("is nested too deeply", where=where) from None


def text_of(item: Item, most: int = LARGEST) -> bytes:
    """The whole of a text file. Raises `LimitError` above `most` bytes."""
    if item.source.size > most:
        raise LimitError(f"has {item.source.size:,} bytes, and we read texts of at most {most:,}")
    return item.read(most)


def walk(tree: Any) -> Iterator[tuple[Path, Any]]:
    """Every value with its place, containers before what they hold. Raises `LimitError` for too many."""
    waiting: list[tuple[Path, Any]] = [((), tree)]
    seen = 0
    while waiting:
        place, value = waiting.pop()
        seen += 1
        if seen > _MOST_NODES:
            raise LimitError(f"holds more than {_MOST_NODES:,} values")
        yield place, value
        if isinstance(value, dict):
            waiting.extend(((*place, str(key)), inner) for key, inner in reversed(value.items()))
        elif isinstance(value, list):
            waiting.extend(((*place, at), inner) for at, inner in reversed(list(enumerate(value))))


def mappings(tree: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    for place, value in walk(tree):
        if isinstance(value, dict):
            yield place, value


def told(place: Path) -> str:
    """``layers[3].config`` for messages."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part[:60]}" for part in place[-6:])
    return text.lstrip(".") or "the top"
