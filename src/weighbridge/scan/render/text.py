"""For people: a line a file, and under it what was found, where, how sure, and what to do."""

from __future__ import annotations

from weighbridge.formats.pickle.render import shorten
from weighbridge.scan.model import FileVerdict

_SHOWN = 20
_WIDTH = 400


def line(verdict: FileVerdict) -> str:
    """The lines of one file, with their ends."""
    lines = [f"{verdict.status}: {verdict.path}"]
    told = sorted(verdict.findings, key=lambda found: not found.dangerous)
    for found in told[:_SHOWN]:
        lines.append(f"  {found.rule.id} ({found.rule.severity}, {found.sure}): {found.message}")
        lines.append(f"    at {found.where(verdict.path)}")
        if found.rule.hint:
            lines.append(f"    {found.rule.hint}")
    if len(told) > _SHOWN:
        lines.append(f"  and {len(told) - _SHOWN:,} more")
    lines += [f"  could not tell: {error} [{error.code}]" for error in verdict.errors[:_SHOWN]]
    return "".join(shorten(each, _WIDTH) + "\n" for each in lines)
