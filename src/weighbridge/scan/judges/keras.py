"""Keras: the configuration of a model, in ``.keras`` archives, HDF5 files and plain JSON.

HDF5 keeps the configuration as an attribute, whose text lies in one piece and uncompressed wherever the file put it
(HDF5 File Format Specification, III.E and IV.A.2.m): every piece of JSON in the file is read, whatever names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from typing import Any

from weighbridge.errors import LimitError, WeighbridgeError
from weighbridge.scan.item import Inside, Item
from weighbridge.scan.judges._keras import RULES, findings
from weighbridge.scan.model import Found
from weighbridge.scan.trees import json_of, text_of
from weighbridge.tensors import ByteSource

_HDF5 = b"\x89HDF\r\n\x1a\n"
_CONFIGS = frozenset({"config.json", "architecture.json", "model.json", "model_config.json"})
# A letter written as an escape: no honest writer does, and it hides words from a search.
_ESCAPED_LETTER = re.compile(rb"\\u00[4-7][0-9a-fA-F]")
_OBJECT = re.compile(rb'\{\s*"')
_STEP = 1 << 22
_OVERLAP = 64
_FIRST_TRY = 1 << 12
_LARGEST_JSON = 32 << 20
_MOST_WASTED = 256 << 20


class KerasJudge:
    """See the module."""

    name = "keras"
    rules = RULES

    def recognises(self, item: Item) -> bool:
        if item.head[:1] in (b"{", b" ", b"\n", b"\xef"):
            return item.extension == ".json"
        return _is_hdf5(item)

    def judge(self, item: Item) -> Iterator[Found | Inside]:
        if _is_hdf5(item):
            for tree in _trees(item.source):
                yield from findings(tree, item)
            return
        data = text_of(item)
        if b'"class_name"' in data or _ESCAPED_LETTER.search(data):
            try:
                tree = json_of(data, item.name)
            except WeighbridgeError:
                if item.basename in _CONFIGS:
                    raise
                return  # no JSON, and nothing that Keras would read
            yield from findings(tree, item)


def _is_hdf5(item: Item) -> bool:
    """By its signature, which may lie behind a block of the user's own, of 512 bytes or twice, four times … as many."""
    return any(item.head[at : at + 8] == _HDF5 for at in (0, 512, 1024, 2048))


def _trees(source: ByteSource) -> Iterator[Any]:
    """Every object of JSON in a file of bytes, outermost ones only, that tells of a class."""
    wasted = at = 0
    while at < source.size:
        window = source.read_at(at, min(_STEP + _OVERLAP, source.size - at))
        found = _OBJECT.search(window)
        if found is None or found.start() >= _STEP:
            at += _STEP
            continue
        at += found.start()
        tree, used = _object(source, at)
        if tree is None:
            wasted += used
            at += 1
            if wasted > _MOST_WASTED:
                raise LimitError("holds too much that looks like JSON and is none")
            continue
        at += used
        yield tree


def _object(source: ByteSource, at: int) -> tuple[Any, int]:
    """The object that begins at a byte, and its length in bytes; None, and how far it was read, where there is none."""
    length = _FIRST_TRY
    while True:
        length = min(length, source.size - at, _LARGEST_JSON)
        text = source.read_at(at, length).decode("utf-8", "surrogateescape")
        try:
            tree, end = JSONDecoder(strict=False).raw_decode(text)
        except JSONDecodeError as error:
            broken_off = error.pos >= len(text) - 12 or "Unterminated" in error.msg
            if broken_off and length < min(source.size - at, _LARGEST_JSON):
                length *= 8
                continue
            return None, min(error.pos, length) + 1
        except RecursionError:
            raise LimitError("holds JSON that is nested too deeply") from None
        return tree, len(text[:end].encode("utf-8", "surrogateescape"))


KERAS = KerasJudge()
