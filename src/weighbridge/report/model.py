"""The values that checks return. Frozen, plain, and the same after a trip through JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

SCHEMA_VERSION = 1


class Severity(StrEnum):
    """How much a finding matters to somebody about to use the weights."""

    INFO = "info"
    WARNING = "warning"
    DANGER = "danger"


class Outcome(StrEnum):
    PASS = "pass"  # noqa: S105 (an outcome, not a password)
    FAIL = "fail"
    SKIPPED = "skipped"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact worth telling.

    `code` is stable and dotted (``pickle.dangerous-import``): what a policy matches. `where` names a file, a member and
    an offset, or a tensor. `evidence` holds the values behind the message.
    """

    code: str
    severity: Severity
    message: str
    where: str = ""
    hint: str = ""
    evidence: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check's answer. `reason` says why it was skipped or ended in an error; `facts` are what it measured."""

    check: str
    title: str
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, Json] = field(default_factory=dict)
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """Every check's answer on one subject."""

    subject: str
    results: tuple[CheckResult, ...]
    weighbridge: str
    created: str
    schema: int = SCHEMA_VERSION

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, the most serious first."""
        order = (Severity.DANGER, Severity.WARNING, Severity.INFO)
        found = [finding for result in self.results for finding in result.findings]
        return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))

    @property
    def outcome(self) -> Outcome:
        """The whole report in one word: error before fail before pass; skipped only where nothing else was."""
        outcomes = {result.outcome for result in self.results}
        order = (Outcome.ERROR, Outcome.FAIL, Outcome.PASS)
        return next((outcome for outcome in order if outcome in outcomes), Outcome.SKIPPED)

    def result(self, check: str) -> CheckResult | None:
        """What this check answered, or None where it was not run."""
        return next((result for result in self.results if result.check == check), None)

    @property
    def exit_status(self) -> int:
        """0 clean, 1 findings (a check failed), 2 something could not be read."""
        return {Outcome.ERROR: 2, Outcome.FAIL: 1}.get(self.outcome, 0)
