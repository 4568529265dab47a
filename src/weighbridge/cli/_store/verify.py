"""`weigh store verify` reads and checks every bit.

`--json`: ``{"store", "ok", "files", "packs", "blocks", "bytes", "damage": [{"object", "block", "message", "files":
[{"sha256", "names"}]}], "strays"}``. Exit status 1 where it found damage.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import typer

from weighbridge.cli._progress import byte_progress
from weighbridge.cli._store._options import JsonOption, StoreOption
from weighbridge.report.text import size_text, visible
from weighbridge.store import Damage, Store, VerifyResult

FOUND_DAMAGE = 1


def verify(store: StoreOption, as_json: JsonOption = False) -> None:
    """Read and check every bit of a store. Exit status 1 if anything is damaged."""
    with Store.open(store) as opened, byte_progress("verifying", opened.pack_bytes()) as progress:
        result = opened.verify(progress=progress)
    if as_json:
        typer.echo(json.dumps({"store": store, **_as_json(result)}, indent=2))
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
