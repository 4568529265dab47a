"""Finding rows for a caller, and turning them into the values that services return."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from weighbridge.errors import AccountNotFoundError
from weighbridge.hub import permissions
from weighbridge.hub.model import Account, Caller, Commit, Ref, Repo, RepoId, RepoKind
from weighbridge.hub.sql.tables import AccountRow, CommitRow, MovedRow, ObjectRow, RefRow, RepoRow, TagRow

MAIN = "main"


def now() -> datetime:
    return datetime.now(UTC)


def give(session: Session, repo: int, sha256: str, size: int) -> None:
    """Let a repository refer to content, from now on for a day at least even if no commit names it."""
    row = session.get(ObjectRow, (repo, sha256))
    if row is None:
        session.add(ObjectRow(repo=repo, sha256=sha256, size=size, added=now()))
        session.flush()
    else:
        row.added = now()


def account_row(session: Session, name: str) -> AccountRow:
    row = session.scalar(select(AccountRow).where(AccountRow.folded == name.lower()))
    if row is None:
        raise AccountNotFoundError(f"there is no user or organisation {name!r} here")
    return row


def repo_row(session: Session, caller: Caller, repo: RepoId) -> RepoRow:
    """The repository, also by a name it had before. Raises `RepoNotFoundError` for what the caller may not see."""
    row = _row_named(session, repo) or _row_moved(session, repo)
    if row is None:
        raise permissions.not_found(repo)
    if not permissions.may_read(caller, repo_id_of(session, row).owner, row.private):
        raise permissions.not_found(repo)
    return row


def writable_row(session: Session, caller: Caller, repo: RepoId) -> RepoRow:
    """The repository, for a caller who may commit to it."""
    row = repo_row(session, caller, repo)
    permissions.ensure_write(caller, repo_id_of(session, row))
    return row


def repo_id_of(session: Session, row: RepoRow) -> RepoId:
    owner = session.get_one(AccountRow, row.owner)
    return RepoId(kind_of(row), owner.name, row.name)


def kind_of(row: RepoRow) -> RepoKind:
    return row.kind  # type: ignore[return-value]  # only ever written from a RepoId


def repo_of(session: Session, row: RepoRow) -> Repo:
    head = session.get(RefRow, (row.id, "branch", MAIN))
    return Repo(
        id=repo_id_of(session, row),
        private=row.private,
        created=row.created,
        modified=row.modified,
        head=head.target if head else "",
        downloads=row.downloads,
        tags=tuple(session.scalars(select(TagRow.tag).where(TagRow.repo == row.id).order_by(TagRow.tag))),
        pipeline_tag=row.pipeline_tag,
        library_name=row.library_name,
    )


def account_of(row: AccountRow) -> Account:
    return Account(row.name, "user" if row.kind == "user" else "organisation", row.fullname, row.created)


def commit_of(row: CommitRow) -> Commit:
    parents = (row.parent,) if row.parent else ()
    return Commit(row.oid, row.tree, parents, row.author, row.date, row.title, row.message)


def ref_of(row: RefRow) -> Ref:
    return Ref("branch" if row.kind == "branch" else "tag", row.name, row.target)


def _row_named(session: Session, repo: RepoId) -> RepoRow | None:
    named = (
        select(RepoRow)
        .join(AccountRow, AccountRow.id == RepoRow.owner)
        .where(RepoRow.kind == repo.kind, AccountRow.folded == repo.owner.lower(), RepoRow.folded == repo.name.lower())
    )
    return session.scalar(named)


def _row_moved(session: Session, repo: RepoId) -> RepoRow | None:
    moved = session.get(MovedRow, (repo.kind, str(repo).lower()))
    return session.get(RepoRow, moved.repo) if moved else None
