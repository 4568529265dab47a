"""Collection of what no revision names any more, while the hub serves (docs/design/0018-a-hub-collects.md).

Three steps, each of which an interruption leaves sound, and the next run goes on:

1. tables: commits out of reach for longer than the grace period go, and folders, reports and grants that only they had;
2. files: those that no row names or announces are removed from the store, each inside a transaction that writes, so
   that nobody can begin to name it at the same time;
3. blocks: the store's own collection.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from weighbridge.errors import StoreError, UsageError
from weighbridge.hub import _pruning
from weighbridge.hub._rows import now
from weighbridge.hub.arrivals import KEPT, expire
from weighbridge.hub.sql import Database
from weighbridge.hub.sql.tables import IdentityRow, RepoRow
from weighbridge.store import Collected, GcOptions, Stages, Store, claim_name, no_stages

DAY = 24 * 3600.0
# Who else wants to write waits so long at most, and then has his turn before we take ours again.
_LONGEST_TURN = 0.25
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class HubGcOptions:
    """`grace`: seconds for which a commit stays that nothing leads to, and a file and a pack that nobody needs."""

    grace: float = DAY
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class HubCollected:
    """What a collection found and did, or would do if `dry_run`.

    `commits` went; `waiting` ones will, if nothing leads to them when their grace is over. `files` left the store,
    `file_bytes` as they are unpacked; `store` says what that freed there.
    """

    commits: int
    waiting: int
    files: int
    file_bytes: int
    store: Collected
    dry_run: bool


class HubCollector:
    """One run of collection."""

    def __init__(
        self, database: Database, store: Store, options: HubGcOptions, stages: Stages = no_stages, where: str = ""
    ) -> None:
        self._database = database
        self._store = store
        self._options = options
        self._stages = stages
        self._where = where
        self._now = now()
        self._freed = 0

    def run(self) -> HubCollected:
        """Collect. Raises `UsageError` where another hub, too, keeps its files in this store."""
        if not self._options.dry_run:
            claim(self._database, self._store, self._where)
        ensure_alone(self._database, self._store)
        if self._options.dry_run:
            (commits, waiting), files = self._foresee()
        else:
            (commits, waiting), files = self._prune(), list(self._remove())
        options = GcOptions(self._options.grace, dry_run=self._options.dry_run, without=frozenset(files))
        sizes = self._sizes(files) if self._options.dry_run else self._freed
        collected = self._store.gc(options, stages=self._stages)
        return HubCollected(commits, waiting, len(files), sizes, collected, self._options.dry_run)

    def _foresee(self) -> tuple[tuple[int, int], list[str]]:
        """Steps 1 and 2 in one transaction that is undone, removing nothing."""
        found = (0, 0), list[str]()
        with suppress(_UndoneError), self._database.writing() as session:
            counts = [self._prune_one(session, repo) for repo in _repos(session)]
            expire(session, self._ago(self._kept))
            candidates = self._candidates()
            free = set(candidates) - _pruning.named(session, candidates)
            found = (sum(gone for gone, _ in counts), sum(left for _, left in counts)), sorted(free)
            raise _UndoneError
        return found

    def _prune(self) -> tuple[int, int]:
        """Step 1. How many commits went, and how many wait."""
        with self._database.reading() as session:
            repos = _repos(session)
        progress = self._stages("looking for commits out of reach", len(repos))
        commits = waiting = 0
        for repo in repos:
            with self._turn() as session:
                gone, left = self._prune_one(session, repo)
            commits, waiting = commits + gone, waiting + left
            progress(1)
        with self._turn() as session:
            expire(session, self._ago(self._kept))
        return commits, waiting

    def _prune_one(self, session: Session, repo: int) -> tuple[int, int]:
        if session.get(RepoRow, repo) is None:  # deleted meanwhile
            return 0, 0
        since = _pruning.note_unreached(session, repo, _pruning.unreached(session, repo), self._now)
        before = self._ago(timedelta(seconds=self._options.grace))
        ripe = [commit for commit, at in since.items() if at <= before]
        if ripe:
            _pruning.drop_commits(session, repo, ripe)
        _pruning.take_back(session, repo, self._ago(self._kept))
        return len(ripe), len(since) - len(ripe)

    def _remove(self) -> Iterator[str]:
        """Step 2. Gives the SHA-256 of each file when it has left the store."""
        candidates = self._candidates()
        progress = self._stages("removing files", len(candidates))
        for start in range(0, len(candidates), _AT_ONCE):
            some = candidates[start : start + _AT_ONCE]
            with self._turn() as session:  # before the files go, so that nobody is told of chunks that are nowhere
                free = sorted(set(some) - _pruning.named(session, some))
                _pruning.forget_chunks(session, free)
            while free:
                with self._turn() as session:
                    gone = self._remove_some(session, free)
                yield from gone
            progress(len(some))

    def _remove_some(self, session: Session, free: list[str]) -> list[str]:
        """Take files from the list for as long as a turn lasts, and remove those that still nobody names."""
        gone: list[str] = []
        named, end = _pruning.named(session, free), time.monotonic() + _LONGEST_TURN
        while free and (not gone or time.monotonic() < end):
            sha256 = free.pop()
            if sha256 not in named:
                nbytes = self._sizes([sha256])
                if self._store.remove_file(sha256):
                    self._freed += nbytes
                    gone.append(sha256)
        return gone

    def _candidates(self) -> list[str]:
        """The files of the store that are not new, and that nobody gave a name by hand."""
        before = self._ago(timedelta(seconds=self._options.grace)).timestamp()
        bound = set(self._store.names(tell=lambda _error: None).values())
        return sorted(sha256 for sha256, at in self._store.files() if at <= before and sha256 not in bound)

    def _sizes(self, files: list[str]) -> int:
        """The size of these files, the unreadable and the missing left out."""
        total = 0
        for sha256 in files:
            with suppress(StoreError):
                total += self._store.manifest(sha256).size
        return total

    @property
    def _kept(self) -> timedelta:
        """For how long what was given to a repository, or announced, is there for a commit to come."""
        return max(KEPT, timedelta(seconds=self._options.grace))

    def _ago(self, span: timedelta) -> datetime:
        return self._now - span

    @contextmanager
    def _turn(self) -> Iterator[Session]:
        """A transaction that writes, and then a pause for others who want to."""
        with self._database.writing() as session:
            begun = time.monotonic()
            yield session
        time.sleep(min(time.monotonic() - begun, _LONGEST_TURN))


class _UndoneError(Exception):
    """Ends a transaction that was only to see what would be."""


def ensure_alone(database: Database, store: Store) -> None:
    """Raise `UsageError` where another hub has claimed the store, too."""
    with database.reading() as session:
        others = store.claimants() - {session.scalars(select(IdentityRow.id)).one()}
    if others:
        raise UsageError(
            f"other hubs name files of this store, too ({', '.join(sorted(others))}): nobody knows all that they name",
            hint=f"If they are gone, remove what they claimed: weigh store rm {claim_name(min(others))} --store ...",
        )


def claim(database: Database, store: Store, where: str) -> None:
    """Tell who looks at the store that this hub names files of it."""
    with database.reading() as session:
        identity = session.scalars(select(IdentityRow.id)).one()
    store.claim(identity, f"The Weighbridge hub in {where} names files of this store. Collect them by: weigh hub gc\n")


def _repos(session: Session) -> list[int]:
    return list(session.scalars(select(RepoRow.id)))
