"""`weigh store ls` lists names, and files that have none.

`--json`: ``{"store", "files": [{"name", "sha256", "bytes", "stored_bytes"}]}``; `stored_bytes` counts what a file's
blocks take, also where other files share them. A file without a name, as an interrupted removal leaves it, has `name`
null. In a hub's store the hub knows the files, and those without a name are not listed. Damaged names and files are
told on standard error; exit status 2.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import typer

from weighbridge.cli._damage import tell_damage
from weighbridge.cli._store._options import JsonOption, StoreOption, share
from weighbridge.errors import CorruptError, ObjectNotFoundError, StoreError, StoreVersionError
from weighbridge.report.text import size_text, visible
from weighbridge.store import Store


@dataclass(frozen=True, slots=True)
class _Line:
    name: str | None
    sha256: str
    bytes: int
    stored_bytes: int


def ls(store: StoreOption, as_json: JsonOption = False) -> None:
    """List the names in a store, and what each file takes."""
    damaged: list[StoreError] = []
    with Store.open(store) as opened:
        lines = list(_lines(opened, damaged))
    if as_json:
        typer.echo(json.dumps({"store": store, "files": [asdict(line) for line in lines]}, indent=2))
    for line in () if as_json else lines:
        part = share(line.stored_bytes, line.bytes)
        typer.echo(f"{line.sha256[:12]}  {size_text(line.bytes):>10}  {part:>8}  {visible(line.name or '(no name)')}")
    tell_damage(damaged)


def _lines(store: Store, damaged: list[StoreError]) -> Iterator[_Line]:
    """The sound files; what is wrong with the others is put with `damaged`."""
    named = store.names(tell=damaged.append)
    known = set(named.values())
    nameless = () if store.claimants() or damaged else (each for each, _ in store.files() if each not in known)
    for name, sha256 in (*named.items(), *((None, sha256) for sha256 in sorted(nameless))):
        try:
            file = store.file(sha256, name=name or "")
            yield _Line(name, file.sha256, file.size, file.stored_bytes)
        except (CorruptError, StoreVersionError, ObjectNotFoundError) as error:
            damaged.append(error)
