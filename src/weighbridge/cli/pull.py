"""`weigh pull`: download a repository from a hub and compare every file with its digest."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def pull(
    repo: Annotated[str, typer.Argument(metavar="OWNER/NAME[@REVISION]", help="The repository, and which revision.")],
    out: Annotated[Path | None, typer.Option(help="The folder to download into; NAME by default.")] = None,
    hub: Annotated[str, typer.Option(envvar="HF_ENDPOINT", help="The hub's address.")] = "",
    token: Annotated[str | None, typer.Option(envvar="HF_TOKEN", help="A token, for private repositories.")] = None,
    kind: Annotated[str, typer.Option(help="model, dataset or space.")] = "model",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Download a revision into a folder. Exit status 2 if a file arrives other than the hub states."""
    from weighbridge.cli._hub import remote_from
    from weighbridge.client import pull as fetch

    name, _, revision = repo.partition("@")
    folder = out or Path(name.rpartition("/")[2])
    done = fetch(name, remote_from(hub, token), out=folder, kind=kind, revision=revision or None)
    if as_json:
        typer.echo(json.dumps({**asdict(done), "folder": str(done.folder)}))
    else:
        told = f"{done.files} files, {done.nbytes:,} bytes, all verified"
        typer.echo(f"{done.folder}  {told}, revision {done.revision[:12]}")
