"""`weigh inspect`: what is inside?"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def inspect(
    path: Path = typer.Argument(help="A file or a folder of weights."),
    tensors: bool = typer.Option(False, "--tensors", help="List every tensor, not only the largest."),
    match: str = typer.Option("", "--match", metavar="PATTERN", help="List the tensors whose names fit, as '*.bias'."),
    statistics: bool = typer.Option(False, "--statistics", help="Read the values too: range, mean, zeros, NaN …"),
    unsafe: bool = typer.Option(
        False, "--allow-unsafe", help="List a file that would run code when loaded; nothing is executed."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the report as JSON and nothing else."),
    html: Path | None = typer.Option(None, "--html", metavar="FILE", help="Write the report as one page."),
) -> None:
    """Show what is inside a checkpoint. Without --statistics only headers are read, however large it is.

    Exit status: 0 clean, 1 findings, 2 something could not be read, or would run code when loaded.
    """
    from weighbridge.checkpoint import open as open_checkpoint
    from weighbridge.checks import run
    from weighbridge.cli._report import deliver, reading
    from weighbridge.report.terminal import show_anatomy

    only = ("safety.pickle", "safety.structure", "anatomy", *(("statistics",) if statistics else ()))
    with open_checkpoint(path, allow_unsafe=unsafe) as checkpoint, reading() as progress:
        report = run(checkpoint, only=only, match=match, progress=progress)
    deliver(report, partial(show_anatomy, tensors=tensors or bool(match)), as_json=as_json, html=html)
    raise typer.Exit(report.exit_status)
