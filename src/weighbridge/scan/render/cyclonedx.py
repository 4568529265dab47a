"""CycloneDX 1.6: every file a component with its SHA-256, every rule that was found a vulnerability that affects it."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from typing import Any

from weighbridge.report.model import Severity
from weighbridge.scan.model import FileVerdict, Found, Rule

_SEVERITIES = {Severity.DANGER: "critical", Severity.WARNING: "low", Severity.INFO: "info"}


def document(verdicts: list[FileVerdict]) -> str:
    components = [_component(place, verdict) for place, verdict in enumerate(verdicts)]
    tool = {"type": "application", "name": "weighbridge", "version": version("weighbridge")}
    whole = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"tools": {"components": [tool]}},
        "components": components,
        "vulnerabilities": _vulnerabilities(verdicts),
    }
    return json.dumps(whole, indent=2)


def _component(place: int, verdict: FileVerdict) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "file", "bom-ref": _reference(place), "name": verdict.path}
    if digest := _digest(verdict.path):
        found["hashes"] = [{"alg": "SHA-256", "content": digest}]
    status = [{"name": "weighbridge:status", "value": str(verdict.status)}]
    errors = [{"name": "weighbridge:could-not-tell", "value": str(error)} for error in verdict.errors]
    found["properties"] = status + errors
    return found


def _reference(place: int) -> str:
    return f"file-{place + 1}"


def _digest(path: str) -> str:
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 (a name that Path would change is still the file's name)
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""  # it is told among the errors


def _vulnerabilities(verdicts: list[FileVerdict]) -> list[dict[str, Any]]:
    met: dict[str, tuple[type[Rule], list[tuple[int, Found]]]] = {}
    for place, verdict in enumerate(verdicts):
        for found in verdict.findings:
            met.setdefault(found.rule.id, (found.rule, []))[1].append((place, found))
    return [_vulnerability(rule, where) for rule, where in met.values()]


def _vulnerability(rule: type[Rule], where: list[tuple[int, Found]]) -> dict[str, Any]:
    places = dict.fromkeys(_reference(place) for place, _ in where)
    return {
        "bom-ref": f"rule-{rule.id}",
        "id": rule.id,
        "source": {"name": "weighbridge"},
        "ratings": [{"severity": _SEVERITIES[rule.severity], "method": "other"}],
        "description": rule.title(),
        "detail": "\n".join(dict.fromkeys(found.message for _, found in where[:20])),
        "recommendation": rule.hint,
        "affects": [{"ref": place} for place in places],
    }
