"""Models in several files: the index that lists them, and the numbers in their names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from posixpath import dirname, join

from weighbridge.checkpoint._names import check_name
from weighbridge.errors import FormatError, LimitError, PathNotFoundError, WeighbridgeError
from weighbridge.formats import Anomaly, FileIndex
from weighbridge.formats.base import shown
from weighbridge.formats.strict_json import JsonCursor
from weighbridge.tensors import ByteSource

MAX_INDEX = 64 << 20  # bytes; the largest in use have about 15 million
MAX_ENTRIES = 1_000_000
MAX_MISSING = 100  # files told as missing, of each index or series
_INDEX_NAME = re.compile(r"\.(safetensors|bin)\.index(\.[\w-]+)?\.json$")
_NUMBERED = re.compile(r"^(?P<stem>.*-)(?P<number>\d{5})-of-(?P<total>\d{5})(?P<suffix>\.[\w.]+)$")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ShardIndex:
    """Which file holds which tensor, as ``*.index.json`` says; file names are relative to the checkpoint."""

    name: str
    shard_of: Mapping[str, str]

    @property
    def shards(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.shard_of.values()))


def is_index(name: str) -> bool:
    return _INDEX_NAME.search(name) is not None


def read_index(source: ByteSource, name: str) -> ShardIndex:
    """Parse an index. Raises `FormatError` where it is none, `UnsafePathError` where it points out of its folder."""
    if source.size > MAX_INDEX:
        raise LimitError(f"an index of {source.size:,} bytes is more than the {MAX_INDEX:,} that we read", where=name)
    cursor = JsonCursor(source.read_at(0, source.size), name)
    shard_of: dict[str, str] | None = None
    for key in cursor.keys():  # noqa: SIM118 (a walk, not a mapping)
        if key == "weight_map":
            shard_of = _weight_map(cursor, dirname(name))
        else:
            cursor.skip_value()
    cursor.end()
    if shard_of is None:
        raise FormatError("expected an object with a 'weight_map'", where=name)
    return ShardIndex(name, shard_of)


def _weight_map(cursor: JsonCursor, folder: str) -> dict[str, str]:
    places: dict[str, str] = {}  # checked once and kept once, however many tensors a shard has
    shard_of: dict[str, str] = {}
    for tensor in cursor.keys():  # noqa: SIM118
        shard = cursor.string(f"the file name of tensor {shown(tensor)} in quotes")
        if shard not in places:
            places[shard] = join(folder, check_name(shard, cursor.where))
        shard_of[tensor] = places[shard]
        if len(shard_of) > MAX_ENTRIES:
            raise LimitError(f"lists more than {MAX_ENTRIES:,} tensors", where=cursor.where)
    return shard_of


def missing_shards(index: ShardIndex, present: Iterable[str]) -> Iterator[tuple[str, WeighbridgeError]]:
    """Files that an index lists and nobody has, the first `MAX_MISSING` of them."""
    here = set(present)
    counts = Counter(index.shard_of.values())
    for shard in islice((shard for shard in counts if shard not in here), MAX_MISSING):
        message = f"is missing: {index.name} places {counts[shard]:,} of its tensors there"
        yield shard, PathNotFoundError(message, where=shard, hint="Fetch the missing file.")


def missing_parts(names: Iterable[str]) -> Iterator[tuple[str, WeighbridgeError]]:
    """Files missing from a numbered series (``…-00002-of-00005.gguf``) of which some are there.

    A series counts from 1 as weights do, or from 0 as tables on a hub do (``train-00000-of-00002.parquet``).
    """
    series: dict[tuple[str, str, str], set[int]] = {}
    for name in names:
        match = _NUMBERED.match(name)
        if match:
            key = (match["stem"], match["total"], match["suffix"])
            series.setdefault(key, set()).add(int(match["number"]))
    for (stem, total, suffix), numbers in series.items():
        first = 0 if 0 in numbers else 1
        absent = (number for number in range(first, first + int(total)) if number not in numbers)
        for number in islice(absent, MAX_MISSING):
            name = f"{stem}{number:05d}-of-{total}{suffix}"
            message = f"is missing: {len(numbers):,} of {int(total):,} parts are here"
            yield name, PathNotFoundError(message, where=name, hint="Fetch the missing part.")


def disagreements(index: ShardIndex, files: Mapping[str, FileIndex]) -> Iterator[Anomaly]:
    """Where an index and its shards say different things."""
    homes: dict[str, list[str]] = {}
    for shard in index.shards:
        for info in files[shard].tensors if shard in files else ():
            homes.setdefault(info.name, []).append(shard)
    lost = [tensor for tensor, shard in index.shard_of.items() if shard in files and shard not in homes.get(tensor, ())]
    twice = [tensor for tensor, shards in homes.items() if len(shards) > 1]
    unlisted = [tensor for tensor in homes if tensor not in index.shard_of]
    for code, names, where in (
        ("index.missing-tensor", lost, "not in the shard that the index names"),
        ("index.duplicate-tensor", twice, "in more than one shard"),
        ("index.unlisted-tensor", unlisted, "in a shard but not in the index"),
    ):
        if names:
            yield Anomaly(code, _sentence(names, where), index.name)


def _sentence(names: list[str], where: str) -> str:
    some = ", ".join(shown(name) for name in names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    return f"{len(names):,} tensor{'s are' if len(names) > 1 else ' is'} {where}: {some}"
