"""Telling damage where a command goes on with what is sound."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from weighbridge.errors import StoreError
from weighbridge.report.text import visible


def tell_damage(damaged: Sequence[StoreError]) -> None:
    """Raises the last, after a line on standard error for each one before it; nothing for none."""
    for error in damaged[:-1]:
        typer.echo(f"weigh: {visible(str(error))} [{error.code}]", err=True)
    if damaged:
        raise damaged[-1]
