"""A report as JSON, and back to an equal value: ``from_json(to_json(report)) == report`` for every report.

The text is ASCII and holds no NaN or Infinity, so that any JSON reader takes it; spec/report.schema.json is its
schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import TypeVar

from weighbridge.errors import FormatError
from weighbridge.report._read import FactReader
from weighbridge.report.model import SCHEMA_VERSION, CheckResult, Finding, Json, Outcome, Report, Severity

Choice = TypeVar("Choice", bound=StrEnum)


def to_json(report: Report, *, indent: int | None = None) -> str:
    """The report as JSON text."""
    return json.dumps(to_plain(report), indent=indent, allow_nan=False)


def json_pieces(report: Report, *, indent: int | None = None) -> Iterator[str]:
    """The text of `to_json` piece by piece: whole, that of 100,000 tensors takes a gigabyte while it is made."""
    yield from json.JSONEncoder(indent=indent, allow_nan=False).iterencode(to_plain(report))


def to_plain(report: Report) -> dict[str, Json]:
    """The report as plain dictionaries and lists. `findings` of the whole are not repeated: each check has its own."""
    return {
        "schema": report.schema,
        "subject": report.subject,
        "weighbridge": report.weighbridge,
        "created": report.created,
        "outcome": str(report.outcome),
        "results": [_plain_result(result) for result in report.results],
    }


def _plain_result(result: CheckResult) -> Json:
    return {
        "check": result.check,
        "title": result.title,
        "outcome": str(result.outcome),
        "reason": result.reason,
        "seconds": result.seconds,
        "findings": [_plain_finding(finding) for finding in result.findings],
        "facts": dict(result.facts),
    }


def _plain_finding(finding: Finding) -> Json:
    return {
        "code": finding.code,
        "severity": str(finding.severity),
        "message": finding.message,
        "where": finding.where,
        "hint": finding.hint,
        "evidence": dict(finding.evidence),
    }


def from_json(text: str | bytes) -> Report:
    """The report that `to_json` wrote. Raises `FormatError` for anything else."""
    try:
        data: Json = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"is not the JSON of a report: {error}", where="report") from error
    return from_plain(data)


def from_plain(data: Json) -> Report:
    """The report that `to_plain` gave."""
    read = FactReader(data, "report")
    if read.int("schema") != SCHEMA_VERSION:
        raise FormatError(
            f"has schema version {read.int('schema')}, this version reads {SCHEMA_VERSION}",
            where="report",
            hint="Read it with the version of Weighbridge that wrote it, or check the weights again.",
        )
    return Report(
        subject=read.text("subject"),
        results=tuple(_read_result(item) for item in read.list("results")),
        weighbridge=read.text("weighbridge"),
        created=read.text("created"),
    )


def _read_result(data: Json) -> CheckResult:
    read = FactReader(data, "result")
    return CheckResult(
        check=read.text("check"),
        title=read.text("title"),
        outcome=_choice(Outcome, read.text("outcome")),
        findings=tuple(_read_finding(item) for item in read.list("findings")),
        facts=read.object("facts"),
        reason=read.text("reason"),
        seconds=read.number("seconds"),
    )


def _read_finding(data: Json) -> Finding:
    read = FactReader(data, "finding")
    return Finding(
        code=read.text("code"),
        severity=_choice(Severity, read.text("severity")),
        message=read.text("message"),
        where=read.text("where"),
        hint=read.text("hint"),
        evidence=read.object("evidence"),
    )


def _choice(kind: type[Choice], text: str) -> Choice:
    try:
        return kind(text)
    except ValueError:
        expected = ", ".join(kind)
        raise FormatError(f"{text!r} is none of {expected}", where="report") from None


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")
