"""`weigh store repack` writes packs anew where that makes them smaller or fewer.

`--json`: as of `weigh store gc`.
"""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from weighbridge.cli._progress import stage_progress
from weighbridge.cli._store._options import GraceOption, JsonOption, StoreOption, packs_text, seconds
from weighbridge.report.text import size_text
from weighbridge.store import GcOptions, Store


def repack(store: StoreOption, grace: GraceOption = "24h", as_json: JsonOption = False) -> None:
    """Code blocks again where today's codecs keep them in fewer bytes, and merge small packs. Collects garbage, too."""
    options = GcOptions(seconds(grace), waste=0)
    with Store.open(store) as opened, stage_progress() as stages:
        done = opened.repack(options, stages=stages)
    if as_json:
        typer.echo(json.dumps({"store": store, **asdict(done)}, indent=2))
        return
    typer.echo(f"{packs_text(done.condemned)} replaced by {packs_text(done.written)}")
    typer.echo(f"{packs_text(done.deleted)} deleted")
    if done.waiting.packs:
        wait = f"'weigh store gc' deletes them {grace} after they were replaced"
        typer.echo(f"{packs_text(done.waiting)} ({size_text(done.waiting.nbytes)}) wait: {wait}")
    for key in done.unreadable:
        typer.echo(f"left alone, since it is damaged: {key}")
