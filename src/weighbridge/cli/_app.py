"""The Typer application: lists every command, imports the one that runs."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from weighbridge import __version__
from weighbridge.cli.commands import COMMANDS

_COMPLETION = ("install_completion", "show_completion")  # Typer adds these to every app


class _Commands(TyperGroup):
    """Lists commands without importing them."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        command = typer.main.get_command(import_module(f"weighbridge.cli.{cmd_name.replace('-', '_')}").app)
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


def run_typer(arguments: list[str]) -> None:
    """Run one command. Always leaves by SystemExit: Typer tells wrong usage itself."""
    typer.main.get_command(app).main(arguments, prog_name="weigh")
