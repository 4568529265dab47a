"""How often repositories are fetched. Counted in memory and written now and then: a download must not wait for a lock.

A process that is killed loses the counts of a few seconds, and nothing else.
"""

from __future__ import annotations

import threading
import time
from collections import Counter

from weighbridge.errors import RepoNotFoundError
from weighbridge.hub._rows import repo_row
from weighbridge.hub.model import Caller, RepoId
from weighbridge.hub.sql import Database

WRITE_EVERY = 10.0  # seconds


class Downloads:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._counts: Counter[tuple[Caller, RepoId]] = Counter()
        self._lock = threading.Lock()
        self._written = time.monotonic()

    def count(self, caller: Caller, repo: RepoId) -> None:
        """One more download of a repository, by somebody who may read it."""
        with self._lock:
            self._counts[caller, repo] += 1
            due = time.monotonic() - self._written > WRITE_EVERY
        if due:
            self.write()

    def write(self) -> None:
        """Write what was counted since the last time."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
            self._written = time.monotonic()
        if counts:
            with self._database.writing() as session:
                for (caller, repo), number in counts.items():
                    try:
                        repo_row(session, caller, repo).downloads += number
                    except RepoNotFoundError:
                        continue  # deleted or hidden meanwhile
