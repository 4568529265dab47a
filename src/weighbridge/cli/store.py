"""`weigh store`: look after a store. Each command has a file of its own, which says what its `--json` prints."""

from __future__ import annotations

import typer

from weighbridge.cli._store.gc import gc
from weighbridge.cli._store.ls import ls
from weighbridge.cli._store.repack import repack
from weighbridge.cli._store.rm import rm
from weighbridge.cli._store.stat import stat
from weighbridge.cli._store.verify import verify

COMMANDS = (ls, stat, verify, rm, gc, repack)

app = typer.Typer(no_args_is_help=True)
for command in COMMANDS:
    app.command()(command)


@app.callback()
def _store() -> None:
    """Look after a store."""
