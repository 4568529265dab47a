"""The licence: what the card declares, what the sources are under, and what does not go together.

What: licences that the card declares, by their SPDX identifiers where they have one; those of the starting weights and
of the data, where the weights' provenance states them; and pairs that do not go together: commercial use declared over
weights that do not allow it, a licence that asks for itself, conditions that go along.

Why: without a licence nobody knows what they may do, and a licence that its maker had no right to give protects no one.

Example: ``license.conflict: declares apache-2.0, and starting weights (lab/base) are under cc-by-nc-4.0: it does not
allow commercial use``.

What to do: declare the licence in the card's header, and one that its sources allow. This is a reading aid, and no
legal advice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from weighbridge.checkpoint import Checkpoint
from weighbridge.checks.base import Answer, Check, judged, skipped
from weighbridge.documents.licences import conflicts, declared, is_unnamed, known, spdx
from weighbridge.report import Finding, Severity
from weighbridge.report.model import Json
from weighbridge.tensors import ByteSource

_CARD, _PROVENANCE = "README.md", "provenance.intoto.json"
_LARGEST = 4 << 20
_LONGEST = 100


def _licence(checkpoint: Checkpoint) -> Answer:
    card, statement = (checkpoint.side_files.get(name) for name in (_CARD, _PROVENANCE))
    if card is None and statement is None:
        return skipped("there is neither a card nor a statement of provenance")
    mine = declared(_read(card)) if card is not None else ()
    inherited = list(_inherited(statement))
    findings = [*_of_card(mine), *_of_sources(mine, inherited)]
    facts: dict[str, Json] = {
        "declared": list(mine),
        "spdx": [spdx(name) for name in mine],
        "inherited": [{"source": source, "license": name} for source, name in inherited],
    }
    return judged(findings, facts)


CHECK = Check("license", "What its licence allows", _licence)


def _inherited(statement: ByteSource | None) -> Iterator[tuple[str, str]]:
    """The sources that a training run's provenance names with a licence. One that cannot be read states nothing."""
    if statement is None:
        return
    try:
        found: Any = json.loads(_read(statement))
        dependencies = found["predicate"]["buildDefinition"]["resolvedDependencies"]
        for each in dependencies:
            annotations = each.get("annotations", {})
            for name in str(annotations.get("licence", "")).split(","):
                if name.strip():
                    source = f"{each['name']} ({annotations.get('given', '')})"
                    yield source[:_LONGEST], name.strip()[:_LONGEST]
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return


def _read(source: ByteSource) -> bytes:
    return source.read_at(0, min(source.size, _LARGEST))


def _of_card(mine: tuple[str, ...]) -> Iterator[Finding]:
    if not mine or all(is_unnamed(name) for name in mine):
        hint = "Declare one in the card's header: license: apache-2.0"
        yield Finding("license.undeclared", Severity.INFO, "declares no licence", _CARD, hint)
    for name in mine:
        if not known(name) and not is_unnamed(name):
            message = f"declares {name}, a licence that we do not know"
            yield Finding("license.unknown", Severity.INFO, message, _CARD, "Read its text before you use the weights.")


def _of_sources(mine: tuple[str, ...], inherited: list[tuple[str, str]]) -> Iterator[Finding]:
    for each in conflicts(mine, inherited):
        message = f"declares {each.declared}, and {each.source} is under {each.licence}: {each.why}"
        evidence: dict[str, Json] = {"source": each.source, "license": each.licence, "declared": each.declared}
        hint = "Declare a licence that the source allows, or ask its maker."
        yield Finding("license.conflict", Severity.WARNING, message, _CARD, hint, evidence)
