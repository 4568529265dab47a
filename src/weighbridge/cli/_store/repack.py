"""`weigh store repack` writes packs anew where that makes them smaller or fewer.

`--json`: as of `weigh store gc`, and ``"rebased": {"blocks", "saved"}``.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from weighbridge.cli._progress import stage_progress
from weighbridge.cli._store._options import GraceOption, JsonOption, StoreOption, packs_text, seconds
from weighbridge.report.text import size_text
from weighbridge.store import GcOptions, Store


def repack(
    store: StoreOption,
    grace: GraceOption = "24h",
    newer_bases: Annotated[
        bool,
        typer.Option("--newer-bases", help="Let older files become differences from newer ones: slower to read."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Code blocks again where they take fewer bytes now, also beside bases, and merge small packs. Collects, too."""
    options = GcOptions(seconds(grace), waste=0)
    with Store.open(store) as opened, stage_progress() as stages:
        done = opened.repack(options, newer_bases=newer_bases, stages=stages)
    if as_json:
        typer.echo(json.dumps({"store": store, **asdict(done)}, indent=2))
        return
    if done.rebased.blocks:
        typer.echo(f"{done.rebased.blocks:,} blocks are differences now, {size_text(done.rebased.saved)} smaller")
    typer.echo(f"{packs_text(done.condemned)} replaced by {packs_text(done.written)}")
    typer.echo(f"{packs_text(done.deleted)} deleted")
    if done.waiting.packs:
        wait = f"'weigh store gc' deletes them {grace} after they were replaced"
        typer.echo(f"{packs_text(done.waiting)} ({size_text(done.waiting.nbytes)}) wait: {wait}")
    for key in done.unreadable:
        typer.echo(f"left alone, since it is damaged: {key}")
