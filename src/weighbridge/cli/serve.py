"""`weigh serve`: run a hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def serve(
    data: Annotated[Path, typer.Option(help="The hub's folder; made where there is none.")],
    host: Annotated[str, typer.Option(help="The address to listen at; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen at; 0 for any that is free.")] = 8000,
    store: Annotated[
        str | None,
        typer.Option(help="Where a new hub keeps content: a folder, or s3://bucket/prefix. Otherwise in its folder."),
    ] = None,
    gate: Annotated[
        bool, typer.Option("--gate/--no-gate", help="Give others a revision only when the policies let it pass.")
    ] = True,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell every request.")] = False,
) -> None:
    """Run a hub until Ctrl-C. Hugging Face clients use it through HF_ENDPOINT, people by its pages."""
    from weighbridge.hub import Hub
    from weighbridge.server.running import listen, run

    with listen(host, port) as socket, Hub.open(data, create=True, store=store, gated=gate) as hub:
        run(hub, socket, host, verbose=verbose, started=typer.echo)
