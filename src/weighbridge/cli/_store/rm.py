"""`weigh store rm` takes names, and files that have no other name, out of a store.

`--json`: ``{"store", "removed": [{"name", "sha256", "file_removed"}]}``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from weighbridge.cli._store._options import JsonOption, StoreOption
from weighbridge.errors import CorruptError
from weighbridge.report.text import visible
from weighbridge.store import Store


@dataclass(frozen=True, slots=True)
class _Removed:
    name: str
    sha256: str | None
    file_removed: bool


def rm(
    store: StoreOption,
    names: Annotated[list[str], typer.Argument(help="Names, as 'weigh store ls' lists them.", metavar="NAME...")],
    keep_file: Annotated[bool, typer.Option("--keep-file", help="Take the name only; the file stays.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove names, and the files behind them unless they have other names. 'weigh store gc' then frees the room."""
    with Store.open(store) as opened:
        digests = {name: _resolve(opened, name) for name in names}  # refuses before anything is removed
        removed = [_Removed(name, digest, opened.remove(name, keep_file=keep_file)) for name, digest in digests.items()]
    if as_json:
        typer.echo(json.dumps({"store": store, "removed": [asdict(one) for one in removed]}, indent=2))
        return
    for one in removed:
        typer.echo(f"{visible(one.name)}: {'removed' if one.file_removed else 'the name was removed, the file stays'}")


def _resolve(store: Store, name: str) -> str | None:
    """The SHA-256 of a name; None for a damaged binding, which may be removed too."""
    try:
        return store.resolve(name)
    except CorruptError:
        return None
