"""Statements: something said of files that are named by digest.

The form is in-toto's Statement v1 (github.com/in-toto/attestation, spec/v1/statement.md). What is said, the predicate,
is JSON of a form that its type names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from weighbridge.errors import BundleError

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a statement speaks of. `digest`: hex by the algorithm's name."""

    name: str
    digest: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Statement:
    """`Statement.parse(statement.json()) == statement`."""

    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        subjects = [{"name": subject.name, "digest": dict(subject.digest)} for subject in self.subjects]
        return {
            "_type": STATEMENT_TYPE,
            "subject": subjects,
            "predicateType": self.predicate_type,
            "predicate": dict(self.predicate),
        }

    def json(self) -> bytes:
        return json.dumps(self.as_json(), ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def parse(cls, text: bytes, *, where: str = "") -> Statement:
        """Raises `BundleError` where the text is not a statement."""
        value = parse_object(text, "a statement", where)
        if value.get("_type") != STATEMENT_TYPE:
            raise BundleError(f"found {value.get('_type')!r} as type, expected {STATEMENT_TYPE}", where=where)
        predicate_type, predicate = value.get("predicateType"), value.get("predicate")
        if not isinstance(predicate_type, str) or not isinstance(predicate, dict):
            raise BundleError("the statement has no predicate with a type", where=where)
        return cls(_subjects(value.get("subject"), where), predicate_type, predicate)


def _subjects(value: Any, where: str) -> tuple[Subject, ...]:
    if not isinstance(value, list) or not value:
        raise BundleError("the statement names no subject", where=where)
    for each in value:
        digest = each.get("digest") if isinstance(each, dict) else None
        if not isinstance(digest, dict) or not all(isinstance(text, str) for text in digest.values()):
            raise BundleError("a subject of the statement has no digest", where=where)
    return tuple(Subject(str(each.get("name", "")), each["digest"]) for each in value)


def parse_object(text: bytes, what: str, where: str) -> dict[str, Any]:
    """A JSON object whose names are all different. Raises `BundleError`.

    Two equal names are refused: of `{"sha256": "A", "sha256": "B"}` one reader sees A and another B.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise BundleError(f"a name stands twice in one object of {what}", where=where)
        return found

    try:
        value = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{what} is not JSON ({error})", where=where) from error
    if not isinstance(value, dict):
        raise BundleError(f"{what} is not a JSON object", where=where)
    return value
