"""What the checks and the policies say, in the words that clients know: safe, caution, suspicious, unsafe, queued."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from weighbridge.hub.gate import GateState
from weighbridge.report import Finding, Report, Severity

Json = dict[str, Any]
_LEVELS = {Severity.DANGER: "unsafe", Severity.WARNING: "caution"}
_WORST_FIRST = ("unsafe", "caution", "safe")


def repo_status(report: Report | None, state: GateState) -> Json:
    """`securityRepoStatus`. `policy` and `decisions` are ours: what the hub's policies decided, and why."""
    found = [
        {"path": path_of(finding), "level": _LEVELS[finding.severity], "code": finding.code}
        for finding in _told(report)
        if finding.severity in _LEVELS
    ]
    return {
        "scansDone": state.action != "",
        "filesWithIssues": found,
        "policy": state.action or "pending",
        "decisions": list(state.decisions),
        "releasedBy": state.released_by or None,
    }


def file_status(report: Report | None, state: GateState, path: str) -> Json:
    """`securityFileStatus` of one file."""
    if state.action == "":
        return {"status": "queued", "avScan": None, "pickleImportScan": None}
    about = [finding for finding in _told(report) if path_of(finding) == path]
    levels = {_LEVELS.get(finding.severity, "safe") for finding in about} | {"safe"}
    status = next(level for level in _WORST_FIRST if level in levels)
    imports = [finding.message for finding in about if finding.code.startswith("pickle.")]
    scan: Json = {"status": status, "message": "; ".join(finding.message for finding in about)[:1000] or None}
    pickles: Json = {"status": status, "messages": imports[:20]}
    # Clients insist on the keys of scanners that are not ours.
    return {"status": status, "avScan": None, "pickleImportScan": pickles, "weighbridgeScan": scan}


def path_of(finding: Finding) -> str:
    """The file that a finding is about."""
    file = finding.evidence.get("file")
    return file if isinstance(file, str) else finding.where.partition(", ")[0]


def _told(report: Report | None) -> Iterator[Finding]:
    for result in report.results if report else ():
        if result.check.startswith("safety"):
            yield from result.findings
