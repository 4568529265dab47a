"""`weigh store`: look after a store.

- `ls` lists names. `--json`: ``{"store", "files": [{"name", "sha256", "bytes", "stored_bytes"}]}``; `stored_bytes`
  counts what a file's blocks take, also where other files share them.
- `stat` adds up. `--json`: the fields of `weighbridge.store.StoreStat`.
- `verify` reads and checks every bit. `--json`: ``{"store", "ok", "files", "packs", "blocks", "bytes", "damage":
  [{"object", "block", "message", "files": [{"sha256", "names"}]}], "strays"}``. Exit status 1 where it found damage.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from weighbridge.cli._progress import byte_progress
from weighbridge.report.text import size_text, visible
from weighbridge.store import Damage, Store, VerifyResult

app = typer.Typer(no_args_is_help=True)

_StoreOption = Annotated[Path, typer.Option("--store", help="The store's folder.")]
_JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

FOUND_DAMAGE = 1


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    sha256: str
    bytes: int
    stored_bytes: int


@app.callback()
def _store() -> None:
    """Look after a store."""


@app.command()
def ls(store: _StoreOption, as_json: _JsonOption = False) -> None:
    """List the names in a store, and what each file takes."""
    with Store.open(store) as opened:
        files = [opened.file(sha256, name=name) for name, sha256 in opened.names().items()]
        lines = [_Line(file.name, file.sha256, file.size, file.stored_bytes) for file in files]
    if as_json:
        typer.echo(json.dumps({"store": str(store), "files": [asdict(line) for line in lines]}, indent=2))
        return
    for line in lines:
        share = _share(line.stored_bytes, line.bytes)
        typer.echo(f"{line.sha256[:12]}  {size_text(line.bytes):>10}  {share:>8}  {visible(line.name)}")


@app.command()
def stat(store: _StoreOption, as_json: _JsonOption = False) -> None:
    """Show how a store's bytes add up."""
    with Store.open(store) as opened:
        found = opened.stat()
    if as_json:
        typer.echo(json.dumps({"store": str(store), **asdict(found)}, indent=2))
        return
    typer.echo(f"{found.files:,} files under {found.names:,} names, {found.blocks:,} blocks in {found.packs:,} packs")
    for what, count in (("files", found.file_bytes), ("distinct", found.unique_bytes), ("stored", found.stored_bytes)):
        typer.echo(f"  {what:<9}{size_text(count):>11}  {_share(count, found.file_bytes):>8}")
    typer.echo("of which, by codec")
    for codec in found.codecs:
        if codec.blocks:
            kept = f"{size_text(codec.stored_bytes):>11}  {_share(codec.stored_bytes, codec.raw_bytes):>8}"
            typer.echo(f"  {codec.codec:<9}{kept} of {size_text(codec.raw_bytes)} in {codec.blocks:,}")


@app.command()
def verify(store: _StoreOption, as_json: _JsonOption = False) -> None:
    """Read and check every bit of a store. Exit status 1 if anything is damaged."""
    with Store.open(store) as opened, byte_progress("verifying", opened.pack_bytes()) as progress:
        result = opened.verify(progress=progress)
    if as_json:
        typer.echo(json.dumps({"store": str(store), **_as_json(result)}, indent=2))
    else:
        _print(result)
    if not result.ok:
        raise typer.Exit(FOUND_DAMAGE)


def _as_json(result: VerifyResult) -> dict[str, Any]:
    damage = [
        {"object": d.key, "block": d.block or None, "message": d.message, "files": [asdict(use) for use in d.files]}
        for d in result.damage
    ]
    counts = {"files": result.files, "packs": result.packs, "blocks": result.blocks, "bytes": result.nbytes}
    return {"ok": result.ok, **counts, "damage": damage, "strays": list(result.strays)}


def _print(result: VerifyResult) -> None:
    for damage in result.damage:
        _print_damage(damage)
    for stray in result.strays:
        typer.echo(f"stray: {visible(stray)} is no part of a store; it hurts nothing")
    looked = f"{result.files:,} files, {result.packs:,} packs, {result.blocks:,} blocks, {size_text(result.nbytes)}"
    typer.echo(f"{looked}: " + ("every bit is sound" if result.ok else f"damage in {len(result.damage):,} places"))


def _print_damage(damage: Damage) -> None:
    block = f", block {damage.block}" if damage.block else ""
    typer.echo(f"damaged: {damage.key}{block}: {visible(damage.message)}")
    for use in damage.files:
        names = ", ".join(map(visible, use.names)) or "a file without a name"
        typer.echo(f"  hurts {names} (sha256 {use.sha256})")


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"
