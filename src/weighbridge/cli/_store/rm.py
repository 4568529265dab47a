"""`weigh store rm` takes names, and files that have no other name, out of a store.

A file that has lost its name, as an interrupted removal leaves it, is named by its SHA-256 or the beginning of that.

`--json`: ``{"store", "removed": [{"name", "sha256", "file_removed"}]}``; `name` is what was given.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from weighbridge.cli._store._options import JsonOption, StoreOption
from weighbridge.errors import CorruptError, ObjectNotFoundError, UsageError
from weighbridge.report.text import visible
from weighbridge.store import Store

_DIGEST = re.compile(r"[0-9a-f]{8,64}")


@dataclass(frozen=True, slots=True)
class _Removed:
    name: str
    sha256: str | None
    file_removed: bool


def rm(
    store: StoreOption,
    names: Annotated[
        list[str],
        typer.Argument(
            help="Names, or SHA-256 of files without one, as 'weigh store ls' lists them.", metavar="NAME..."
        ),
    ],
    keep_file: Annotated[bool, typer.Option("--keep-file", help="Take the name only; the file stays.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove names, and the files behind them unless they have other names. 'weigh store gc' then frees the room."""
    with Store.open(store) as opened:
        targets = [_target(opened, name) for name in names]  # refuses before anything is removed
        removed = [_remove(opened, target, keep_file) for target in targets]
    if as_json:
        typer.echo(json.dumps({"store": store, "removed": [asdict(one) for one in removed]}, indent=2))
        return
    for one in removed:
        typer.echo(f"{visible(one.name)}: {'removed' if one.file_removed else 'the name was removed, the file stays'}")


@dataclass(frozen=True, slots=True)
class _Target:
    """What was asked for: a name, or a file that has none."""

    text: str
    sha256: str | None  # None for a damaged binding, which may be removed too
    nameless: bool = False


def _target(store: Store, text: str) -> _Target:
    try:
        return _Target(text, store.resolve(text))
    except CorruptError:
        return _Target(text, None)
    except ObjectNotFoundError:
        if not _DIGEST.fullmatch(text):
            raise
    return _Target(text, _nameless(store, text), nameless=True)


def _nameless(store: Store, beginning: str) -> str:
    """The one file whose SHA-256 begins so. Raises where there is none, are several, or it has a name."""
    found = [sha256 for sha256, _ in store.files() if sha256.startswith(beginning)]
    if not found:
        raise ObjectNotFoundError(f"the store has no file with the name or SHA-256 {beginning!r}")
    if len(found) > 1:
        raise UsageError(f"{len(found):,} files have a SHA-256 that begins with {beginning}: give more digits")
    if store.claimants():
        hint = "'weigh hub gc' removes what the hub does not need."
        raise UsageError("a hub keeps its files in this store, and may need this one", where=found[0], hint=hint)
    named = [name for name, sha256 in store.names().items() if sha256 == found[0]]
    if named:
        raise UsageError(f"this file has the name {named[0]!r}: remove that", where=found[0])
    return found[0]


def _remove(store: Store, target: _Target, keep_file: bool) -> _Removed:
    if target.nameless and target.sha256:
        return _Removed(target.text, target.sha256, not keep_file and store.remove_file(target.sha256))
    return _Removed(target.text, target.sha256, store.remove(target.text, keep_file=keep_file))
