"""What Xet asks of the rest of the hub: who may do what, and which repository has what."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from weighbridge.errors import UnauthenticatedError
from weighbridge.hub._rows import give, repo_row, writable_row
from weighbridge.hub.arrivals import Arrival
from weighbridge.hub.model import Caller, RepoId, Role
from weighbridge.hub.sql import Database
from weighbridge.hub.sql.tables import AccountRow, MemberRow, NodeRow
from weighbridge.hub.xet.values import Scope, XetFile


class Gate:
    """Permissions, asked again at each step: a Xet token lives for minutes, and a permission may end sooner."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def admit(self, caller: Caller, repo: RepoId, *, write: bool) -> None:
        """Raise what the hub raises unless the caller may read this repository, or write to it."""
        with self._database.reading() as session:
            (writable_row if write else repo_row)(session, caller, repo)

    def account(self, user: str) -> int:
        """The id of a user's account, 0 for anonymous. Raises `UnauthenticatedError` for one that is gone."""
        if not user:
            return 0
        with self._database.reading() as session:
            return _account_row(session, user).id

    def grant(self, scope: Scope, files: Iterable[XetFile], arrival: Arrival) -> None:
        """Let the scope's repository refer to these stored files, all or none of them, which `arrival` announced."""
        with self._database.writing() as session:
            repo = writable_row(session, _caller(session, scope.user), scope.repo).id
            for file in files:
                give(session, repo, file.sha256, file.size)
            arrival.settle(session)

    def has(self, scope: Scope, sha256: str) -> bool:
        """Whether a revision of the scope's repository has that file."""
        with self._database.reading() as session:
            repo = repo_row(session, _caller(session, scope.user), scope.repo).id
            return bool(session.scalar(select(exists().where(NodeRow.repo == repo, NodeRow.sha256 == sha256))))


def _caller(session: Session, user: str) -> Caller:
    """Who holds a Xet token. It was given to a token of the right role; the user's parts are looked up anew."""
    if not user:
        return Caller()
    account = _account_row(session, user)
    parts = session.execute(
        select(AccountRow.name, MemberRow.role)
        .join(MemberRow, MemberRow.organisation == AccountRow.id)
        .where(MemberRow.user == account.id)
    )
    return Caller(account.name, Role.WRITE, "xet", tuple((name, Role(role)) for name, role in parts))


def _account_row(session: Session, user: str) -> AccountRow:
    row = session.scalar(select(AccountRow).where(AccountRow.name == user))
    if row is None:
        raise UnauthenticatedError(f"there is no user {user!r} here any more")
    return row
