"""SARIF 2.1.0, which code hosts show beside the files."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from weighbridge.report.model import Severity
from weighbridge.scan.model import FileVerdict, Found, Rule

_LEVELS = {Severity.DANGER: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def document(verdicts: list[FileVerdict]) -> str:
    rules = {found.rule.id: found.rule for verdict in verdicts for found in verdict.findings}
    driver = {
        "name": "weighbridge",
        "version": version("weighbridge"),
        "rules": [_rule(rule) for rule in rules.values()],
    }
    order = {name: place for place, name in enumerate(rules)}
    results = [_result(verdict.path, found, order) for verdict in verdicts for found in verdict.findings]
    notes = [_note(verdict.path, str(error)) for verdict in verdicts for error in verdict.errors]
    invocation = {"executionSuccessful": not notes, "toolExecutionNotifications": notes}
    run = {"tool": {"driver": driver}, "invocations": [invocation], "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(rule: type[Rule]) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title()},
        "fullDescription": {"text": rule.page()},
        "help": {"text": rule.hint or rule.title()},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _location(path: str) -> dict[str, Any]:
    uri = quote(path.encode("utf-8", "surrogateescape"))
    return {"physicalLocation": {"artifactLocation": {"uri": uri}}}


def _result(path: str, found: Found, order: dict[str, int]) -> dict[str, Any]:
    location = _location(path)
    if found.offset is not None and not found.member:
        location["physicalLocation"]["region"] = {"byteOffset": found.offset, "byteLength": 1}
    if found.member:
        location["logicalLocations"] = [{"fullyQualifiedName": found.member, "kind": "member"}]
    return {
        "ruleId": found.rule.id,
        "ruleIndex": order[found.rule.id],
        "level": _LEVELS[found.rule.severity],
        "message": {"text": f"{found.message} (at {found.where(path)})"},
        "locations": [location],
        "properties": {"sure": str(found.sure)},
    }


def _note(path: str, message: str) -> dict[str, Any]:
    return {"level": "error", "message": {"text": f"could not tell: {message}"}, "locations": [_location(path)]}
