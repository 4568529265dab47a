"""The JSON header of a safetensors file: names, and for each a type, a shape and two offsets."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from weighbridge.errors import FormatError
from weighbridge.formats._shape import MAX_ANOMALIES, MAX_RANK, check_tensor_count
from weighbridge.formats.base import Anomaly, shown
from weighbridge.formats.strict_json import INTEGERS, SPACE, JsonCursor

METADATA = "__metadata__"
MAX_TEXT = 1 << 20  # characters of a text in the metadata that are kept
START = 8  # the header follows its own length
# An entry as every writer in use writes it: one match instead of twenty. Anything else takes the careful way.
_USUAL = re.compile(
    rb'\{"dtype":' + SPACE + rb'"([A-Z0-9_]{1,20}+)",' + SPACE + rb'"shape":' + SPACE + INTEGERS + rb"," + SPACE
    + rb'"data_offsets":' + SPACE + rb"\[(0|[1-9][0-9]{0,18}+)," + SPACE + rb"(0|[1-9][0-9]{0,18}+)\]\}" + SPACE
)  # fmt: skip
_FIELDS = ("dtype", "shape", "data_offsets")


class Entry(NamedTuple):
    """One tensor as the header describes it; `begin` and `end` count from the end of the header."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


class Header(NamedTuple):
    entries: list[Entry]
    metadata: dict[str, str]
    anomalies: list[Anomaly]


def parse_header(data: bytes, where: str) -> Header:
    """The header's entries in their order. Raises `FormatError` at the first byte that breaks the format."""
    if data[:1] != b"{":
        raise FormatError(f"expected a header that begins with '{{', found {data[:16]!r}", where=where)
    cursor = JsonCursor(data, where, START)
    header = Header([], {}, [])
    for name in cursor.keys():  # noqa: SIM118 (a walk, not a mapping)
        if name == METADATA:
            header.metadata.update(_metadata(cursor))
        else:
            header.entries.append(_usual_entry(cursor, name) or _entry(cursor, name, header.anomalies))
            check_tensor_count(len(header.entries), where)
    cursor.end()
    return header


def _usual_entry(cursor: JsonCursor, name: str) -> Entry | None:
    usual = _USUAL.match(cursor.data, cursor.at)
    if usual is None or len(usual[2]) > 200:
        return None
    shape = tuple(map(int, usual[2].split(b","))) if usual[2] else ()
    if len(shape) > MAX_RANK or (shape and max(shape) >= 2**64):
        return None
    cursor.at = usual.end()
    return Entry(name, usual[1].decode(), shape, int(usual[3]), int(usual[4]))


def _entry(cursor: JsonCursor, name: str, anomalies: list[Anomaly]) -> Entry:
    found: dict[str, Any] = {}
    for key in cursor.keys():  # noqa: SIM118
        if key == "dtype":
            found[key] = cursor.string('a type such as "F32"')
        elif key in _FIELDS:
            found[key] = cursor.integers(f"{key} of tensor {shown(name)}", MAX_RANK)
        else:
            cursor.skip_value()
            if len(anomalies) < MAX_ANOMALIES:
                message = f"the header gives {shown(key)}, which no reader knows"
                anomalies.append(Anomaly("safetensors.unknown-field", message, shown(name)))
    missing = [key for key in _FIELDS if key not in found]
    if missing:
        cursor.fail(f"tensor {shown(name)} does not say its {' nor its '.join(missing)}")
    if len(found["data_offsets"]) != 2:
        cursor.fail(f"tensor {shown(name)} has {len(found['data_offsets'])} data offsets instead of 2")
    return Entry(name, found["dtype"], found["shape"], *found["data_offsets"])


def _metadata(cursor: JsonCursor) -> dict[str, str]:
    if cursor.next() != b"{":
        cursor.fail(f"expected {METADATA} to be an object of texts")
    found: dict[str, str] = {}
    for key in cursor.keys():  # noqa: SIM118
        if cursor.next() != b'"':
            cursor.fail(f"expected {METADATA} to hold only texts, but {shown(key)} is something else")
        text = cursor.string("a text")
        found[key] = text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"
    return found
