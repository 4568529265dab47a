"""JSON: a summary and one object a file."""

from __future__ import annotations

import json
from importlib.metadata import version

from weighbridge.report.model import Json
from weighbridge.scan.model import FileVerdict, Found, Status


def document(verdicts: list[FileVerdict]) -> str:
    counts: dict[str, Json] = {str(each): sum(verdict.status is each for verdict in verdicts) for each in Status}
    files: list[Json] = [_file(verdict) for verdict in verdicts]
    whole: dict[str, Json] = {"weighbridge": version("weighbridge"), "summary": counts, "files": files}
    return json.dumps(whole, indent=2)


def _file(verdict: FileVerdict) -> dict[str, Json]:
    return {
        "path": verdict.path,
        "status": str(verdict.status),
        "findings": [_found(found) for found in verdict.findings],
        "errors": [{"code": error.code, "message": str(error), "hint": error.hint} for error in verdict.errors],
    }


def _found(found: Found) -> dict[str, Json]:
    return {
        "rule": found.rule.id,
        "severity": str(found.rule.severity),
        "sure": str(found.sure),
        "message": found.message,
        "member": found.member,
        "offset": found.offset,
        "opcode": found.opcode,
        "hint": found.rule.hint,
    }
