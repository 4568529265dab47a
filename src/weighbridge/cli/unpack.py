"""`weigh unpack`: get stored files back, bit for bit, each checked against its SHA-256.

`--json` prints one object:

    {"store": LOCATION, "files": [{"name", "sha256", "bytes", "path", "seconds", "already_there"}], "bytes", "seconds"}

A file that lies where it should go and has the right bytes is left as it is (`already_there`), so that the same command
goes on after an interruption; any other file in the way is refused before anything is written.

Files that the store holds damaged are left out and told on standard error; the sound ones are written. Exit status 2.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from weighbridge.cli._damage import tell_damage
from weighbridge.cli._location import StoreLocation
from weighbridge.cli._output import appearing, target
from weighbridge.cli._progress import byte_progress
from weighbridge.errors import CorruptError, StoreError, StoreVersionError, UsageError
from weighbridge.report.text import size_text, visible
from weighbridge.store import Progress, Store, StoredFile

app = typer.Typer()


@dataclass(frozen=True, slots=True)
class _Unpacked:
    name: str
    sha256: str
    bytes: int
    path: str
    seconds: float
    already_there: bool = False


@app.command()
def unpack(
    store: StoreLocation,
    out: Annotated[Path, typer.Option(help="The folder to write to; made if missing.")],
    names: Annotated[list[str] | None, typer.Argument(help="Names, as 'weigh store ls' lists them.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every name in the store.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Get stored files back, bit for bit."""
    started = time.perf_counter()
    if bool(names) == everything:
        raise UsageError("expected either names or --all")
    with Store.open(store) as opened:
        files, lost = _files(opened, names)
        there = [file for file in files if not force and _is_there(file, out)]
        missing = [file for file in files if file not in there]
        targets = [target(out, file.name, replace=force) for file in missing]  # refuses before anything is written
        with byte_progress("unpacking", sum(file.size for file in missing)) as progress:
            done, damaged = _write_all(missing, targets, force, progress)
    done = [*(_Unpacked(each.name, each.sha256, each.size, str(out / each.name), 0.0, True) for each in there), *done]
    seconds = round(time.perf_counter() - started, 6)
    if as_json:
        result = {"files": [asdict(one) for one in done], "bytes": sum(one.bytes for one in done)}
        typer.echo(json.dumps({"store": store, **result, "seconds": seconds}, indent=2))
    for one in () if as_json else done:
        typer.echo(f"{visible(one.path)}: {size_text(one.bytes)}{', already there' if one.already_there else ''}")
    tell_damage([*lost, *damaged])


def _is_there(file: StoredFile, out: Path) -> bool:
    """Whether a file with these bytes lies where this one would go."""
    path = target(out, file.name, replace=True)  # refuses names that lead elsewhere before anything is opened
    if path.is_symlink() or not path.is_file() or path.stat().st_size != file.size:
        return False
    with path.open("rb") as found:
        return hashlib.file_digest(found, "sha256").hexdigest() == file.sha256


def _files(store: Store, names: list[str] | None) -> tuple[list[StoredFile], list[StoreError]]:
    """What is to be written, and what is wrong with names and manifests; a name that was asked for must be there."""
    lost: list[StoreError] = []
    wanted = store.names(tell=lost.append) if not names else {name: store.resolve(name) for name in names}
    files = []
    for name, sha256 in wanted.items():
        try:
            files.append(store.file(sha256, name=name))
        except (CorruptError, StoreVersionError) as error:
            lost.append(error)
    return files, lost


def _write_all(
    files: list[StoredFile], targets: list[Path], force: bool, progress: Progress
) -> tuple[list[_Unpacked], list[CorruptError]]:
    """What was written, and what is wrong with the others: a damaged file keeps nobody from the sound ones."""
    done, damaged = [], []
    for file, path in zip(files, targets, strict=True):
        try:
            done.append(_write(file, path, force, progress))
        except CorruptError as error:
            damaged.append(error)
    return done, damaged


def _write(file: StoredFile, path: Path, force: bool, progress: Progress) -> _Unpacked:
    started = time.perf_counter()
    with appearing(path, replace=force) as part:
        file.save(part, progress=progress)
    return _Unpacked(file.name, file.sha256, file.size, str(path), round(time.perf_counter() - started, 6))
