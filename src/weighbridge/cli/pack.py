"""`weigh pack`: store files, and folders of files, in far fewer bytes.

`--json` prints one object:

    {"store": LOCATION, "files": [{"name", "sha256", "original_bytes", "new_bytes", "blocks", "new_blocks", "seconds",
                              "replaced": the sha256 that the name stood for before, or null,
                              "bases": [{"sha256", "blocks"}]}],
     "original_bytes", "new_bytes", "seconds"}

`new_bytes` is what the store grew by: nothing for content that it held already. `bases` are the stored files that new
blocks were coded against, and how many blocks. Bases are found among all files; `--base`, and a `base_model` in the
card of a packed folder for names under that id, say where to look first.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer

from weighbridge.cli._bases import base_files
from weighbridge.cli._location import NewStoreLocation, folder_of
from weighbridge.cli._progress import byte_progress
from weighbridge.errors import PathNotFoundError, UsageError
from weighbridge.report.text import size_text, visible
from weighbridge.store import Progress, Store, Stored, ensure_name
from weighbridge.tensors import FileSource

app = typer.Typer()

# Files below this share packs; the others are acknowledged, and named, one by one.
_SMALL = 8 << 20


@dataclass(frozen=True, slots=True)
class _Packed:
    stored: Stored
    replaced: str | None


@app.command()
def pack(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders.", metavar="FILE...")],
    store: NewStoreLocation,
    base: Annotated[
        list[str] | None,
        typer.Option(help="A stored file (its name or SHA-256) that these may come from; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Store files in far fewer bytes. A file is named as it is; a file in a folder by its path from there."""
    started = time.perf_counter()
    named = _named(paths, folder_of(store))
    total = sum(path.stat().st_size for path in named.values())
    with Store.open(store, create=True) as opened, byte_progress("packing", total) as progress:
        bases = base_files(opened, base or (), (path for path in paths if path.is_dir()))
        packed = [one for group in _groups(named) for one in _pack(opened, group, bases, progress)]
        used = {use.sha256 for one in packed for use in one.stored.bases}
        names = {sha256: name for name, sha256 in opened.names(tell=lambda _: None).items()} if used else {}
    seconds = time.perf_counter() - started
    if as_json:
        typer.echo(json.dumps(_as_json(store, packed, seconds), indent=2))
    else:
        _print(packed, names, seconds)


def _named(paths: list[Path], store: Path | None) -> dict[str, Path]:
    """Files by the name they get. Raises `UsageError` where two would get the same, or one cannot be a name."""
    named: dict[str, Path] = {}
    for name, path in chain.from_iterable(_files(path, store) for path in paths):
        ensure_name(name)
        if name in named:
            raise UsageError(
                f"{path} and {named[name]} would both be stored as {name!r}", hint="Pack them one after the other."
            )
        named[name] = path
    if not named:
        raise UsageError("holds no files to pack", where=str(paths[0]))
    return named


def _files(path: Path, store: Path | None) -> Iterator[tuple[str, Path]]:
    """The file, or those in the folder but for the store itself, with their names."""
    if not path.exists():
        raise PathNotFoundError("there is no such file or folder", where=str(path))
    if not path.is_dir():
        yield path.name, path
        return
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if (Path(folder) / name).resolve() != store)
        for name in sorted(files):
            found = Path(folder) / name
            if found.is_file():  # neither sockets, pipes nor dangling links
                yield found.relative_to(path).as_posix(), found


def _groups(named: dict[str, Path]) -> Iterator[dict[str, Path]]:
    """Large files alone, small ones together up to the size of a large one."""
    group: dict[str, Path] = {}
    size = 0
    for name, path in named.items():
        group[name] = path
        size += path.stat().st_size
        if size >= _SMALL:
            yield group
            group, size = {}, 0
    if group:
        yield group


def _pack(store: Store, group: dict[str, Path], bases: tuple[str, ...], progress: Progress) -> list[_Packed]:
    sources = (FileSource(path, name) for name, path in group.items())
    stored = store.add_many(sources, progress=progress, bases=bases)
    packed = []
    for one in stored:
        before = store.bind(one.name, one.sha256)
        packed.append(_Packed(one, before if before != one.sha256 else None))
    return packed


def _as_json(store: str, packed: list[_Packed], seconds: float) -> dict[str, Any]:
    files = [
        {
            "name": one.stored.name,
            "sha256": one.stored.sha256,
            "original_bytes": one.stored.size,
            "new_bytes": one.stored.new_bytes,
            "blocks": one.stored.blocks,
            "new_blocks": one.stored.new_blocks,
            "seconds": round(one.stored.seconds, 6),
            "replaced": one.replaced,
            "bases": [asdict(use) for use in one.stored.bases],
        }
        for one in packed
    ]
    return {
        "store": store,
        "files": files,
        "original_bytes": sum(one.stored.size for one in packed),
        "new_bytes": sum(one.stored.new_bytes for one in packed),
        "seconds": round(seconds, 6),
    }


def _print(packed: list[_Packed], names: dict[str, str], seconds: float) -> None:
    for one in packed:
        stored = one.stored
        note = "  replaces what had this name before" if one.replaced else ""
        cost = f"{size_text(stored.new_bytes)} new ({_share(stored.new_bytes, stored.size)})"
        typer.echo(f"{visible(stored.name)}: {size_text(stored.size)}, {cost}{_beside(stored, names)}{note}")
    size, new = sum(one.stored.size for one in packed), sum(one.stored.new_bytes for one in packed)
    count = f"{len(packed):,} file{'' if len(packed) == 1 else 's'}"
    typer.echo(f"{count}: {size_text(size)} in {size_text(new)} ({_share(new, size)}), {seconds:.1f} s")


def _beside(stored: Stored, names: dict[str, str]) -> str:
    """The file that most of this one was coded against, in words."""
    if not stored.bases:
        return ""
    most = stored.bases[0]
    others = f" and {len(stored.bases) - 1:,} more" if len(stored.bases) > 1 else ""
    blocks = sum(use.blocks for use in stored.bases)
    name = visible(names.get(most.sha256, most.sha256[:12]))
    return f", {_share(blocks, stored.blocks)} of its blocks beside {name}{others}"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"
