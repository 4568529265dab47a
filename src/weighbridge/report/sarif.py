"""Findings as SARIF 2.1.0 (OASIS), which code hosts show beside the files.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from weighbridge.report.model import Finding, Json, Report, Severity

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS: Final = {Severity.DANGER: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_SCORES: Final = {"error": "9.0", "warning": "5.0", "note": "1.0"}
_HELP: Final = "https://github.com/weighbridge/weighbridge/blob/main/docs/reference/checks.md"


@dataclass(frozen=True, slots=True)
class SarifResult:
    """One line of a SARIF log. `level` is error, warning or note; `file` is relative to the folder that was looked at;
    `place` says where in it."""

    rule: str
    level: str
    message: str
    file: str = ""
    place: str = ""


def to_sarif(results: Iterable[SarifResult], version: str) -> Json:
    """One run of `weigh`, of this version, as a SARIF log."""
    every = list(results)
    levels: dict[str, str] = {}
    for each in every:
        levels[each.rule] = _worse(levels.get(each.rule, "note"), each.level)
    driver: Json = {
        "name": "weigh",
        "version": version,
        "informationUri": _HELP.partition("/blob/")[0],
        "rules": [_rule(name, level) for name, level in levels.items()],
    }
    run: dict[str, Json] = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(each, list(levels).index(each.rule)) for each in every],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def findings_as_results(report: Report) -> Iterator[SarifResult]:
    """The findings of a report, in its order."""
    for finding in report.findings:
        file, _, place = finding.where.partition(", ")
        named = finding.evidence.get("file")
        yield SarifResult(
            finding.code,
            LEVELS[finding.severity],
            _message(finding),
            named if isinstance(named, str) else file,
            place,
        )


def _message(finding: Finding) -> str:
    return f"{finding.message}. {finding.hint}" if finding.hint else finding.message


def _worse(one: str, other: str) -> str:
    order = ("note", "warning", "error")
    return max(one, other, key=order.index)


def _rule(name: str, level: str) -> Json:
    return {
        "id": name,
        "shortDescription": {"text": name},
        "helpUri": _HELP,
        "defaultConfiguration": {"level": level},
        "properties": {"tags": ["security"], "security-severity": _SCORES[level]},
    }


def _result(each: SarifResult, index: int) -> Json:
    result: dict[str, Json] = {
        "ruleId": each.rule,
        "ruleIndex": index,
        "level": each.level,
        "message": {"text": f"{each.message} ({each.place})" if each.place else each.message},
    }
    if each.file:
        # Weights are no text: a line is asked for by code hosts, and the first is as good as any.
        place: Json = {"artifactLocation": {"uri": quote(each.file)}, "region": {"startLine": 1}}
        result["locations"] = [{"physicalLocation": place}]
    return result
