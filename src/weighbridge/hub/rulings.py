"""What the policies say of a revision: its report, its card's licence and its signature, judged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Final

from weighbridge.documents.cards import LARGEST_HEADER
from weighbridge.hub.model import Entry, RepoId
from weighbridge.hub.objects import Objects
from weighbridge.hub.policies import Policies
from weighbridge.hub.sql import Database
from weighbridge.policy import (
    Action,
    Decision,
    Load,
    Policy,
    Ruling,
    SignatureFact,
    check_signature,
    declared_licenses,
    formats_of,
    strictest,
)
from weighbridge.report import Report
from weighbridge.trust import Verdict, Verifier
from weighbridge.trust.bundle import Bundle
from weighbridge.trust.listing import Method, Resource, hash_type_of
from weighbridge.trust.model_signing import SIGNATURE_NAME, verify_listing

_LARGEST_SIGNATURE: Final = 16 * 1024 * 1024
_PIECE: Final = 1 << 20
_MOST_DECISIONS: Final = 200


@dataclass(frozen=True, slots=True)
class Judgement:
    """As a row keeps it: an action, decisions and what is known of the signature as JSON, a digest of who decided."""

    action: str
    decisions: str
    signature: str
    ruled_by: str


class Rulings:
    def __init__(self, database: Database, objects: Objects, policies: Policies) -> None:
        self._database = database
        self._objects = objects
        self._policies = policies

    def judge(self, repo: RepoId, files: list[Entry], report: Report | None, failure: str = "") -> Judgement:
        """Judge a revision with these files. `report` is None where they hold no weights; `failure` says why the
        examination came to no end, and such a revision is held whatever the policies say."""
        with self._database.reading() as session:
            policies, ruled_by = self._policies.of(session, repo)
        signature = self._signature(repo, files, policies)
        if failure:
            told = Decision(
                Action.HOLD, "", "examined", "check", "examination", failure, because="It was not examined."
            )
            return _kept(Ruling(Action.HOLD, (told,)), signature, ruled_by)
        load = Load(report or _empty(repo), self._licenses(files), signature, str(repo), formats_of(report))
        return _kept(strictest(policies, load), signature, ruled_by)

    def of_all(self) -> str:
        """A digest that changes whenever any policy does."""
        return self._policies.digest()

    def current(self, repo: RepoId) -> str:
        """The digest of the policies that hold for a repository now."""
        with self._database.reading() as session:
            return self._policies.of(session, repo)[1]

    def _licenses(self, files: Iterable[Entry]) -> tuple[str, ...]:
        card = next((entry for entry in files if entry.path == "README.md"), None)
        return declared_licenses(self._beginning(card, LARGEST_HEADER + 16)) if card else ()

    def _beginning(self, entry: Entry, most: int) -> bytes:
        source = self._objects.open(entry.sha256, entry.path)
        return source.read_at(0, min(source.size, most))

    def _signature(self, repo: RepoId, files: list[Entry], policies: Iterable[Policy]) -> SignatureFact:
        entry = next((entry for entry in files if entry.path == SIGNATURE_NAME), None)
        signers = [signer for policy in policies for signer in policy.signers]
        if entry is None:
            return check_signature(signers, None)
        text = self._beginning(entry, _LARGEST_SIGNATURE)
        names = {each.path: each.sha256 for each in files}

        def verify(verifier: Verifier) -> Verdict:
            bundle = Bundle.parse(text, where=SIGNATURE_NAME)
            lister = partial(self._listed, names)
            return verify_listing(names, lister, bundle, verifier, own=(SIGNATURE_NAME,), where=SIGNATURE_NAME)

        return check_signature(signers, verify, str(repo))

    def _listed(self, known: Mapping[str, str], method: Method, names: Iterable[str]) -> tuple[Resource, ...]:
        """The resources of stored files. Their SHA-256 is what they are stored by; other digests are taken here."""
        found = [resource for name in names for resource in self._resources(name, known[name], method)]
        return tuple(sorted(found, key=lambda each: each.order))

    def _resources(self, name: str, sha256: str, method: Method) -> Iterable[Resource]:
        if method.shard_size is None and method.hash_type == "sha256":
            return [Resource(name, sha256)]
        source = self._objects.open(sha256, name)
        size = method.shard_size or max(1, source.size)
        starts = range(0, source.size, size) if method.shard_size else [0]
        found = []
        for start in starts:
            end = min(source.size, start + size)
            digest = hash_type_of(method.hash_type)()
            for piece in source.iter_range(start, end):
                digest.update(piece)
            sharded = (start, end) if method.shard_size else (None, None)
            found.append(Resource(name, digest.hexdigest(), *sharded))
        return found


def _kept(ruling: Ruling, signature: SignatureFact, ruled_by: str) -> Judgement:
    decisions = [decision.to_json() for decision in ruling.decisions[:_MOST_DECISIONS]]
    return Judgement(str(ruling.action), json.dumps(decisions), json.dumps(asdict(signature)), ruled_by)


def _empty(repo: RepoId) -> Report:
    return Report(str(repo), (), "", "")
