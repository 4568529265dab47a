"""Pickles: what loading the file would call.

What: the imports of every pickle in every file, found by reading its opcodes without running them, and judged by an
allowlist. Anything that runs code, opens files or reaches the network is dangerous; anything that we do not know is
unknown, and never called safe.

Why: a pickle is a program. ``torch.load`` and ``pickle.load`` do what it says, and it can say ``os.system``.

Example: ``pickle.dangerous-import: loading it would call os.system('curl … | sh')``.

What to do: do not load the file. Ask for safetensors, which cannot carry code, or take the tensors out with
Weighbridge, which executes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from weighbridge.checkpoint import Checkpoint
from weighbridge.checks.base import Answer, Check, judged, skipped
from weighbridge.checks.listing import capped, plural
from weighbridge.errors import UnsafeError
from weighbridge.formats import PickleImport, PickleScan, Verdict
from weighbridge.report import Finding, Severity
from weighbridge.report.model import Json

_KINDS = {
    Verdict.DANGEROUS: ("pickle.dangerous-import", Severity.DANGER),
    Verdict.UNKNOWN: ("pickle.unknown-import", Severity.WARNING),
}
_UNKNOWN_HINT = "Look the import up before you load the file: nothing here says that it is safe."
_MAX_FACTS = 200


@dataclass(frozen=True, slots=True)
class _Met:
    """An import, and the file and pickle where it was met."""

    file: str
    scan: PickleScan
    item: PickleImport


def _pickles(checkpoint: Checkpoint) -> Answer:
    if not checkpoint.files:
        return skipped("there are no weights that could be read")
    met = list(_imports(checkpoint))
    count = sum(len(index.pickles) for index in checkpoint.files.values())
    findings = capped(_finding(each) for verdict in _KINDS for each in met if each.item.verdict is verdict)
    unread = ", ".join(list(checkpoint.broken)[:3])
    unjudged = f"{plural(len(checkpoint.broken), 'file')} could not be read: {unread}" if checkpoint.broken else ""
    reason = "" if count else f"no pickle inside: {', '.join(_formats(checkpoint))} cannot carry code"
    return judged(findings, _facts(count, met), reason, unjudged=unjudged)


CHECK = Check("safety.pickle", "What loading it would call", _pickles)


def _imports(checkpoint: Checkpoint) -> Iterator[_Met]:
    for name, index in checkpoint.files.items():
        for scan in index.pickles:
            for item in scan.imports:
                yield _Met(name, scan, item)


def _formats(checkpoint: Checkpoint) -> list[str]:
    return list(dict.fromkeys(index.format for index in checkpoint.files.values()))


def _facts(count: int, met: list[_Met]) -> dict[str, Json]:
    verdicts = {each.item.qualified: str(each.item.verdict) for each in met}
    return {"pickles": count, "imports": len(verdicts), "verdicts": dict(list(verdicts.items())[:_MAX_FACTS])}


def _call(arguments: str) -> str:
    """Arguments as one writes a call: the tuple ``('true',)`` that a pickle passes is ``('true')``."""
    if not arguments.startswith("("):
        return f"({arguments})"
    return f"{arguments[:-2]})" if arguments.endswith(",)") else arguments


def _finding(met: _Met) -> Finding:
    item, scan = met.item, met.scan
    code, severity = _KINDS[item.verdict]
    verb = "call" if item.called else "import"
    arguments = _call(item.arguments) if item.called else ""
    member = f" {scan.member}" if scan.member else ""
    return Finding(
        code,
        severity,
        f"loading it would {verb} {item.qualified}{arguments}: {item.reason}",
        where=f"{met.file}{member}, byte {item.offset:,} ({item.opcode})",
        hint=UnsafeError.default_hint if item.verdict is Verdict.DANGEROUS else _UNKNOWN_HINT,
        evidence={
            "file": met.file,
            "member": scan.member,
            "import": item.qualified,
            "called": item.called,
            "arguments": item.arguments,
            "opcode": item.opcode,
            "offset": item.offset,
        },
    )
