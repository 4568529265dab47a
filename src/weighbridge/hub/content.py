"""What repositories hold: commits made, revisions resolved, folders listed, files opened, histories read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from weighbridge.errors import EntryNotFoundError, ForbiddenError, RevisionNotFoundError, StaleParentError
from weighbridge.hub import _reading
from weighbridge.hub._last_commits import last_commits
from weighbridge.hub._revisions import Revisions
from weighbridge.hub._rows import MAIN, commit_of, repo_row, writable_row
from weighbridge.hub.arrivals import Arrivals
from weighbridge.hub.gate import Gate
from weighbridge.hub.model import Caller, Commit, Entry, Operation, RepoId
from weighbridge.hub.objects import HeldFile, Objects
from weighbridge.hub.sql import Database
from weighbridge.hub.sql.tables import CommitRow, RefRow, RepoRow

MOST_HISTORY = 1000


class Content:
    def __init__(
        self,
        database: Database,
        objects: Objects,
        revisions: Revisions,
        arrivals: Arrivals,
        gate: Gate,
        landed: Callable[[], None] = lambda: None,
    ) -> None:
        """`landed` is called after each new revision."""
        self._gate = gate
        self._arrivals = arrivals
        self._database = database
        self._objects = objects
        self._revisions = revisions
        self._landed = landed

    def commit(
        self,
        caller: Caller,
        repo: RepoId,
        branch: str,
        operations: Iterable[Operation],
        *,
        title: str,
        message: str = "",
        parent: str | None = None,
    ) -> Commit:
        """Apply operations, in order, on top of `branch`: all of them or none. They may come from a stream.

        Raises `StaleParentError` where `parent` was given and the branch has moved on from it; without a parent,
        commits made at once land one after the other. Raises `EntryNotFoundError` for a deletion of what is not there
        and `InvalidUploadError` for content that this repository was never given.
        """
        with self._database.reading() as session:
            _branch_row(session, writable_row(session, caller, repo), branch, lock=False)
        with self._arrivals.expect() as arrival:
            prepared = self._revisions.prepare(operations, arrival)
            with self._database.writing() as session:
                row = writable_row(session, caller, repo)
                at = _branch_row(session, row, branch)
                if parent and parent != at.target:
                    raise StaleParentError(f"{branch!r} is at {at.target} by now, not at {parent}")
                made = self._revisions.land(session, row, at, prepared, caller.user or "", title, message)
                arrival.settle(session)
        self._landed()
        return made

    def squash(self, caller: Caller, repo: RepoId, branch: str, title: str = "") -> Commit:
        """Replace the whole history of a branch by one commit of what it holds now."""
        with self._database.writing() as session:
            row = writable_row(session, caller, repo)
            at = _branch_row(session, row, branch)
            tree = session.get_one(CommitRow, (row.id, at.target)).tree
            title = title or f"Super-squash branch {branch!r}"
            made = self._revisions.write(session, row, at, tree, "", caller.user or "", title, "")
        self._landed()
        return made

    def resolve(self, caller: Caller, repo: RepoId, revision: str = MAIN, *, patient: bool = True) -> Commit:
        """The commit that the caller gets for a branch, a tag or a commit's id.

        Raises `RevisionNotFoundError`, and `HeldError` or `UnexaminedError` for what a policy keeps from the caller;
        if `patient`, an examination that is under way gets some seconds to end.
        """
        if patient:
            self._gate.wait(caller, repo, revision or MAIN)
        with self._database.reading() as session:
            return commit_of(self._commit(session, caller, repo, revision)[1])

    def entry(self, caller: Caller, repo: RepoId, revision: str, path: str) -> Entry:
        """The file or folder at `path`. Raises `EntryNotFoundError`."""
        self._gate.wait(caller, repo, revision or MAIN)
        found = self.entries(caller, repo, revision, [path])
        if not found:
            self.tell_held(caller, repo, revision, path)
            raise EntryNotFoundError(f"there is no {path[:200]!r} at {revision!r}")
        return found[0]

    def tell_held(self, caller: Caller, repo: RepoId, revision: str, path: str) -> None:
        """Raise why the caller does not get what lies at `path`, if it does in a newer revision that is kept back.

        Others are not told: who asks for what may be missing has to learn that it is.
        """
        with self._database.reading() as session:
            row = repo_row(session, caller, repo)
            held = self._gate.held_back(session, caller, row, revision or MAIN)
            if held and _reading.entry_at(session, row.id, held[0].tree, path.strip("/")):
                raise held[1]

    def entries(self, caller: Caller, repo: RepoId, revision: str, paths: Sequence[str]) -> tuple[Entry, ...]:
        """The files and folders at these paths, without those that are not there."""
        with self._database.reading() as session:
            row, commit = self._commit(session, caller, repo, revision)
            found = [_reading.entry_at(session, row.id, commit.tree, path.strip("/")) for path in paths]
        return tuple(entry for entry in found if entry is not None)

    def tree(
        self, caller: Caller, repo: RepoId, revision: str = MAIN, path: str = "", *, recursive: bool = False
    ) -> tuple[Entry, ...]:
        """What lies in a folder, by path; everything below it if `recursive`. Raises `EntryNotFoundError`."""
        with self._database.reading() as session:
            row, commit = self._commit(session, caller, repo, revision)
            folder = _reading.entry_at(session, row.id, commit.tree, path.strip("/"))
            if folder is None or folder.kind != "directory":
                raise EntryNotFoundError(f"there is no folder {path[:200]!r} at {revision!r}")
            return tuple(_reading.walk(session, row.id, folder, recursive))

    def with_last_commits(
        self, caller: Caller, repo: RepoId, revision: str, entries: Sequence[Entry]
    ) -> tuple[Entry, ...]:
        """The same entries, each with the commit that last changed it, where the newest thousand commits tell it."""
        with self._database.reading() as session:
            row, commit = self._commit(session, caller, repo, revision)
            last = last_commits(session, row.id, commit, entries)
        return tuple(replace(entry, last_commit=last.get(entry.path)) for entry in entries)

    def open_file(self, entry: Entry) -> HeldFile:
        """The bytes of an entry that one of the calls above gave. Raises `EntryNotFoundError` for a folder."""
        if entry.kind != "file":
            raise EntryNotFoundError(f"{entry.path!r} is a folder")
        return self._objects.open(entry.sha256, entry.path)

    def history(
        self, caller: Caller, repo: RepoId, revision: str = MAIN, *, limit: int = 50, skip: int = 0
    ) -> tuple[Commit, ...]:
        """The commit that `revision` names and those before it, the newest first."""
        limit = max(1, min(limit, MOST_HISTORY))
        with self._database.reading() as session:
            row, commit = self._commit(session, caller, repo, revision)
            rows = _reading.ancestry(session, row.id, commit.oid, limit + max(0, skip))
        return tuple(commit_of(found) for found in rows[max(0, skip) :])

    def _commit(self, session: Session, caller: Caller, repo: RepoId, revision: str) -> tuple[RepoRow, CommitRow]:
        row = repo_row(session, caller, repo)
        return row, self._gate.visible(session, caller, row, revision or MAIN)


def _branch_row(session: Session, repo: RepoRow, branch: str, *, lock: bool = True) -> RefRow:
    """The branch; locked where the database locks rows, so that of two commits the second sees the first."""
    row = session.get(RefRow, (repo.id, "branch", branch.removeprefix("refs/heads/")), with_for_update=lock)
    if row is None:
        if branch.startswith("refs/pr/"):
            raise ForbiddenError("this hub has no pull requests", hint="Commit to a branch.")
        raise RevisionNotFoundError(
            f"there is no branch {branch[:200]!r} to commit to", hint="Create the branch first."
        )
    return row
