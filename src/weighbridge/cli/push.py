"""`weigh push`: publish a file or folder to a hub."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def push(
    path: Annotated[Path, typer.Argument(help="A weights file, or a folder with config, tokenizer and card.")],
    repo: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The repository; created where there is none.")],
    hub: Annotated[str, typer.Option(envvar="HF_ENDPOINT", help="The hub's address.")] = "",
    token: Annotated[str | None, typer.Option(envvar="HF_TOKEN", help="A token that may write.")] = None,
    kind: Annotated[str, typer.Option(help="model, dataset or space.")] = "model",
    private: Annotated[bool, typer.Option("--private", help="Create the repository private.")] = False,
    branch: Annotated[
        str | None, typer.Option(help="The branch to commit to, made where there is none; main by default.")
    ] = None,
    message: Annotated[str | None, typer.Option("--message", "-m", help="The commit's title.")] = None,
    allow_unsafe: Annotated[bool, typer.Option("--allow-unsafe", help="Publish dangerous pickles too.")] = False,
    whole_run: Annotated[
        bool, typer.Option("--whole-run", help="Of a training run's folder, publish checkpoints and event files too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Publish a file or folder as one commit. Refuses pickles that would run something dangerous when loaded."""
    from weighbridge.cli._hub import remote_from
    from weighbridge.client import push as publish

    if not allow_unsafe:
        _refuse_dangerous(path)
    remote = remote_from(hub, token)
    done = publish(
        path, repo, remote, kind=kind, private=private or None, branch=branch, message=message, whole_run=whole_run
    )
    if as_json:
        typer.echo(json.dumps(asdict(done)))
    else:
        typer.echo(f"{done.url}  {done.files} files, {done.nbytes:,} bytes, revision {done.revision[:12]}")


def _refuse_dangerous(path: Path) -> None:
    """Raise `UnsafeError` for a dangerous pickle. What is no checkpoint at all (a card, say) is nothing to refuse."""
    from weighbridge.checkpoint import open as open_checkpoint
    from weighbridge.errors import UnknownFormatError

    try:
        open_checkpoint(path).close()
    except UnknownFormatError:
        return
