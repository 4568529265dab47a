"""The gate: others get a revision when it was examined and the policies let it pass, and not before.

Those who may commit to a repository see all of it. For everybody else, a branch or tag leads to its newest revision
that passed; where there is none, or a commit is named that did not pass, the answer says why.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from weighbridge.errors import ForbiddenError, HeldError, UnexaminedError, UsageError
from weighbridge.hub import naming, permissions
from weighbridge.hub._reading import ancestors, commit_row
from weighbridge.hub._rows import repo_id_of, repo_row
from weighbridge.hub.model import Caller, RepoId
from weighbridge.hub.sql import Database
from weighbridge.hub.sql.tables import CommitRow, RepoRow, ReportRow
from weighbridge.policy import Action

_FARTHEST: Final = 1000  # revisions that a branch is followed back
_PATIENCE: Final = 3.0  # seconds; clients give up after five or ten
_LOOK_EVERY: Final = 0.1
_MOST_WAITING: Final = 8  # requests; others are told to come again


@dataclass(frozen=True, slots=True)
class GateState:
    """What the policies decided on a commit: `action` is "" before they have. `decisions` are of `Decision.to_json`,
    `signature` is a `SignatureFact`'s fields."""

    commit: str
    action: str
    decisions: tuple[dict[str, str], ...] = ()
    released_by: str = ""
    released_because: str = ""
    signature: Mapping[str, str] = field(default_factory=dict)

    @property
    def passes(self) -> bool:
        return _passes(self.action, self.released_by)


class Gate:
    """Lets revisions pass. With `closed` False it lets all of them pass, examined or not."""

    def __init__(self, database: Database, *, closed: bool = True) -> None:
        self._database = database
        self.closed = closed
        self._waiting = threading.Semaphore(_MOST_WAITING)

    def visible(self, session: Session, caller: Caller, repo: RepoRow, revision: str) -> CommitRow:
        """The commit that the caller gets for a revision. Raises `RevisionNotFoundError`, `HeldError` and
        `UnexaminedError`."""
        commit = commit_row(session, repo.id, revision)
        if not self.closed or permissions.may_see_held(caller, repo_id_of(session, repo).owner):
            return commit
        reach = 1 if naming.is_oid(revision) else _FARTHEST
        for each in islice(ancestors(session, repo.id, commit.oid), reach):
            row = session.get(ReportRow, (repo.id, each.oid))
            if row is not None and _passes(row.ruling, row.released_by):
                return each
        raise _why(session.get(ReportRow, (repo.id, commit.oid)), commit.oid)

    def held_back(
        self, session: Session, caller: Caller, repo: RepoRow, revision: str
    ) -> tuple[CommitRow, HeldError | UnexaminedError] | None:
        """The newest revision and why the caller gets an older one instead; None where it is the newest."""
        newest = commit_row(session, repo.id, revision)
        if self.visible(session, caller, repo, revision).oid == newest.oid:
            return None
        return newest, _why(session.get(ReportRow, (repo.id, newest.oid)), newest.oid)

    def wait(self, caller: Caller, repo: RepoId, revision: str) -> None:
        """Give an examination that is under way some seconds, so that a download right after an upload succeeds."""
        if not self.closed or self._ready(caller, repo, revision) or not self._waiting.acquire(blocking=False):
            return
        try:
            until = time.monotonic() + _PATIENCE
            while time.monotonic() < until and not self._ready(caller, repo, revision):
                time.sleep(_LOOK_EVERY)
        finally:
            self._waiting.release()

    def state(self, caller: Caller, repo: RepoId, revision: str) -> GateState:
        """What the policies decided on a revision that the caller may see."""
        with self._database.reading() as session:
            row = repo_row(session, caller, repo)
            commit = self.visible(session, caller, row, revision)
            return _state(session.get(ReportRow, (row.id, commit.oid)), commit.oid)

    def stopped(self) -> tuple[tuple[RepoId, GateState], ...]:
        """Every revision that is held or refused, for those who run the hub."""
        actions = [each.value for each in Action if each.stops]
        query = select(ReportRow).where(ReportRow.ruling.in_(actions)).order_by(ReportRow.updated)
        with self._database.reading() as session:
            rows = list(session.scalars(query))
            return tuple(
                (repo_id_of(session, session.get_one(RepoRow, row.repo)), _state(row, row.commit)) for row in rows
            )

    def release(self, repo: RepoId, revision: str, by: str, because: str) -> GateState:
        """Let a held revision pass, for those who run the hub. Raises `ForbiddenError` for one that is refused."""
        if not by or not because:
            raise UsageError("say who releases it, and why")
        with self._database.writing() as session:
            found = _row_of(session, repo)
            commit = commit_row(session, found.id, revision)
            row = session.get_one(ReportRow, (found.id, commit.oid))
            if row.ruling == Action.REFUSE:
                hint = "Change the policy that refuses it, if that is what you mean."
                raise ForbiddenError(f"{repo} at {commit.oid[:12]} is refused, not held", hint=hint)
            if row.ruling != Action.HOLD:
                raise UsageError(f"{repo} at {commit.oid[:12]} is not held: {row.ruling or 'not judged yet'}")
            row.released_by, row.released_because = by, because
            return _state(row, commit.oid)

    def _ready(self, caller: Caller, repo: RepoId, revision: str) -> bool:
        with self._database.reading() as session:
            row = repo_row(session, caller, repo)
            try:
                found = self.visible(session, caller, row, revision)
                newest = commit_row(session, row.id, revision)
            except UnexaminedError:
                return False
            except HeldError:
                return True
            # An older revision may be served meanwhile, but the newest is what was asked for.
            state = session.get(ReportRow, (row.id, newest.oid))
            return found.oid == newest.oid or state is None or state.ruling != ""


def _row_of(session: Session, repo: RepoId) -> RepoRow:
    owner = Caller(user=repo.owner)  # the hub itself sees every repository, as its owner does
    return repo_row(session, owner, repo)


def _passes(action: str, released_by: str) -> bool:
    return action in (Action.ALLOW, Action.WARN) or (action == Action.HOLD and released_by != "")


def _state(row: ReportRow | None, commit: str) -> GateState:
    if row is None:
        return GateState(commit, "")
    decisions, signature = tuple(json.loads(row.decisions)), json.loads(row.signature)
    return GateState(commit, row.ruling, decisions, row.released_by, row.released_because, signature)


def _why(row: ReportRow | None, commit: str) -> HeldError | UnexaminedError:
    state = _state(row, commit)
    if state.action == "":
        return UnexaminedError(f"revision {commit[:12]} is being examined, and is served when it passed")
    told = next(iter(state.decisions), None)
    reason = f": {told['because'] or told['message']}" if told else ""
    what = "is refused by" if state.action == Action.REFUSE else "is held for review by"
    return HeldError(f"revision {commit[:12]} {what} the hub's policy{reason}")
