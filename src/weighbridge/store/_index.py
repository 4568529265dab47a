"""Where each block lies and what each tensor resembles: a SQLite cache of pack footers and of manifests' sketches.

It is shared by the processes that use a store. Losing it loses nothing: a file that SQLite finds damaged is thrown
away and filled again from packs and manifests. Where it cannot be written, on a full or read-only disk, it goes on in
memory.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from weighbridge.errors import StoreError
from weighbridge.store._keys import is_digest
from weighbridge.store.codecs import MAX_BLOCK
from weighbridge.store.packs import REFERENCE_BYTES, Entry
from weighbridge.store.values import Location

SCHEMA_VERSION = 3
BUSY_SECONDS = 60

_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS packs (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS blocks (
  digest BLOB NOT NULL, pack INTEGER NOT NULL, start INTEGER NOT NULL, stored INTEGER NOT NULL, raw INTEGER NOT NULL,
  codec INTEGER NOT NULL, version INTEGER NOT NULL, refs BLOB NOT NULL, PRIMARY KEY (digest, pack)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_pack ON blocks (pack);
CREATE TABLE IF NOT EXISTS files (id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS sketches (
  length INTEGER NOT NULL, file INTEGER NOT NULL, lines BLOB NOT NULL, PRIMARY KEY (length, file)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_file ON sketches (file);
PRAGMA user_version = {SCHEMA_VERSION};
"""
# What SQLite's errors begin with where the file is not to blame; everything else is damage. A damaged file may also
# make it complain in what is not UTF-8.
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
_NO_ROOM = ("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_CANTOPEN")
_ERRORS = (sqlite3.DatabaseError, UnicodeError)
_FIND = "SELECT name, start, stored, raw, codec, version, refs FROM blocks JOIN packs ON id = pack WHERE digest = ?"
_ENTRIES = """
SELECT digest, name, start, stored, raw, codec, version, refs FROM blocks JOIN packs ON id = pack WHERE name = ?
"""
_SKETCHES = "SELECT sha256, lines FROM sketches JOIN files ON id = file WHERE length = ? ORDER BY file"


class BlockIndex:
    """Blocks by digest. Safe from several threads and processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._db = self._open()

    def find(self, digest: bytes) -> list[Location]:
        """Every place where the index believes this block to be."""
        rows = self._do(lambda db: db.execute(_FIND, (digest,)).fetchall())
        if all(_sane(row) for row in rows):
            return [_location(*row) for row in rows]
        self.clear()
        return []

    def packs(self) -> set[str]:
        """The packs that it has the entries of."""
        return {name for (name,) in self._do(lambda db: db.execute("SELECT name FROM packs").fetchall())}

    def entries(self, pack: str) -> set[tuple[bytes, Location]]:
        """What is noted of a pack."""
        rows = self._do(lambda db: db.execute(_ENTRIES, (pack,)).fetchall())
        return {(digest, _location(*place)) for digest, *place in rows if _sane(tuple(place))}

    def put_pack(self, pack: str, entries: Sequence[Entry]) -> None:
        """Note a pack with its entries, instead of what was noted of it before."""

        def change(db: sqlite3.Connection) -> None:
            _forget(db, pack)
            row = db.execute("INSERT INTO packs (name) VALUES (?)", (pack,)).lastrowid
            db.executemany(
                "INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [_row(entry, row) for entry in entries],
            )

        self._do(change, writes=True)

    def drop_pack(self, pack: str) -> None:
        self._do(lambda db: _forget(db, pack), writes=True)

    def files(self) -> set[str]:
        """The files whose sketches it has, by SHA-256; also those that have none."""
        return {sha256 for (sha256,) in self._do(lambda db: db.execute("SELECT sha256 FROM files").fetchall())}

    def sketches(self, row: int) -> list[tuple[str, bytes]]:
        """What `put_files` was given for this row length: files, and the sketches of their regions."""
        found = self._do(lambda db: db.execute(_SKETCHES, (_signed(row),)).fetchall())
        return [(sha256, lines) for sha256, lines in found if isinstance(lines, bytes) and isinstance(sha256, str)]

    def put_files(self, files: Mapping[str, Mapping[int, bytes]]) -> None:
        """Note files with their sketches by row length, instead of what was noted of them before."""

        def change(db: sqlite3.Connection) -> None:
            for sha256, sketches in files.items():
                _forget_file(db, sha256)
                file = db.execute("INSERT INTO files (sha256) VALUES (?)", (sha256,)).lastrowid
                lines = [(_signed(row), file, lines) for row, lines in sketches.items()]
                db.executemany("INSERT OR REPLACE INTO sketches VALUES (?, ?, ?)", lines)

        self._do(change, writes=True)

    def drop_files(self, files: Iterable[str]) -> None:
        def change(db: sqlite3.Connection) -> None:
            for sha256 in files:
                _forget_file(db, sha256)

        self._do(change, writes=True)

    def clear(self) -> None:
        """Start again with an empty index. Other processes that have it open go on with what they had."""
        with self._lock:
            self._db.close()
            _remove(self._path)
            self._db = self._open()

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _do(self, work: Callable[[sqlite3.Connection], Any], *, writes: bool = False) -> Any:
        with self._lock:
            try:
                return _run(self._db, work, writes)
            except _ERRORS as error:
                self._recover(error)
            return _run(self._db, work, writes)

    def _recover(self, error: Exception) -> None:
        """After this, the work may be tried again."""
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(_BUSY):
            raise StoreError(f"the block index cannot be used: {error}", where=str(self._path)) from error
        if name.startswith(_NO_ROOM):  # nor may a full disk keep anyone from reading: go on in memory
            held = _connect(":memory:")
            self._db.backup(held)
            self._db.close()
            self._db = held
        else:
            self.clear()

    def _open(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(exist_ok=True)
            return _connect(str(self._path))
        except OSError:
            return _connect(":memory:")
        except _ERRORS as error:
            if getattr(error, "sqlite_errorname", "").startswith(_BUSY + _NO_ROOM):
                return _connect(":memory:")
        _remove(self._path)
        return _connect(str(self._path))


def _connect(path: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version not in (0, SCHEMA_VERSION):
            raise sqlite3.DatabaseError(f"an index of version {version}")
        # NORMAL never fsyncs on commit in WAL mode: what a power cut takes is found again in the packs.
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.executescript(_SCHEMA)
    except _ERRORS:
        db.close()
        raise
    return db


def _run(db: sqlite3.Connection, work: Callable[[sqlite3.Connection], Any], writes: bool) -> Any:
    if not writes:
        return work(db)
    db.execute("BEGIN IMMEDIATE")  # takes the write lock at once, so that a second writer waits instead of failing
    try:
        result = work(db)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return result


def _forget(db: sqlite3.Connection, pack: str) -> None:
    db.execute("DELETE FROM blocks WHERE pack = (SELECT id FROM packs WHERE name = ?)", (pack,))
    db.execute("DELETE FROM packs WHERE name = ?", (pack,))


def _forget_file(db: sqlite3.Connection, sha256: str) -> None:
    db.execute("DELETE FROM sketches WHERE file = (SELECT id FROM files WHERE sha256 = ?)", (sha256,))
    db.execute("DELETE FROM files WHERE sha256 = ?", (sha256,))


def _signed(number: int) -> int:
    """The number as SQLite, which has no unsigned ones, can keep it."""
    return number - (1 << 64) if number >> 63 else number


def _row(entry: Entry, pack: int | None) -> tuple[bytes | int | None, ...]:
    at = entry.location
    refs = b"".join(at.references)
    return (entry.digest, pack, at.offset, at.stored, at.raw, at.codec, at.version, refs)


def _location(name: str, start: int, stored: int, raw: int, codec: int, version: int, refs: bytes) -> Location:
    references = tuple(refs[i : i + REFERENCE_BYTES] for i in range(0, len(refs), REFERENCE_BYTES))
    return Location(name, start, stored, raw, codec, version, references)


def _sane(row: tuple[Any, ...]) -> bool:
    """Whether a row can be what was written: SQLite gives back any type that a damaged file claims."""
    name, *numbers, refs = row
    whole = isinstance(refs, bytes) and len(refs) % REFERENCE_BYTES == 0
    if not whole or not isinstance(name, str) or not is_digest(name):
        return False
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        return False
    _, stored, raw, _, _ = numbers  # whoever reads the block makes room for as much
    return bool(0 < stored <= raw <= MAX_BLOCK)


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
