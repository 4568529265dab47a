"""Asks every judge about every file, and about whatever the judges find inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from posixpath import basename, dirname, join

from weighbridge.errors import LimitError, WeighbridgeError
from weighbridge.scan.item import Inside, Item
from weighbridge.scan.limits import MAX_DEPTH, Allowance
from weighbridge.scan.model import FileVerdict, Found
from weighbridge.scan.registry import JUDGES, Judge
from weighbridge.scan.walking import Place, walk
from weighbridge.tensors import ByteSource, FileSource
from weighbridge.tensors.names import safe_relative_name

MAX_FINDINGS = 200
"""That are told of one file: the first ones say enough."""


def scan(paths: Iterable[str], allowed: frozenset[str] = frozenset()) -> Iterator[FileVerdict]:
    """One verdict for each file at or below these paths, as each is reached. `allowed`: see `Item`."""
    for path in paths:
        for place in walk(path):
            yield scan_file(place, allowed)


def scan_file(place: Place, allowed: frozenset[str] = frozenset()) -> FileVerdict:
    """The verdict on one file. Never raises for what the file holds."""
    if place.error is not None:
        return FileVerdict(place.path, errors=(place.error,))
    try:
        source = FileSource(place.path)
    except WeighbridgeError as error:
        return FileVerdict(place.path, errors=(error,))
    with source:
        name = Path(place.path).name
        item = Item(name, source, siblings=place.siblings(), beside=place.beside, allowed=allowed)
        return _Scan(place.path).of(item)


def scan_sources(sources: Mapping[str, ByteSource]) -> Iterator[FileVerdict]:
    """One verdict for each file of a folder that lies elsewhere: relative names with ``/``, and their bytes."""
    siblings: dict[str, set[str]] = {}
    for name in sources:
        siblings.setdefault(dirname(name), set()).add(basename(name))
    for name, source in sources.items():
        folder = dirname(name)
        beside = partial(_beside, sources, folder)
        item = Item(basename(name), source, siblings=frozenset(siblings[folder]), beside=beside)
        yield _Scan(name).of(item)


def _beside(sources: Mapping[str, ByteSource], folder: str, name: str) -> ByteSource | None:
    try:
        return sources.get(join(folder, safe_relative_name(name)))
    except WeighbridgeError:
        return None


class _Scan:
    """One file's scan: findings and errors as they come, and what may still be spent."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.found: dict[Found, None] = {}
        self.errors: list[WeighbridgeError] = []
        self.allowance = Allowance()

    def of(self, item: Item) -> FileVerdict:
        waiting = [item]
        try:
            while waiting:
                waiting.extend(self._look_at(waiting.pop()))
        except LimitError as error:
            self.errors.append(error.at(self.path))
        return FileVerdict(self.path, tuple(self.found), tuple(self.errors))

    def _look_at(self, item: Item) -> list[Item]:
        self.allowance.member(self.path)
        inner: list[Item] = []
        for judge in JUDGES:
            try:
                if judge.recognises(item):
                    self._ask(judge, item, inner)
            except WeighbridgeError as error:
                self.errors.append(error.at(f"{self.path} member {item.member}" if item.member else self.path))
            except (RecursionError, MemoryError) as error:
                self.errors.append(LimitError(f"is too deeply nested or too large: {error}", where=self.path))
        return inner[::-1]

    def _ask(self, judge: Judge, item: Item, inner: list[Item]) -> None:
        for each in judge.judge(item):
            if isinstance(each, Inside):
                inner.append(self._within(item, each))
            elif len(self.found) < MAX_FINDINGS or each.dangerous:
                self._note(item, each)

    def _note(self, item: Item, found: Found) -> None:
        if len(self.found) < 2 * MAX_FINDINGS:
            member = "!".join(part for part in (item.member, found.member) if part)
            self.found[Found(found.rule, found.message, member, found.offset, found.opcode, found.sure)] = None

    def _within(self, item: Item, inside: Inside) -> Item:
        if item.depth >= MAX_DEPTH:
            raise LimitError(f"holds archives within archives, more than {MAX_DEPTH} deep", where=self.path)
        self.allowance.inflated(getattr(inside.source, "inflated", 0), self.path)
        member = "!".join(part for part in (item.member, inside.name) if part)
        return Item(inside.name, inside.source, member, item.depth + 1, inside.siblings, allowed=item.allowed)
