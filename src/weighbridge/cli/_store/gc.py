"""`weigh store gc` deletes what no file needs, while others may go on writing and reading.

`--json`: ``{"store", "dry_run", "garbage": [{"reason", "blocks", "nbytes"}], "condemned", "deleted", "waiting",
"written", "unreadable"}``, where the four in the middle are ``{"packs", "nbytes"}``. See `weighbridge.store.Collected`.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from weighbridge.cli._progress import stage_progress
from weighbridge.cli._store._options import DryRunOption, GraceOption, JsonOption, StoreOption, packs_text, seconds
from weighbridge.report.text import size_text
from weighbridge.store import Collected, GcOptions, Store

_REASONS = {
    "unneeded": "that no file needs",
    "duplicate": "that lie in another pack too",
    "frames": "of tables in packs that go as a whole",
}


def gc(
    store: StoreOption,
    dry_run: DryRunOption = False,
    grace: GraceOption = "24h",
    waste: Annotated[
        float, typer.Option(min=0, max=1, help="The share of a pack that may be garbage before it is rewritten.")
    ] = 0.05,
    as_json: JsonOption = False,
) -> None:
    """Delete what no file needs any more. What is needed is never touched, whoever reads or writes meanwhile."""
    options = GcOptions(seconds(grace), waste, dry_run)
    with Store.open(store) as opened, stage_progress() as stages:
        collected = opened.gc(options, stages=stages)
    if as_json:
        typer.echo(json.dumps({"store": store, **asdict(collected)}, indent=2))
    else:
        print_collected(collected, grace)


def print_collected(collected: Collected, grace: str) -> None:
    """Tell what a collection found and did."""
    would = "would be " if collected.dry_run else ""
    for garbage in collected.garbage:
        if garbage.nbytes:
            blocks = f" in {garbage.blocks:,} blocks" if garbage.blocks else ""
            typer.echo(f"found {size_text(garbage.nbytes)}{blocks} {_REASONS[garbage.reason]}")
    if collected.condemned.packs:
        typer.echo(f"{packs_text(collected.condemned)} {would}condemned")
    if collected.written.packs:
        typer.echo(f"{packs_text(collected.written)} written with what was needed of others")
    typer.echo(f"{packs_text(collected.deleted)} {would}deleted")
    if collected.waiting.packs:
        typer.echo(f"{packs_text(collected.waiting)} wait: run this again {grace} after they were condemned")
    for key in collected.unreadable:
        typer.echo(f"left alone, since it is damaged: {key}")
