"""Long lists, cut: a hostile file can hold a million faults, and a reader wants the first few and their number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from weighbridge.report import Finding
from weighbridge.report.model import Json

SHOWN = 20
NAMES_IN_EVIDENCE = 100
NAMES_IN_MESSAGE = 3


def capped(findings: Iterable[Finding], limit: int = SHOWN) -> tuple[Finding, ...]:
    """The first `limit` findings of each code; one more stands for the rest of that code and says how many."""
    kept: dict[str, list[Finding]] = {}
    left: dict[str, int] = {}
    for finding in findings:
        group = kept.setdefault(finding.code, [])
        if len(group) < limit:
            group.append(finding)
        else:
            left[finding.code] = left.get(finding.code, 0) + 1
    return tuple(shown for code, group in kept.items() for shown in (*group, *_rest(group[-1], left.get(code, 0))))


def _rest(last: Finding, count: int) -> tuple[Finding, ...]:
    if not count:
        return ()
    return (replace(last, message=f"and {count:,} more of the same kind", where="", evidence={"more": count}),)


def some_names(names: Sequence[str]) -> str:
    """``a, b, c and 21 more``."""
    shown = ", ".join(names[:NAMES_IN_MESSAGE])
    rest = len(names) - NAMES_IN_MESSAGE
    return f"{shown} and {rest:,} more" if rest > 0 else shown


def names_evidence(names: Sequence[str]) -> dict[str, Json]:
    """The number of names, and the first `NAMES_IN_EVIDENCE` of them."""
    return {"count": len(names), "tensors": list(names[:NAMES_IN_EVIDENCE])}


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
