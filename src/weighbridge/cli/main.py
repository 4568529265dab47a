"""The entry point: finds the command's module, runs it, and tells errors as people and programs need them."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from weighbridge import __version__
from weighbridge.cli import _process
from weighbridge.errors import StorageFullError, WeighbridgeError

# Command and its line in `weigh --help`; the module is weighbridge.cli.<command>, imported when the command runs.
COMMANDS = {
    "inspect": "Show what is inside a checkpoint.",
    "check": "Check a checkpoint: is it safe to open, is it sound?",
    "sign": "Sign a model: say that its files are what you published.",
    "verify": "Check a model's signature.",
    "pack": "Store files in far fewer bytes.",
    "unpack": "Get stored files back, bit for bit.",
    "store": "Look after a store.",
    "serve": "Run a hub that Hugging Face clients use through HF_ENDPOINT.",
    "hub": "Manage a hub's users, organisations and tokens.",
    "push": "Publish a file or folder to a hub.",
    "pull": "Download a repository from a hub.",
}
INTERRUPTED = 130
_COMPLETION = ("install_completion", "show_completion")  # Typer adds these to every app


class _Commands(TyperGroup):
    """Lists commands without importing them."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        command = typer.main.get_command(import_module(f"weighbridge.cli.{cmd_name}").app)
        command.name = cmd_name
        command.params = [option for option in command.params if option.name not in _COMPLETION]
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = typer.Typer(
    cls=_Commands, add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"weigh {__version__}")
        raise typer.Exit


@app.callback()
def _weigh(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Show the version."),
) -> None:
    """Weigh, check and share the weights of machine-learning models."""


def main() -> None:
    """Run `weigh` and leave with the status that the outcome deserves."""
    _process.settle()
    _open_closed_streams()
    sys.exit(run(sys.argv[1:]))


def _open_closed_streams() -> None:
    """Write to nowhere where the caller closed a stream, as `>&-` does: Python then has None in its place."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 (it lives as we do)


def run(arguments: list[str]) -> int:
    """Run one command. Returns the exit status; a `WeighbridgeError` becomes two lines on stderr, never a traceback."""
    try:
        # Typer tells wrong usage itself and always leaves by SystemExit; a command sets a status with typer.Exit.
        typer.main.get_command(app).main(arguments, prog_name="weigh")
    except SystemExit as leaving:
        if leaving.code == INTERRUPTED:  # Typer catches Ctrl-C too, and says nothing
            typer.echo("weigh: interrupted", err=True)
        return leaving.code if isinstance(leaving.code, int) else 0
    except WeighbridgeError as error:
        return _tell(error)
    except KeyboardInterrupt:
        typer.echo("weigh: interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _tell(_from_system(error))
    return 0


def _from_system(error: OSError) -> WeighbridgeError:
    import errno

    where = str(error.filename or "")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFullError("no space is left on the device", where=where)
    return WeighbridgeError(error.strerror or str(error), where=where)


def _tell(error: WeighbridgeError) -> int:
    typer.echo(f"weigh: {error} [{error.code}]", err=True)
    if error.hint:
        typer.echo(f"       {error.hint}", err=True)
    return error.exit_status
