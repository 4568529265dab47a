"""What the checks say of a revision, kept beside it.

A commit leaves a row that says "pending". One thread takes such rows, the oldest first, and has each revision examined
by a process of its own (`_examine`), so that neither a hostile file nor a large one slows or harms the hub; then the
policies rule on it. The rows outlive the hub's process: what was pending or under way is taken up again at the next
start, what other rules examined is examined anew, and what other policies ruled on is ruled on again. Until then
the old ruling holds.
"""

from __future__ import annotations

import hashlib
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from weighbridge.checks.edition import edition
from weighbridge.errors import WeighbridgeError
from weighbridge.hub._reading import ROOT, walk
from weighbridge.hub._rows import MAIN, now, repo_id_of, repo_row
from weighbridge.hub.arrivals import Arrival, Arrivals
from weighbridge.hub.gate import Gate
from weighbridge.hub.model import Caller, Entry, RepoId
from weighbridge.hub.objects import Objects
from weighbridge.hub.rulings import Judgement, Rulings
from weighbridge.hub.sql import Database
from weighbridge.hub.sql.tables import CommitRow, RepoRow, ReportRow
from weighbridge.report import Report, from_json

log = logging.getLogger("weighbridge.hub")

LONGEST_EXAMINATION = 3600.0  # seconds
LARGEST_REPORT = 256 * 1024 * 1024
# Commits made by this process wake the thread; those of other processes are found by looking.
LOOK_EVERY = 15.0
_NOT_EXAMINED = (".gitattributes", ".gitignore")


class ReportStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    NOTHING = "nothing"  # the revision holds no weights, and nothing that speaks against its files


@dataclass(frozen=True, slots=True)
class ReportState:
    """How far the report on a commit is. `reason` says why it failed."""

    commit: str
    status: ReportStatus
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Claim:
    """A revision that this process is to examine."""

    repo: int
    commit: str
    id: RepoId
    files: list[Entry]


class Reports:
    def __init__(
        self, database: Database, objects: Objects, arrivals: Arrivals, data: Path, gate: Gate, rulings: Rulings
    ) -> None:
        self._database = database
        self._gate = gate
        self._rulings = rulings
        self._ruled_by = ""  # the policies that all revisions were last seen to be ruled by
        self._arrivals = arrivals
        self._objects = objects
        self._data = data
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._child: subprocess.Popen[bytes] | None = None

    def state(self, caller: Caller, repo: RepoId, revision: str = MAIN) -> ReportState:
        """How far the report on a revision is."""
        row = self._row(caller, repo, revision)
        return ReportState(row.commit, ReportStatus(row.status), row.reason)

    def get(self, caller: Caller, repo: RepoId, revision: str = MAIN) -> Report | None:
        """The report on a revision, None while there is none."""
        text = self.json(caller, repo, revision)
        return None if text is None else from_json(text)

    def json(self, caller: Caller, repo: RepoId, revision: str = MAIN) -> str | None:
        """The report as it is kept: JSON by spec/report.schema.json."""
        row = self._row(caller, repo, revision)
        if row.status != ReportStatus.READY:
            return None
        source = self._objects.open(row.sha256, "report.json")
        return source.read_at(0, source.size).decode()

    def wake(self) -> None:
        """Tell the thread that there is a new revision."""
        self._wake.set()

    def start(self) -> None:
        """Begin examining revisions, first those that an earlier process left."""
        self.renew()
        self._thread = threading.Thread(target=self._work, name="reports", daemon=True)
        self._thread.start()

    def renew(self) -> None:
        """Let what was broken off, and what something older examined, be examined anew. Rulings hold meanwhile."""
        with self._database.writing() as session:
            left = or_(ReportRow.status == ReportStatus.RUNNING, ReportRow.examined_by != edition())
            session.execute(update(ReportRow).where(left).values(status=ReportStatus.PENDING.value))

    def close(self) -> None:
        """Stop. The examination under way is broken off and begins anew at the next start."""
        self._stopping.set()
        self._wake.set()
        child = self._child
        if child is not None:
            child.kill()
        if self._thread is not None:
            self._thread.join()

    def examine_next(self) -> bool:
        """Examine the oldest revision that waits; False where none does."""
        claimed = self._claim()
        if claimed is None:
            return False
        status, sha256, reason = ReportStatus.NOTHING, "", ""
        with self._arrivals.expect() as arrival:
            if any(not entry.path.endswith(_NOT_EXAMINED) for entry in claimed.files):
                status, sha256, reason = self._examine(claimed.id, claimed.files, arrival)
            if self._stopping.is_set() and status is ReportStatus.FAILED:
                return False  # broken off: the row stays "running", which a start turns into "pending"
            judged = self._rulings.judge(claimed.id, claimed.files, self._read(sha256), reason)
            with self._database.writing() as session:
                row = session.get(ReportRow, (claimed.repo, claimed.commit))  # None: it was deleted meanwhile
                if row is not None:
                    row.status, row.sha256, row.reason, row.updated = status.value, sha256, reason, now()
                    row.examined_by = edition()
                    _rule(row, judged)
                    arrival.settle(session)
        return True

    def rule_next(self) -> bool:
        """Rule again on one revision that other policies ruled on; False where there is none."""
        policies = self._rulings.of_all()
        if policies == self._ruled_by:
            return False
        for repo, current in self._repos():
            stale = select(ReportRow).where(
                ReportRow.repo == repo,
                ReportRow.ruled_by != current,
                ReportRow.status.in_((ReportStatus.READY, ReportStatus.FAILED, ReportStatus.NOTHING)),
            )
            with self._database.reading() as session:
                row = session.scalar(stale.limit(1))
                files = _files(session, row) if row else []
                named = repo_id_of(session, session.get_one(RepoRow, repo)) if row else None
            if row is not None and named is not None:
                failure = row.reason if row.status == ReportStatus.FAILED else ""
                judged = self._rulings.judge(named, files, self._read(row.sha256), failure)
                with self._database.writing() as session:
                    kept = session.get(ReportRow, (row.repo, row.commit))
                    if kept is not None:
                        _rule(kept, judged)
                return True
        self._ruled_by = policies
        return False

    def _repos(self) -> Iterator[tuple[int, str]]:
        """Every repository with the digest of its policies."""
        with self._database.reading() as session:
            rows = [(row.id, repo_id_of(session, row)) for row in session.scalars(select(RepoRow))]
        for number, repo in rows:
            yield number, self._rulings.current(repo)

    def _read(self, sha256: str) -> Report | None:
        if not sha256:
            return None
        source = self._objects.open(sha256, "report.json")
        return from_json(source.read_at(0, source.size))

    def _row(self, caller: Caller, repo: RepoId, revision: str) -> ReportRow:
        with self._database.reading() as session:
            row = repo_row(session, caller, repo)
            commit = self._gate.visible(session, caller, row, revision or MAIN)
            return session.get_one(ReportRow, (row.id, commit.oid))

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                while not self._stopping.is_set() and (self.examine_next() or self.rule_next()):
                    pass
            except Exception:  # the thread must outlive what it cannot do; it looks again later
                log.exception("cannot examine a revision")
            self._wake.wait(LOOK_EVERY)

    def _claim(self) -> _Claim | None:
        with self._database.writing() as session:
            waiting = select(ReportRow).where(ReportRow.status == ReportStatus.PENDING).order_by(ReportRow.updated)
            row = session.scalar(waiting.limit(1))
            if row is None:
                return None
            row.status = ReportStatus.RUNNING.value
            id_ = repo_id_of(session, session.get_one(RepoRow, row.repo))
            return _Claim(row.repo, row.commit, id_, _files(session, row))

    def _examine(self, repo: RepoId, entries: list[Entry], arrival: Arrival) -> tuple[ReportStatus, str, str]:
        """Have a process of its own examine these files. Returns status, the report's sha256, reason."""
        lines = "".join(f"{entry.sha256} {entry.path}\n" for entry in entries)
        command = [sys.executable, "-m", "weighbridge.hub._examine", str(self._data), str(repo)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:  # noqa: S603
            self._child = child
            try:
                output, errors = child.communicate(lines.encode(), timeout=LONGEST_EXAMINATION)
            except subprocess.TimeoutExpired:
                child.kill()
                return ReportStatus.FAILED, "", f"the checks took longer than {LONGEST_EXAMINATION:,.0f} seconds"
            finally:
                self._child = None
        if child.returncode != 0:
            said = errors.decode(errors="replace").strip().splitlines()
            return ReportStatus.FAILED, "", (said[-1] if said else f"the checks ended with {child.returncode}")[:2000]
        return self._keep(output, arrival)

    def _keep(self, output: bytes, arrival: Arrival) -> tuple[ReportStatus, str, str]:
        if not output:
            return ReportStatus.NOTHING, "", ""
        if len(output) > LARGEST_REPORT:
            return ReportStatus.FAILED, "", f"the report has {len(output):,} bytes, more than any honest one"
        sha256 = hashlib.sha256(output).hexdigest()
        arrival.announce([sha256])
        try:
            self._objects.put({sha256: output})
        except WeighbridgeError as error:
            return ReportStatus.FAILED, "", str(error)
        return ReportStatus.READY, sha256, ""


def _files(session: Session, row: ReportRow) -> list[Entry]:
    commit = session.get_one(CommitRow, (row.repo, row.commit))
    root = Entry(ROOT.path, ROOT.kind, commit.tree)
    return [entry for entry in walk(session, row.repo, root, recursive=True) if entry.kind == "file"]


def _rule(row: ReportRow, judged: Judgement) -> None:
    """Keep what was decided. A release was of what was held before: another decision needs another release."""
    if row.ruling and (row.ruling, row.decisions) != (judged.action, judged.decisions):
        row.released_by = row.released_because = ""
    row.ruling, row.decisions, row.signature = judged.action, judged.decisions, judged.signature
    row.ruled_by = judged.ruled_by
