"""Opens the database, brings it to the newest version, and gives sessions to read and to write in."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import Session

from weighbridge.errors import CorruptError, StorageFullError, StoreVersionError

NEWEST = "0005"  # the last file in migrations/versions
BUSY_SECONDS = 30
_WRITES = "weighbridge_writes"


class Database:
    """One SQLite file, or another database by its URL."""

    def __init__(self, url: str | URL, *, lock: Path) -> None:
        self.engine = _engine(url)
        self._writing = self.engine.execution_options(**{_WRITES: True})
        self._lock = lock
        self._migrate()

    @classmethod
    def in_file(cls, path: Path) -> Database:
        return cls(URL.create("sqlite", database=str(path)), lock=path.with_suffix(".lock"))

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one moment of the database."""
        with _told(self.engine), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose changes all land at the end, or none do. Writers wait for one another."""
        with _told(self.engine), Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        self.engine.dispose()

    def _migrate(self) -> None:
        if _version(self.engine) == NEWEST:
            return
        with _locked(self._lock):
            found = _version(self.engine)
            if found > NEWEST:
                raise StoreVersionError(
                    f"the hub's database has version {found}, this program knows {NEWEST} at most",
                    where=str(self.engine.url.database),
                )
            if found != NEWEST:
                _run_migrations(self.engine)


def _engine(url: str | URL) -> Engine:
    # One connection a thread of the server, and some for what runs in the background.
    engine = create_engine(url, pool_size=8, max_overflow=120)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    """Readers beside one writer (WAL), writers that wait, foreign keys that hold, commits that survive power cuts."""
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, not by the driver
    for pragma in (
        f"busy_timeout = {BUSY_SECONDS * 1000}",
        "journal_mode = WAL",
        "foreign_keys = ON",
        "synchronous = FULL",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails when another wrote in between: take the lock at once.
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _version(engine: Engine) -> str:
    """The version of the schema, "" for a new database."""
    with _told(engine), engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return ""
        return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


def _run_migrations(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    with _told(engine), engine.execution_options(**{_WRITES: True}).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Two processes that open a new hub at once must not both create its tables."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def _told(engine: Engine) -> Iterator[None]:
    """The driver's errors that a person can do something about, as ours."""
    where = str(engine.url.database)
    try:
        yield
    except OperationalError as error:
        if "disk is full" in str(error.orig):
            raise StorageFullError("no space is left for the hub's database", where=where) from error
        raise
    except DatabaseError as error:
        if "not a database" in str(error.orig) or "malformed" in str(error.orig):
            raise CorruptError(f"the hub's database is damaged: {error.orig}", where=where) from error
        raise
