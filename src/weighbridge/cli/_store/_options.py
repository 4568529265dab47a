"""Options that the commands of `weigh store` share, and how they tell sizes."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from weighbridge.errors import UsageError
from weighbridge.report.text import size_text
from weighbridge.store import Tally

StoreOption = Annotated[str, typer.Option("--store", help="The store's folder or URL.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Change nothing; only tell what would be done.")]

GraceOption = Annotated[
    str, typer.Option("--grace", help="How long new and condemned packs are left alone: a number and s, m, h or d.")
]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}


def seconds(text: str) -> float:
    """The length of a time such as "90m". Raises `UsageError`."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhd]?)", text)
    if found is None:
        raise UsageError(f"{text!r} is no length of time", hint="Give a number and s, m, h or d: 90m, 24h, 7d.")
    return float(found.group(1)) * _UNITS[found.group(2) or "s"]


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def packs_text(tally: Tally) -> str:
    return f"{tally.packs:,} pack{'' if tally.packs == 1 else 's'} of {size_text(tally.nbytes)}"
