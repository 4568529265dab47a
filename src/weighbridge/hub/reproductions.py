"""What people say of revisions that they reproduced, signed (``spec/reproduction.md``).

A hub takes a reproduction whose signature holds and whose digests are the revision's, and looks again on each reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from weighbridge.errors import BundleError, LimitError, TrustError
from weighbridge.hub import _reading, permissions
from weighbridge.hub._rows import account_row, now, repo_id_of, repo_row
from weighbridge.hub.gate import Gate
from weighbridge.hub.model import Caller, RepoId
from weighbridge.hub.policies import Policies
from weighbridge.hub.sql import Database
from weighbridge.hub.sql.tables import AccountRow, CommitRow, RepoRow, ReproductionRow
from weighbridge.policy import signer_of
from weighbridge.trust import KeyVerifier, PublicKey
from weighbridge.trust.bundle import Bundle
from weighbridge.trust.reproduction import LARGEST, Reproduction

_LARGEST_KEY: Final = 4096
_MOST_SHOWN: Final = 200
_WHERE: Final = "the reproduction"


@dataclass(frozen=True, slots=True)
class Attested:
    """Who said what, and whether the signature holds: `why` says why not. `said` is what the bundle says, None where
    it is not to be read any more.

    `key` is the fingerprint of the key that signed; `signer` the name under which a policy trusts it, "" where none
    does.
    """

    user: str
    received: datetime
    key: str
    holds: bool
    signer: str
    why: str
    said: Reproduction | None
    bundle: str


class Reproductions:
    def __init__(self, database: Database, gate: Gate, policies: Policies) -> None:
        self._database = database
        self._gate = gate
        self._policies = policies

    def add(self, caller: Caller, repo: RepoId, revision: str, bundle: str, key: str) -> Attested:
        """Keep what `caller` says of a revision; it replaces what they said of it before.

        Raises `TrustError` where the signature does not hold by `key` (PEM), and `BundleError` where the bundle speaks
        of another revision or of other files.
        """
        _ensure_small(bundle, key)
        said = _checked(bundle, PublicKey.parse(key.encode(), where="the public key"))
        with self._database.writing() as session:
            row = repo_row(session, caller, repo)
            permissions.ensure_attest(caller, repo_id_of(session, row))
            commit = self._gate.visible(session, caller, row, revision)
            _ensure_about(session, row, commit, said)
            account = account_row(session, caller.user or "")
            kept = session.get(ReproductionRow, (row.id, commit.oid, account.id))
            if kept is None:
                kept = ReproductionRow(repo=row.id, commit=commit.oid, account=account.id)
                session.add(kept)
            kept.bundle, kept.key, kept.received = bundle, key, now()
            return self._attested(session, repo_id_of(session, row), kept, account.name)

    def of(self, caller: Caller, repo: RepoId, revision: str) -> tuple[str, tuple[Attested, ...]]:
        """The commit that the caller gets for a revision, and what is said of it, the newest first."""
        with self._database.reading() as session:
            row = repo_row(session, caller, repo)
            commit = self._gate.visible(session, caller, row, revision)
            rows = session.execute(
                select(ReproductionRow, AccountRow.name)
                .join(AccountRow, AccountRow.id == ReproductionRow.account)
                .where(ReproductionRow.repo == row.id, ReproductionRow.commit == commit.oid)
                .order_by(ReproductionRow.received.desc())
                .limit(_MOST_SHOWN)
            ).all()
            found = tuple(self._attested(session, repo_id_of(session, row), each, name) for each, name in rows)
            return commit.oid, found

    def _attested(self, session: Session, repo: RepoId, row: ReproductionRow, user: str) -> Attested:
        signer, why, fingerprint, said = "", "", "", None
        try:
            key = PublicKey.parse(row.key.encode(), where="the public key")
            fingerprint = key.fingerprint
            said = _checked(row.bundle, key)
            if said.commit != row.commit:
                raise BundleError(f"this is about commit {said.commit[:12]}", where=_WHERE)
        except TrustError as error:
            why = str(error)
        else:
            signers = (each for policy in self._policies.of(session, repo)[0] for each in policy.signers)
            signer = signer_of(fingerprint, signers, str(repo))
        return Attested(user, row.received, fingerprint, not why, signer, why, said, row.bundle)


def _ensure_small(bundle: str, key: str) -> None:
    for text, most, what in ((bundle, LARGEST, "bundle"), (key, _LARGEST_KEY, "public key")):
        if len(text) > most:
            raise LimitError(f"found a {what} of {len(text):,} characters, expected {most:,} at most", where=_WHERE)


def _checked(text: str, key: PublicKey) -> Reproduction:
    bundle = Bundle.parse(text.encode(), where=_WHERE)
    KeyVerifier(key).check(bundle, where=_WHERE)
    return Reproduction.read(bundle, where=_WHERE)


def _ensure_about(session: Session, repo: RepoRow, commit: CommitRow, said: Reproduction) -> None:
    if said.commit != commit.oid:
        raise BundleError(f"this is about commit {said.commit[:12]}, expected {commit.oid[:12]}", where=_WHERE)
    for name, digest in said.files.items():
        entry = _reading.entry_at(session, repo.id, commit.tree, name.strip("/"))
        if entry is None or entry.sha256 != digest:
            raise BundleError(
                f"names {name[:200]!r} with the SHA-256 {digest[:16]}…, which is not of this revision", where=_WHERE
            )
