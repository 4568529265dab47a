"""What is known of xorbs, their chunks and the files made of them, kept in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from weighbridge.hub.sql import Database
from weighbridge.hub.sql.tables import Base
from weighbridge.hub.sql.xet import FileRow, HolderRow, RealmRow, RunRow, XorbRow
from weighbridge.hub.xet.values import Run, XetFile

_ROWS_AT_ONCE = 500


class XetLedger:
    """Reads and writes these tables. Every method is one short transaction. Accounts are ids of `AccountRow`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_xorb(self, xorb: bytes, chunks: bytes, account: int) -> None:
        """Record a xorb's chunks, replacing what was known of how it is serialised, and that `account` sent it."""
        with self._database.writing() as session:
            session.merge(XorbRow(hash=xorb, chunks=chunks))
            session.flush()
            session.merge(HolderRow(xorb=xorb, account=account))

    def add_holder(self, xorb: bytes, account: int) -> None:
        with self._database.writing() as session:
            session.merge(HolderRow(xorb=xorb, account=account))

    def is_holder(self, xorb: bytes, account: int) -> bool:
        with self._database.reading() as session:
            return session.get(HolderRow, (xorb, account)) is not None

    def chunks(self, xorb: bytes) -> bytes | None:
        with self._database.reading() as session:
            return session.scalar(select(XorbRow.chunks).where(XorbRow.hash == xorb))

    def runs(self, xorb: bytes, first: int, last: int) -> list[Run]:
        """The runs that touch these chunks, by where they begin."""
        touching = select(RunRow).where(RunRow.xorb == xorb, RunRow.first < last, RunRow.last > first)
        with self._database.reading() as session:
            rows = session.scalars(touching.order_by(RunRow.first))
            return [Run(row.xorb, row.first, row.last, row.sha256, row.start) for row in rows]

    def file(self, digest: bytes) -> XetFile | None:
        with self._database.reading() as session:
            row = session.get(FileRow, digest)
            return XetFile(row.hash, row.sha256, row.size, row.spans) if row else None

    def add_file(self, file: XetFile, runs: Iterable[Run]) -> None:
        """Record a file that lies in the store, and where chunks lie in it; what is recorded already stays."""
        new = {"hash": file.hash, "sha256": file.sha256, "size": file.size, "spans": file.packed_spans}
        rows = [{"xorb": r.xorb, "first": r.first, "last": r.last, "sha256": r.sha256, "start": r.start} for r in runs]
        with self._database.writing() as session:
            _insert_new(session, FileRow, [new])
            for at in range(0, len(rows), _ROWS_AT_ONCE):
                _insert_new(session, RunRow, rows[at : at + _ROWS_AT_ONCE])

    def forget_file(self, sha256: str) -> None:
        """Forget that chunks lie in this stored file, which is gone."""
        with self._database.writing() as session:
            session.execute(delete(RunRow).where(RunRow.sha256 == sha256))
            session.execute(delete(FileRow).where(FileRow.sha256 == sha256))

    def forget_bare(self, xorbs: Sequence[bytes]) -> None:
        """Forget those of these xorbs of which no chunk lies in a stored file."""
        with self._database.writing() as session:
            for xorb in xorbs:
                bare = ~exists().where(RunRow.xorb == xorb)
                session.execute(delete(XorbRow).where(XorbRow.hash == xorb, bare))

    def epoch(self, account: int) -> int:
        with self._database.reading() as session:
            return session.scalar(select(RealmRow.epoch).where(RealmRow.account == account)) or 0

    def next_epoch(self, account: int) -> None:
        with self._database.writing() as session:
            leave_realm(session, account)


def leave_realm(session: Session, account: int) -> None:
    """Have an account's clients forget what they remember of this hub, from their next token on."""
    _insert_new(session, RealmRow, [{"account": account, "epoch": 0}])
    session.execute(update(RealmRow).where(RealmRow.account == account).values(epoch=RealmRow.epoch + 1))


def _insert_new(session: Session, table: type[Base], rows: list[dict[str, Any]]) -> None:
    """Insert the rows whose key is not there yet."""
    # Imported here: PostgreSQL's dialect costs a third of a second that a hub on SQLite need not pay.
    if session.get_bind().dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql as dialect
    else:
        from sqlalchemy.dialects import sqlite as dialect  # type: ignore[no-redef]
    session.execute(dialect.insert(table).on_conflict_do_nothing(), rows)
