"""`weigh check`: is it safe to open, is it sound?"""

from __future__ import annotations

from pathlib import Path

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def _show_pages(value: bool) -> None:
    if value:
        from weighbridge.checks import CHECKS

        for each in CHECKS:
            typer.echo(f"{each.id}\n\n{each.page}\n\n")
        raise typer.Exit


@app.command()
def check(
    path: Path = typer.Argument(help="A file or a folder of weights."),
    only: list[str] = typer.Option([], "--only", metavar="ID", help="Run this check, or all of a family: safety."),
    as_json: bool = typer.Option(False, "--json", help="Print the report as JSON and nothing else."),
    html: Path | None = typer.Option(None, "--html", metavar="FILE", help="Write the report as one page."),
    pages: bool = typer.Option(False, "--list", callback=_show_pages, is_eager=True, help="Tell what each check does."),
) -> None:
    """Check a checkpoint: is it safe to open, is it sound? Nothing in it is executed.

    Exit status: 0 clean, 1 findings, 2 something could not be read.
    """
    from weighbridge.checks import check as run_checks
    from weighbridge.cli._report import deliver, reading
    from weighbridge.report.terminal import show_check

    with reading() as progress:
        report = run_checks(path, only=only, progress=progress)
    deliver(report, show_check, as_json=as_json, html=html)
    raise typer.Exit(report.exit_status)
