"""`weigh hub gc` deletes what no revision of a hub needs any more.

`--json`: ``{"data", "dry_run", "commits", "waiting", "files", "file_bytes", "store"}``, the last as of
`weigh store gc`. See `weighbridge.hub.HubCollected`.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from weighbridge.cli._progress import stage_progress
from weighbridge.cli._store._options import DryRunOption, JsonOption, seconds
from weighbridge.cli._store.gc import print_collected
from weighbridge.report.text import size_text


def gc(
    data: Annotated[Path, typer.Option(help="The hub's folder.")],
    dry_run: DryRunOption = False,
    grace: Annotated[
        str, typer.Option("--grace", help="How long what is not needed any more is kept: a number and s, m, h or d.")
    ] = "24h",
    as_json: JsonOption = False,
) -> None:
    """Delete what no branch or tag leads to any more, also while the hub runs. Uploads have a day to be committed."""
    from weighbridge.hub import Hub, HubGcOptions

    options = HubGcOptions(seconds(grace), dry_run)
    with Hub.open(data) as hub, stage_progress() as stages:
        done = hub.collect(options, stages=stages)
    if as_json:
        typer.echo(json.dumps({"data": str(data), **asdict(done)}, indent=2))
        return
    would = "would be " if dry_run else ""
    typer.echo(f"{done.commits:,} commits that nothing leads to {would}removed")
    if done.waiting:
        typer.echo(f"{done.waiting:,} more wait: they are removed {grace} after they were first found")
    typer.echo(f"{done.files:,} files ({size_text(done.file_bytes)} unpacked) {would}removed")
    print_collected(done.store, grace)
