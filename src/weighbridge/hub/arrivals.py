"""Content on its way in: told to collections before anybody relies on it (docs/design/0018-a-hub-collects.md).

Between the moment when content is found in the store and the moment when a row names it, nothing says that it is
needed. So whoever brings content announces its sha256 first, then looks whether the store has it. A collection removes
a file only inside a transaction that writes, and only if nothing names or announces it: so either it sees the
announcement, or it was done before, and then the store is seen not to have the file, and gets it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from weighbridge.errors import InvalidUploadError
from weighbridge.hub._rows import now
from weighbridge.hub.sql import Database
from weighbridge.hub.sql.tables import ArrivalRow

KEPT = timedelta(days=1)
"""How long an announcement counts: its writer may have died."""

_ROWS_AT_ONCE = 500


class Arrival:
    """The announcements of one upload or commit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows: list[int] = []

    def announce(self, names: Iterable[str]) -> None:
        """Keep collections from content with these sha256. Look for it in the store only after this."""
        rows = [{"sha256": sha256, "since": now()} for sha256 in names]
        if rows:
            with self._database.writing() as session:
                added = session.scalars(insert(ArrivalRow).returning(ArrivalRow.id), rows)
                self._rows += added

    def settle(self, session: Session) -> None:
        """End the announcements in the transaction that names the content. Raises `InvalidUploadError` if too late."""
        if _withdraw(session, self._rows) < len(self._rows):
            raise InvalidUploadError("the upload took so long that its content was cleared away", hint="Try again.")
        self._rows = []

    def withdraw(self) -> None:
        """End what was not settled: nothing will name the content."""
        if self._rows:
            with self._database.writing() as session:
                _withdraw(session, self._rows)
            self._rows = []


class Arrivals:
    """Gives out `Arrival`s."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def expect(self) -> Iterator[Arrival]:
        """An arrival, withdrawn at the end unless it was settled."""
        arrival = Arrival(self._database)
        try:
            yield arrival
        finally:
            arrival.withdraw()


def expire(session: Session, before: datetime) -> None:
    """Clear announcements whose writers must have died."""
    session.execute(delete(ArrivalRow).where(ArrivalRow.since < before))


def _withdraw(session: Session, rows: list[int]) -> int:
    deleted = 0
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        chosen = ArrivalRow.id.in_(rows[start : start + _ROWS_AT_ONCE])
        deleted += session.execute(delete(ArrivalRow).where(chosen)).rowcount  # type: ignore[attr-defined]
    return deleted
