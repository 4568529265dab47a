"""What was found, as plain values, and the ways to show it.

- `Finding`: one fact worth telling: a code, how serious, where, the evidence, what to do.
- `Outcome`: pass, fail, skipped or error. A check that could not run never passes.
- `CheckResult`: one check's outcome with its findings and the facts that it measured.
- `Report`: all results on one subject. Saved as JSON (spec/report.schema.json), read back to an equal value.
- `Anatomy`, `Statistics`: the facts of the two checks of these names, with types.

Renderers are pure, a report in and text out: `report.terminal` and `report.html`, imported by those who render. The
page draws its figures with `figures`, the only other package than `errors` that this one may import.
"""

from weighbridge.report.facts import (
    Anatomy,
    FileFacts,
    Group,
    Histogram,
    Statistics,
    TensorFacts,
    TensorStatistics,
    Unread,
)
from weighbridge.report.model import CheckResult, Finding, Outcome, Report, Severity
from weighbridge.report.serial import from_json, from_plain, to_json, to_plain

__all__ = [
    "Anatomy",
    "CheckResult",
    "FileFacts",
    "Finding",
    "Group",
    "Histogram",
    "Outcome",
    "Report",
    "Severity",
    "Statistics",
    "TensorFacts",
    "TensorStatistics",
    "Unread",
    "from_json",
    "from_plain",
    "to_json",
    "to_plain",
]
