"""Options that the commands of `weigh store` share, and how they tell sizes."""

from __future__ import annotations

from typing import Annotated

import typer

from weighbridge.report.text import size_text
from weighbridge.store import Tally

StoreOption = Annotated[str, typer.Option("--store", help="The store's folder or URL.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Change nothing; only tell what would be done.")]


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def packs_text(tally: Tally) -> str:
    return f"{tally.packs:,} pack{'' if tally.packs == 1 else 's'} of {size_text(tally.nbytes)}"
