"""The command `weigh`: one module per command, named as the command is, imported only when it runs.

A module `cli/<name>.py` holds a Typer app called `app`, and is listed in `COMMANDS` with its line of help. Commands
translate arguments to one call below and print what comes back; they hold no rules. Results go to stdout, everything
else to stderr. Exit status: 0 clean, 1 findings, 2 could not do it.
"""

from weighbridge.cli.main import main

__all__ = ["main"]
