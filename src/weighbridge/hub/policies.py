"""The policies of a hub, of an organisation and of a repository. Where a hub has none, `standard` is its policy."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from weighbridge import __version__
from weighbridge.errors import PolicyError, RepoNotFoundError, UsageError
from weighbridge.hub._rows import account_row, now
from weighbridge.hub.model import RepoId
from weighbridge.hub.sql import Database
from weighbridge.hub.sql.tables import PolicyRow, RepoRow
from weighbridge.policy import Policy, parse_policy, standard

HUB = ""
"""The scope of the whole hub; others are ``org`` and ``org/name``, in lower case."""


@dataclass(frozen=True, slots=True)
class KeptPolicy:
    scope: str
    text: str
    author: str
    updated: datetime


class Policies:
    def __init__(self, database: Database) -> None:
        self._database = database

    def set(self, scope: str, text: str, author: str) -> Policy:
        """Let this policy hold for the hub (""), an organisation or a repository. Raises `PolicyError`."""
        policy = parse_policy(text, scope or "the hub's policy")
        with self._database.writing() as session:
            _ensure_scope(session, scope)
            row = session.get(PolicyRow, scope.lower())
            if row is None:
                row = PolicyRow(scope=scope.lower())
                session.add(row)
            row.text, row.author, row.updated = text, author, now()
        return policy

    def remove(self, scope: str) -> None:
        """Raises `PolicyError` where there is none."""
        with self._database.writing() as session:
            row = session.get(PolicyRow, scope.lower())
            if row is None:
                raise PolicyError(f"there is no policy for {scope or 'the hub'}", hint="weigh hub policy list")
            session.delete(row)

    def list(self) -> tuple[KeptPolicy, ...]:
        """All of them, the hub's first."""
        with self._database.reading() as session:
            rows = session.scalars(select(PolicyRow).order_by(PolicyRow.scope))
            return tuple(KeptPolicy(row.scope, row.text, row.author, row.updated) for row in rows)

    def digest(self) -> str:
        """Of all policies, and of the version that applies them."""
        every = [(each.scope, each.text) for each in self.list()]
        return hashlib.sha256(repr((__version__, every)).encode()).hexdigest()

    def of(self, session: Session, repo: RepoId) -> tuple[tuple[Policy, ...], str]:
        """The policies that hold for a repository, and a digest of them and of the version that applies them."""
        names = (HUB, repo.owner.lower(), str(repo).lower())
        rows = {row.scope: row for row in session.scalars(select(PolicyRow).where(PolicyRow.scope.in_(names)))}
        texts = [(scope, rows[scope].text) for scope in names if scope in rows]
        policies = tuple(parse_policy(text, scope or "the hub's policy") for scope, text in texts)
        digest = hashlib.sha256(repr((__version__, texts)).encode()).hexdigest()
        return (policies if HUB in rows else (standard(), *policies)), digest


def _ensure_scope(session: Session, scope: str) -> None:
    if scope.count("/") > 1:
        raise UsageError(f"{scope!r} is neither an organisation nor org/name")
    if scope == HUB:
        return
    owner = account_row(session, scope.partition("/")[0])
    if "/" in scope and not _has_repo(session, owner.id, scope.partition("/")[2]):
        raise RepoNotFoundError(f"there is no repository {scope!r} here")


def _has_repo(session: Session, owner: int, name: str) -> bool:
    found = select(RepoRow.id).where(RepoRow.owner == owner, RepoRow.folded == name.lower()).limit(1)
    return session.scalar(found) is not None
