"""What was found, as plain values, and the ways to show it.

- `Finding`: one fact worth telling: a code, how serious, where, the evidence, what to do.
- `Outcome`: pass, fail, skipped or error. A check that could not run never passes.
- `CheckResult`: one check's outcome with its findings and the facts that it measured.
- `Report`: all results on one subject. Saved as JSON (spec/report.schema.json), read back to an equal value.

Renderers are pure: a report in, text out. A leaf: it imports no other layer but `errors`.
"""

from weighbridge.report.model import CheckResult, Finding, Outcome, Report, Severity

__all__ = ["CheckResult", "Finding", "Outcome", "Report", "Severity"]
