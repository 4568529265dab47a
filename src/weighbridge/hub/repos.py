"""Repositories: created, found, listed, moved, hidden and deleted."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from weighbridge.errors import ConflictError, UsageError
from weighbridge.hub import naming, permissions
from weighbridge.hub._revisions import Revisions
from weighbridge.hub._rows import account_row, now, repo_id_of, repo_of, repo_row
from weighbridge.hub.arrivals import Arrivals
from weighbridge.hub.model import AddFile, Caller, Repo, RepoId, RepoKind
from weighbridge.hub.sql import Database
from weighbridge.hub.sql.tables import AccountRow, MovedRow, ObjectRow, RepoRow, TagRow

Sort = Literal["modified", "created", "downloads"]
MOST_LISTED = 1000
# As on every hub that clients know: a repository has a first commit, which says what git-lfs would keep.
FIRST_FILE = ".gitattributes"
LFS_EXTENSIONS = (
    "7z", "arrow", "bin", "bz2", "ckpt", "ftz", "gguf", "gz", "h5", "joblib", "mlmodel", "model", "msgpack", "npy",
    "npz", "onnx", "ot", "parquet", "pb", "pickle", "pkl", "pt", "pth", "rar", "safetensors", "tar", "tflite", "tgz",
    "wasm", "xz", "zip", "zst",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Listing:
    """What to list. `tags` must all be among a repository's; `cursor` is where an earlier page ended."""

    kind: RepoKind = "model"
    search: str = ""
    author: str = ""
    tags: tuple[str, ...] = ()
    sort: Sort = "modified"
    limit: int = 50
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    repos: tuple[Repo, ...]
    next: str = field(default="")


class Repos:
    def __init__(self, database: Database, revisions: Revisions, arrivals: Arrivals) -> None:
        self._database = database
        self._arrivals = arrivals
        self._revisions = revisions

    def create(self, caller: Caller, repo: RepoId, *, private: bool = False) -> Repo:
        """A new repository with a first commit. Raises `ConflictError` where one of that name, in any case, exists."""
        naming.repo_id(repo)
        permissions.ensure_create(caller, repo.owner)
        content = "".join(f"*.{ending} filter=lfs diff=lfs merge=lfs -text\n" for ending in LFS_EXTENSIONS)
        with self._arrivals.expect() as arrival:
            first = self._revisions.prepare([AddFile(FIRST_FILE, content.encode())], arrival)
            try:
                with self._database.writing() as session:
                    row = _new_row(session, repo, private)
                    self._revisions.begin(session, row, caller.user or "", first, "initial commit")
                    arrival.settle(session)
                    return repo_of(session, row)
            except IntegrityError:
                raise _taken(repo) from None

    def get(self, caller: Caller, repo: RepoId) -> Repo:
        """The repository, also by a name it had before. Raises `RepoNotFoundError`."""
        with self._database.reading() as session:
            return repo_of(session, repo_row(session, caller, repo))

    def may_write(self, caller: Caller, repo: RepoId) -> bool:
        """Whether the caller may commit to it. Raises `RepoNotFoundError`."""
        return permissions.may_write(caller, self.get(caller, repo).id.owner)

    def ensure_write(self, caller: Caller, repo: RepoId) -> Repo:
        """The repository, for a caller who may commit to it; raises what the caller should be told otherwise."""
        found = self.get(caller, repo)
        permissions.ensure_write(caller, found.id)
        return found

    def list(self, caller: Caller, listing: Listing = Listing()) -> Page:
        """The repositories that the caller may see, the newest (or most downloaded) first."""
        limit = max(1, min(listing.limit, MOST_LISTED))
        column = {"modified": RepoRow.modified, "created": RepoRow.created, "downloads": RepoRow.downloads}.get(
            listing.sort
        )
        if column is None:
            raise UsageError(f"cannot sort by {listing.sort!r}; sort by one of {', '.join(get_args(Sort))}")
        query = (
            select(RepoRow)
            .join(AccountRow, AccountRow.id == RepoRow.owner)
            .where(RepoRow.kind == listing.kind, _visible(caller), _matching(listing), _after(column, listing.cursor))
            .order_by(column.desc(), RepoRow.id.desc())
            .limit(limit + 1)
        )
        with self._database.reading() as session:
            rows = list(session.scalars(query))
            repos = tuple(repo_of(session, row) for row in rows[:limit])
        more = rows[limit - 1] if len(rows) > limit else None
        return Page(repos, _cursor(getattr(more, column.key), more.id) if more else "")

    def update(self, caller: Caller, repo: RepoId, *, private: bool) -> Repo:
        with self._database.writing() as session:
            row = self._administered(session, caller, repo)
            row.private = private
            return repo_of(session, row)

    def delete(self, caller: Caller, repo: RepoId) -> None:
        """Remove the repository and its history. Content that nothing else uses waits for a collection."""
        with self._database.writing() as session:
            row = self._administered(session, caller, repo)
            session.execute(delete(RepoRow).where(RepoRow.id == row.id))

    def move(self, caller: Caller, source: RepoId, target: RepoId) -> Repo:
        """Rename a repository, or give it to another owner. Its old name keeps finding it until it is used again."""
        naming.repo_id(target)
        if source.kind != target.kind:
            raise UsageError(f"a {source.kind} cannot become a {target.kind}")
        permissions.ensure_create(caller, target.owner)
        try:
            with self._database.writing() as session:
                row = self._administered(session, caller, source)
                old = repo_id_of(session, row)
                row.owner, row.name, row.folded = (
                    account_row(session, target.owner).id,
                    target.name,
                    target.name.lower(),
                )
                session.flush()
                session.merge(MovedRow(kind=old.kind, folded=str(old).lower(), repo=row.id))
                return repo_of(session, row)
        except IntegrityError:
            raise _taken(target) from None

    def used_bytes(self, caller: Caller, repo: RepoId) -> int:
        """The size of everything that the repository holds in any revision, each content once."""
        with self._database.reading() as session:
            row = repo_row(session, caller, repo)
            total = session.scalar(select(func.sum(ObjectRow.size)).where(ObjectRow.repo == row.id))
        return int(total or 0)

    def _administered(self, session: Session, caller: Caller, repo: RepoId) -> RepoRow:
        row = repo_row(session, caller, repo)
        permissions.ensure_administer(caller, repo_id_of(session, row))
        return row


def _new_row(session: Session, repo: RepoId, private: bool) -> RepoRow:
    at = now()
    row = RepoRow(
        kind=repo.kind, owner=account_row(session, repo.owner).id, name=repo.name, folded=repo.name.lower(),
        private=private, created=at, modified=at, downloads=0, pipeline_tag="", library_name="",
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def _taken(repo: RepoId) -> ConflictError:
    return ConflictError(
        f"You already created this {repo.kind} repo: {repo}, or one whose name differs by case alone",
        hint="Choose another name.",
    )


def _visible(caller: Caller) -> ColumnElement[bool]:
    if caller.user is None:
        return RepoRow.private.is_(False)
    mine = [caller.user.lower(), *(name.lower() for name, _ in caller.organisations)]
    return or_(RepoRow.private.is_(False), AccountRow.folded.in_(mine))


def _matching(listing: Listing) -> ColumnElement[bool]:
    wanted: list[ColumnElement[bool]] = [true()]
    if listing.author:
        wanted.append(AccountRow.folded == listing.author.lower())
    if listing.search:
        named = AccountRow.folded + "/" + RepoRow.folded
        wanted += [named.contains(word, autoescape=True) for word in listing.search.lower().split()[:10]]
    for tag in listing.tags[:20]:
        wanted.append(RepoRow.id.in_(select(TagRow.repo).where(TagRow.tag == tag)))
    return and_(*wanted)


def _after(column: Any, cursor: str) -> ColumnElement[bool]:
    if not cursor:
        return true()
    try:
        value, _, number = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        at: Any = int(value) if column.key == "downloads" else datetime.fromtimestamp(int(value) / 1e6, UTC)
        return or_(column < at, and_(column == at, RepoRow.id < int(number)))
    except (ValueError, OverflowError, OSError, binascii.Error):
        raise UsageError(f"{cursor[:80]!r} is no cursor of this list") from None


def _cursor(value: int | datetime, number: int) -> str:
    plain = value if isinstance(value, int) else round(value.timestamp() * 1e6)
    return base64.urlsafe_b64encode(f"{plain} {number}".encode()).decode()
