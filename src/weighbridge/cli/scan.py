"""`weigh scan`: are these files safe to open?"""

from __future__ import annotations

import typer

from weighbridge.cli._scan import FORMATS, Asked, run_scan

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def scan(
    paths: list[str] = typer.Argument(None, metavar="PATH…", help="Files and folders."),
    files_from: list[str] = typer.Option([], metavar="LIST", help="Scan what this file names, one a line; - is stdin."),
    format: str = typer.Option("text", metavar="FORMAT", help=f"How to tell it: {', '.join(FORMATS)}."),  # noqa: A002
    allow: list[str] = typer.Option([], metavar="FILE", help="Imports you vouch for: one module:name a line."),
) -> None:
    """Tell whether files are safe to open. Nothing in them is loaded; archives are looked into, within bounds.

    Exit status: 0 all are clean, 1 something is dangerous, 2 something could not be told (and nothing is dangerous).
    """
    from weighbridge.errors import UsageError

    if format not in FORMATS:
        raise UsageError(f"there is no format {format!r}; expected one of {', '.join(FORMATS)}")
    if not paths and not files_from:
        raise UsageError("nothing was named to scan")
    raise typer.Exit(run_scan(Asked(tuple(paths or ()), tuple(files_from), format, tuple(allow))))
