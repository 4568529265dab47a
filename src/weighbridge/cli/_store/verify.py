"""`weigh store verify` reads and checks every bit.

`--json`: ``{"store", "ok", "files", "packs", "blocks", "bytes", "decoded_bytes",
"decodable_bytes", "damage": [{"object", "block", "message", "files":
[{"sha256", "names"}]}], "strays"}``. Exit status 1 where it found damage.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import Annotated, Any

import typer

from weighbridge.cli._progress import byte_progress, stage_progress
from weighbridge.cli._store._options import JsonOption, StoreOption
from weighbridge.errors import UsageError
from weighbridge.report.text import size_text, visible
from weighbridge.store import Damage, Store, VerifyOptions, VerifyResult

FOUND_DAMAGE = 1


def verify(
    store: StoreOption,
    sample: Annotated[
        str, typer.Option(help="Decode only some packs, drawn at random: a share such as 5%, or how many.")
    ] = "100%",
    seed: Annotated[int | None, typer.Option(help="Draw the same sample again.")] = None,
    files: Annotated[bool, typer.Option("--files", help="Also compare the SHA-256 of every whole file.")] = False,
    repair_from: Annotated[
        str | None, typer.Option(help="Mend what is damaged with what the store in this folder or at this URL has.")
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Do not go on where an interrupted run stopped.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Read and check every bit of a store. Exit status 1 if anything is damaged."""
    share, packs = _sample(sample)
    whole = packs is None and share == 1
    options = VerifyOptions(share, packs, seed, files, resume=whole and not restart)
    with Store.open(store, damaged=True) as opened:
        with byte_progress("verifying", int(share * opened.pack_bytes())) as progress:
            result = opened.verify(options, progress=progress)
        if repair_from is not None and not result.ok:
            with Store.open(repair_from) as other, stage_progress() as stages:
                before, result = result, opened.repair(other, result, stages=stages)
            if not as_json:
                typer.echo(f"repaired: {len(before.damage):,} places were damaged, {len(result.damage):,} are left")
    if as_json:
        typer.echo(json.dumps({"store": store, **_as_json(result)}, indent=2))
    else:
        _print(result)
    if not result.ok:
        raise typer.Exit(FOUND_DAMAGE)


def _sample(text: str) -> tuple[float, int | None]:
    """The share of the bytes to decode, or 1 and the number of packs. Raises `UsageError`."""
    found = re.fullmatch(r"(\d{1,9})|(\d{1,3}(?:\.\d{1,9})?)%", text)
    if found is None or (found.group(2) and not 0 < float(found.group(2)) <= 100):
        raise UsageError(f"{text!r} is no sample", hint="Give a share such as 5%, or a number of packs.")
    return (1.0, int(found.group(1))) if found.group(1) else (float(found.group(2)) / 100, None)


def _as_json(result: VerifyResult) -> dict[str, Any]:
    damage = [
        {"object": d.key, "block": d.block or None, "message": d.message, "files": [asdict(use) for use in d.files]}
        for d in result.damage
    ]
    counts = {"files": result.files, "packs": result.packs, "blocks": result.blocks, "bytes": result.nbytes}
    counts |= {"decoded_bytes": result.decoded, "decodable_bytes": result.decodable}
    return {"ok": result.ok, **counts, "damage": damage, "strays": list(result.strays)}


def _print(result: VerifyResult) -> None:
    for damage in result.damage:
        _print_damage(damage)
    for stray in result.strays:
        typer.echo(f"stray: {visible(stray)} is no part of a store; it hurts nothing")
    looked = f"{result.files:,} files, {result.packs:,} packs, {result.blocks:,} blocks, {size_text(result.nbytes)}"
    sound = "every bit is sound"
    if result.decoded < result.decodable:
        share = f"{100 * result.decoded / result.decodable:.1f} %"
        looked += f", of whose packs {share} ({size_text(result.decoded)}) were decoded"
        sound = "nothing damaged was found"
    typer.echo(f"{looked}: " + (sound if result.ok else f"damage in {len(result.damage):,} places"))


def _print_damage(damage: Damage) -> None:
    block = f", block {damage.block}" if damage.block else ""
    typer.echo(f"damaged: {damage.key}{block}: {visible(damage.message)}")
    for use in damage.files:
        names = ", ".join(map(visible, use.names)) or "a file without a name"
        typer.echo(f"  hurts {names} (sha256 {use.sha256})")
