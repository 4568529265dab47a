"""Reproductions as statements: somebody ran `weigh reproduce` on a published revision, and this came out.

Form and meaning: ``spec/reproduction.md``. The statement's subjects are the revision and its files of weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args

from weighbridge.errors import BundleError
from weighbridge.trust.bundle import Bundle
from weighbridge.trust.dsse import IN_TOTO
from weighbridge.trust.statement import Statement, Subject

PREDICATE_TYPE: Final = "https://weighbridge.dev/reproduction/v1"
LARGEST: Final = 1 << 20  # bytes of a bundle; one of 200 metrics takes 40 KB
_MOST_NOTES, _LONGEST_NOTE = 200, 500
_GIT = "gitCommit"

Verdict = Literal["identical", "close", "different"]


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What came out. `Reproduction.of(made.statement(), …) == made`.

    `files` maps the names of files of weights to their SHA-256 in hex. `training` is None where nobody trained again.
    `machine` and `differences` say where, in words; `weighbridge` is the version that did it.
    """

    repo: str
    commit: str
    files: Mapping[str, str]
    when: datetime
    evaluation: Verdict
    training: Verdict | None
    machine: Mapping[str, str]
    differences: tuple[str, ...]
    weighbridge: str

    def statement(self) -> Statement:
        files = (Subject(name, {"sha256": digest}) for name, digest in self.files.items())
        predicate = {
            "when": self.when.isoformat(timespec="seconds"),
            "evaluation": self.evaluation,
            "training": self.training,
            "machine": dict(self.machine),
            "differences": list(self.differences),
            "weighbridge": self.weighbridge,
        }
        return Statement((Subject(self.repo, {_GIT: self.commit}), *files), PREDICATE_TYPE, predicate)

    @classmethod
    def of(cls, statement: Statement, *, where: str = "") -> Reproduction:
        """Raises `BundleError` where the statement is about something else, or not of the form."""
        if statement.predicate_type != PREDICATE_TYPE:
            raise BundleError(f"found a {statement.predicate_type!r}, expected {PREDICATE_TYPE}", where=where)
        revision, *files = statement.subjects
        digests = {each.name: each.digest.get("sha256", "") for each in files}
        if _GIT not in revision.digest or not all(digests.values()) or len(digests) != len(files):
            raise BundleError("expected a revision by its gitCommit, then files by their sha256", where=where)
        said = statement.predicate
        return cls(
            repo=revision.name,
            commit=revision.digest[_GIT],
            files=digests,
            when=_when(said.get("when"), where),
            evaluation=_verdict(said.get("evaluation"), where),
            training=None if said.get("training") is None else _verdict(said["training"], where),
            machine=_words(said.get("machine"), where),
            differences=tuple(_notes(said.get("differences"), where)),
            weighbridge=_word(said.get("weighbridge"), where),
        )

    @classmethod
    def read(cls, bundle: Bundle, *, where: str = "") -> Reproduction:
        """What a bundle says; whether its signature holds is for a `Verifier`. Raises `BundleError`."""
        if bundle.envelope.payload_type != IN_TOTO:
            raise BundleError(f"found a payload of type {bundle.envelope.payload_type!r}, expected {IN_TOTO}")
        return cls.of(Statement.parse(bundle.envelope.payload, where=where), where=where)


def _when(value: Any, where: str) -> datetime:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise BundleError(f"found {value!r:.60} as time, expected ISO 8601", where=where) from None
    if found.tzinfo is None:
        raise BundleError("the time names no zone", where=where)
    return found


def _verdict(value: Any, where: str) -> Verdict:
    if value not in get_args(Verdict):
        raise BundleError(f"found the verdict {value!r:.60}, expected identical, close or different", where=where)
    return value  # type: ignore[no-any-return]


def _words(value: Any, where: str) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > _MOST_NOTES:
        raise BundleError("the machine is not told in words", where=where)
    return {_word(name, where): _word(text, where) for name, text in value.items()}


def _notes(value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or len(value) > _MOST_NOTES:
        raise BundleError(f"expected at most {_MOST_NOTES} differences, each in words", where=where)
    return [_word(each, where) for each in value]


def _word(value: Any, where: str) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_NOTE:
        raise BundleError(f"expected a text of at most {_LONGEST_NOTE} characters, found {value!r:.60}", where=where)
    return value
