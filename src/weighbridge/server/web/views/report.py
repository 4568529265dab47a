"""A revision's report: the verdict, the findings, and every check with its outcome."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from weighbridge.hub.reports import ReportState, ReportStatus
from weighbridge.report import Finding, Outcome, Report, Severity
from weighbridge.report.model import CheckResult, Json
from weighbridge.report.text import number_text, visible
from weighbridge.server.web import links, units
from weighbridge.server.web.views.parts import Chip, Fact, Moment, Tone
from weighbridge.server.web.views.repo import RepoHead, RevisionMenu

_LOOK_AGAIN_SECONDS = 4
_MOST_FINDINGS = 200
_MOST_FACTS = 40
_LONGEST_VALUE = 400

_SEVERITIES: dict[Severity, tuple[Tone, str]] = {
    Severity.DANGER: ("bad", "bad"),
    Severity.WARNING: ("warn", "warn"),
    Severity.INFO: ("", "info"),
}
_OUTCOMES: dict[Outcome, tuple[Tone, str]] = {
    Outcome.PASS: ("good", "good"),
    Outcome.FAIL: ("bad", "bad"),
    Outcome.SKIPPED: ("", "info"),
    Outcome.ERROR: ("warn", "warn"),
}


@dataclass(frozen=True, slots=True)
class FindingRow:
    severity: Chip
    message: str
    where: str
    hint: str
    code: str
    evidence: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class CheckRow:
    outcome: Chip
    title: str
    name: str
    seconds: str
    reason: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A whole report in a line. `chip` is what lists and heads show of it, None where there is nothing to say."""

    chip: Chip | None
    tone: Tone
    title: str
    explanation: str


@dataclass(frozen=True, slots=True)
class ReportView:
    repo: RepoHead
    revisions: RevisionMenu
    verdict: str
    tone: Tone
    explanation: str
    json: str = ""
    provenance: str = ""
    counts: tuple[Chip, ...] = ()
    findings: tuple[FindingRow, ...] = ()
    more: str = ""
    checks: tuple[CheckRow, ...] = ()
    refresh: int = 0


def verdict(state: ReportState, report: Report | None) -> Verdict:
    """What the checks come to. `report` is there exactly where the state is ready."""
    if report is not None:
        return _of_report(report)
    if state.status is ReportStatus.FAILED:
        why = visible(state.reason, 1000) or "No reason was kept."
        return Verdict(Chip("not checked", "warn", "warn"), "warn", "The checks could not finish", why)
    if state.status is ReportStatus.NOTHING:
        return Verdict(
            None,
            "info",
            "Nothing to check",
            "This revision holds no weights. Its other files were looked into, and nothing was found.",
        )
    return Verdict(
        Chip("being checked", "busy", "busy"),
        "busy",
        "Being checked",
        "The checks of this revision have not finished. This page looks again by itself.",
    )


def _of_report(report: Report) -> Verdict:
    worst = {finding.severity for finding in report.findings}
    said = _counted(report)
    if Severity.DANGER in worst:
        warning = "Opening these weights in the usual way may do what their findings say."
        return Verdict(
            Chip("dangerous", "bad", "bad", title=said), "bad", "Read this before you load it", f"{said} {warning}"
        )
    if report.outcome is Outcome.ERROR:
        title = "Not everything could be checked"
        return Verdict(Chip("partly checked", "warn", "warn", title=said), "warn", title, said)
    if report.outcome is Outcome.FAIL or Severity.WARNING in worst:
        return Verdict(Chip("warnings", "warn", "warn", title=said), "warn", "Look at the findings first", said)
    if report.outcome is Outcome.SKIPPED:
        return Verdict(None, "info", "Nothing to check", "Every check was skipped; the reasons are below.")
    return Verdict(Chip("checked", "good", "good", title=said), "good", "Safe to open, and sound", said)


def report_view(state: ReportState, report: Report | None, repo: RepoHead, revisions: RevisionMenu) -> ReportView:
    """The page of a report, or of its absence."""
    outcome = verdict(state, report)
    if report is None:
        refresh = _LOOK_AGAIN_SECONDS if outcome.tone == "busy" else 0
        return ReportView(repo, revisions, outcome.title, outcome.tone, outcome.explanation, refresh=refresh)
    findings = report.findings
    left = len(findings) - _MOST_FINDINGS
    return ReportView(
        repo=repo,
        revisions=revisions,
        verdict=outcome.title,
        tone=outcome.tone,
        explanation=outcome.explanation,
        json=links.report_json(repo.id, repo.revision),
        provenance=_provenance(report),
        counts=tuple(_counts(findings)),
        findings=tuple(_finding(finding) for finding in findings[:_MOST_FINDINGS]),
        more=f"{left:,} more are in the report's JSON." if left > 0 else "",
        checks=tuple(_check(result) for result in report.results),
    )


def _counted(report: Report) -> str:
    counts = [chip.text for chip in _counts(report.findings)]
    asked = [result.outcome for result in report.results]
    passed = f"{asked.count(Outcome.PASS)} of {units.plural(len(asked), 'check')} passed"
    skipped = asked.count(Outcome.SKIPPED)
    outcome = f"{passed}, {skipped} skipped" if skipped else passed
    return f"{', '.join(counts)}; {outcome}.".capitalize() if counts else f"{outcome}."


def _counts(findings: Iterable[Finding]) -> list[Chip]:
    found = [finding.severity for finding in findings]
    words = {
        Severity.DANGER: ("danger", "dangers"),
        Severity.WARNING: ("warning", "warnings"),
        Severity.INFO: ("note", "notes"),
    }
    return [
        Chip(units.plural(found.count(severity), *words[severity]), _SEVERITIES[severity][0])
        for severity in Severity.__members__.values()
        if severity in found
    ][::-1]


def _provenance(report: Report) -> str:
    try:
        made = Moment.of(datetime.fromisoformat(report.created)).age
    except ValueError:
        made = report.created
    return f"Weighbridge {report.weighbridge}, {made}"


def _finding(finding: Finding) -> FindingRow:
    tone, icon = _SEVERITIES[finding.severity]
    word = "note" if finding.severity is Severity.INFO else str(finding.severity)
    return FindingRow(
        Chip(word, tone, icon),
        visible(finding.message, 1000),
        visible(finding.where, 400),
        visible(finding.hint, 1000),
        finding.code,
        tuple(_facts(finding.evidence)),
    )


def _check(result: CheckResult) -> CheckRow:
    tone, icon = _OUTCOMES[result.outcome]
    return CheckRow(
        Chip(str(result.outcome), tone, icon),
        result.title,
        result.check,
        f"{1000 * result.seconds:.0f} ms" if result.seconds < 1 else f"{result.seconds:.1f} s",
        visible(result.reason, 1000),
        tuple(_facts(result.facts)),
    )


def _facts(values: Mapping[str, Json]) -> Iterable[Fact]:
    shown = list(values.items())
    for key, value in shown[:_MOST_FACTS]:
        yield Fact(visible(key, 100), _value(value))
    if len(shown) > _MOST_FACTS:
        yield Fact("…", f"{len(shown) - _MOST_FACTS:,} more in the report's JSON")


def _value(value: Json) -> str:
    """A fact on one line; of a long list how long it is, since other pages show what is in it."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, str):
        return visible(value, _LONGEST_VALUE) or "–"
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > _LONGEST_VALUE:
        return units.plural(len(value), "entry", "entries")
    return visible(text) if value else "none"
