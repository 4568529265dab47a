"""What a check is, and the four ways to answer."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from weighbridge.report import Finding, Outcome, Severity
from weighbridge.report.model import Json


@dataclass(frozen=True, slots=True)
class Answer:
    """What a check returns; the runner adds who answered and how long it took."""

    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, Json] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One question. `run` is called with the inputs that its parameters name (see `inputs.Inputs`)."""

    id: str
    title: str
    run: Callable[..., Answer]

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(inspect.signature(self.run).parameters)

    @property
    def page(self) -> str:
        """The check's documentation: the docstring of its module."""
        return inspect.cleandoc(sys.modules[self.run.__module__].__doc__ or "")


def judged(
    findings: Iterable[Finding] = (), facts: Mapping[str, Json] | None = None, reason: str = "", *, unjudged: str = ""
) -> Answer:
    """Fail where a finding is more than information; else pass, or skipped where something stayed `unjudged`."""
    found = tuple(findings)
    if any(finding.severity is not Severity.INFO for finding in found):
        return Answer(Outcome.FAIL, found, facts or {}, unjudged or reason)
    if unjudged:
        return Answer(Outcome.SKIPPED, found, facts or {}, unjudged)
    return Answer(Outcome.PASS, found, facts or {}, reason)


def skipped(reason: str) -> Answer:
    return Answer(Outcome.SKIPPED, reason=reason)
