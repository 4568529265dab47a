"""What `inspect` and `check` share: telling how far reading is, and where the report goes."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.errors import PathNotFoundError, UsageError
from weighbridge.report import Report
from weighbridge.report.serial import json_pieces

if TYPE_CHECKING:
    from rich.console import Console

View = Callable[[Report, "Console"], None]


def deliver(report: Report, view: View, *, as_json: bool, html: Path | None) -> None:
    """Show the report: with `as_json` nothing but JSON on stdout, else the `view`; and a page in `html`."""
    if html is not None:
        from weighbridge.report.html import to_html

        _write_whole(html, to_html(report))
    with _while_read():
        if as_json:
            sys.stdout.writelines(json_pieces(report, indent=2))
            sys.stdout.write("\n")
        else:
            view(report, _console())
        sys.stdout.flush()
    if html is not None:
        sys.stderr.write(f"weigh: wrote {html}\n")


@contextmanager
def _while_read() -> Iterator[None]:
    """Leave off where the reader of stdout does, as `head` does: what was found, and so the status, stays the same."""
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def reading() -> Iterator[Callable[[int, int], None] | None]:
    """What to call with the bytes read so far and in all: a bar on stderr where somebody looks at it."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("reading values"), BarColumn(), DownloadColumn(binary_units=True), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _console() -> Console:
    from rich.console import Console

    class ReportConsole(Console):
        def on_broken_pipe(self) -> None:
            """Called while the error is handled. Rich would leave with status 1, which says that there are findings."""
            raise

    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal without UTF-8 shows a question mark where it lacks a character; it is no reason to fail.
        sys.stdout.reconfigure(errors="replace")
    return ReportConsole(file=sys.stdout, soft_wrap=False)


def _is_page(path: Path) -> bool:
    """Whether this is a page: a slip of the hand must not replace the weights by their report."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(15).lower() == b"<!doctype html>"


def _write_whole(path: Path, text: str) -> None:
    """Write the file whole or not at all, whoever reads it meanwhile."""
    if not path.parent.is_dir():
        raise PathNotFoundError("there is no folder to write the page in", where=str(path))
    if path.exists() and not _is_page(path):
        raise UsageError(
            "exists, and is not a page that could be replaced", where=str(path), hint="Choose another name."
        )
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
