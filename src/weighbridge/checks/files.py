"""Every file: what the scanner finds in weights, configuration, templates, archives and code.

What: all that `weigh scan` looks for (each rule has a page of its own), in every file that was given, whether it holds
weights, could be read, or belongs to no model at all. What the other safety checks tell of the same place is not told
twice.

Why: danger does not keep to weights. A chat template can leave its sandbox, an archive can unpack over your files, a
pickle can lie under any name.

Example: ``template.escape: tokenizer_config.json would reach the interpreter through __class__``.

What to do: what the finding's rule says. A warning is something to look at before you use the files: what we do not
know to be harmless is no proof of an attack.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from weighbridge.checkpoint import Checkpoint
from weighbridge.checks.base import Answer, Check, judged, skipped
from weighbridge.checks.listing import capped, plural, some_names
from weighbridge.formats import Verdict
from weighbridge.report import Finding, Outcome, Severity
from weighbridge.scan import FileVerdict, Found, Sure
from weighbridge.scan.scanner import scan_sources

# What `safety.remote-code` says of the same configuration, in its own words.
_TOLD_OF_CONFIGURATION = frozenset(
    {"config.custom-code", "config.unknown-target", "config.trust-remote-code", "config.yaml-python-tag"}
)


def _files(checkpoint: Checkpoint) -> Answer:
    if not checkpoint.given:
        return skipped("there is no file to look into")
    told = _Told(checkpoint)
    findings: list[Finding] = []
    unread: list[Finding] = []
    for verdict in scan_sources(checkpoint.given):
        findings += (_finding(found, verdict.path) for found in verdict.findings if not told.of(verdict.path, found))
        unread += _unread(verdict, checkpoint)
    facts = {"files": len(checkpoint.given)}
    if unread:
        names = list(dict.fromkeys(str(finding.evidence["file"]) for finding in unread))
        reason = f"{plural(len(names), 'file')} could not be judged: {some_names(names)}"
        return Answer(Outcome.ERROR, (*capped(findings), *capped(unread)), dict(facts), reason)
    return judged(capped(findings), dict(facts))


CHECK = Check("safety.files", "What lies in every file", _files)


class _Told:
    """What the other safety checks tell."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._configuration = checkpoint.side_files.keys()
        self._imports = {
            (name, scan.member, item.offset)
            for name, index in checkpoint.files.items()
            for scan in index.pickles
            for item in scan.imports
            if item.verdict is not Verdict.ALLOWED
        }

    def of(self, path: str, found: Found) -> bool:
        if found.rule.id in _TOLD_OF_CONFIGURATION:
            return not found.member and path in self._configuration
        return found.rule.id.startswith("pickle.") and (path, found.member, found.offset) in self._imports


def _finding(found: Found, path: str) -> Finding:
    """As the scan tells it, but for suspicions: they are a reason to look, where the scan's exit status says stop."""
    finding = found.finding(path)
    suspected = found.sure is Sure.SUSPECTED and finding.severity is Severity.DANGER
    return replace(finding, severity=Severity.WARNING) if suspected else finding


def _unread(verdict: FileVerdict, checkpoint: Checkpoint) -> Iterator[Finding]:
    """What could not be read, but for weights of which `safety.structure` says so."""
    if verdict.path in checkpoint.broken:
        return
    for error in verdict.errors:
        where = error.where or verdict.path
        yield Finding(error.code, Severity.WARNING, error.message, where, error.hint, {"file": verdict.path})
