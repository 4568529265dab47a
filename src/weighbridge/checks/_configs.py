"""The JSON of side files, read within bounds: configuration is as foreign as the weights are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from posixpath import basename
from typing import Any

from weighbridge.errors import FormatError, LimitError, WeighbridgeError
from weighbridge.report.model import Json
from weighbridge.tensors import ByteSource

MAX_CONFIG_BYTES = 8 << 20
MAX_ALL_BYTES = 64 << 20
# Large and of one known shape: token tables, and the lists of shards.
_NOT_CONFIGURATION = ("tokenizer.json", "vocab.json", "added_tokens.json", ".index.json")


@dataclass(frozen=True, slots=True)
class Config:
    """One JSON file. `duplicates` are keys that an object holds twice: the last one counts, as in Python's reader."""

    name: str
    data: Json
    duplicates: tuple[str, ...] = ()

    @property
    def basename(self) -> str:
        return basename(self.name)

    def objects(self) -> Iterator[dict[str, Json]]:
        """Every object in the file, at any depth, outer ones first."""
        waiting = [self.data]
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict):
                yield value
                waiting.extend(value.values())
            elif isinstance(value, list):
                waiting.extend(value)


@dataclass(frozen=True, slots=True)
class Configs:
    """What could be parsed, by name, and what could not, with the reason."""

    parsed: Mapping[str, Config] = field(default_factory=dict)
    unreadable: Mapping[str, WeighbridgeError] = field(default_factory=dict)

    def named(self, name: str) -> Config | None:
        """The file of this base name that lies nearest the root."""
        found = [config for config in self.parsed.values() if config.basename == name]
        return min(found, key=lambda config: config.name.count("/"), default=None)


def read_configs(side_files: Mapping[str, ByteSource]) -> Configs:
    """Every ``*.json`` of the side files but token tables and shard lists."""
    parsed: dict[str, Config] = {}
    unreadable: dict[str, WeighbridgeError] = {}
    left = MAX_ALL_BYTES
    for name, source in side_files.items():
        if not name.endswith(".json") or basename(name).endswith(_NOT_CONFIGURATION):
            continue
        try:
            parsed[name] = _read(name, source, min(left, MAX_CONFIG_BYTES))
            left -= source.size
        except WeighbridgeError as error:
            unreadable[name] = error.at(name)
    return Configs(parsed, unreadable)


def _read(name: str, source: ByteSource, limit: int) -> Config:
    if source.size > limit:
        raise LimitError(f"is {source.size:,} bytes of configuration, more than the {limit:,} that we read", where=name)
    duplicates: list[str] = []

    def keep(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        kept = dict(pairs)
        if len(kept) < len(pairs):
            seen: set[str] = set()
            duplicates.extend(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return kept

    try:
        data = json.loads(source.read_at(0, source.size), object_pairs_hook=keep)
    except RecursionError:
        raise LimitError("is nested too deeply", where=name) from None
    except ValueError as error:
        raise FormatError(f"is not JSON: {error}", where=name) from None
    return Config(name, data, tuple(duplicates))
