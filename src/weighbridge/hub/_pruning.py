"""What a hub's tables need not keep: commits that no branch or tag leads to, and what only they named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from sqlalchemy import and_, delete, exists, insert, select
from sqlalchemy.orm import Session

from weighbridge.hub import git
from weighbridge.hub.sql.tables import (
    ArrivalRow,
    CommitRow,
    NodeRow,
    ObjectRow,
    RefRow,
    ReportRow,
    ReproductionRow,
    UnreachedRow,
)
from weighbridge.hub.sql.xet import FileRow, HolderRow, RunRow
from weighbridge.hub.xet.ledger import leave_realm

_ROWS_AT_ONCE = 500


def unreached(session: Session, repo: int) -> set[str]:
    """The commits of a repository that no branch or tag leads to."""
    every = select(CommitRow.oid, CommitRow.parent).where(CommitRow.repo == repo)
    parents = {oid: parent for oid, parent in session.execute(every)}  # noqa: C416
    reached: set[str] = set()
    for tip in session.scalars(select(RefRow.target).where(RefRow.repo == repo)):
        at = tip
        while at in parents and at not in reached:
            reached.add(at)
            at = parents[at]
    return parents.keys() - reached


def note_unreached(session: Session, repo: int, found: set[str], at: datetime) -> dict[str, datetime]:
    """Write down since when these commits are out of reach, and forget those that are back. The times, by commit."""
    rows = session.execute(select(UnreachedRow.commit, UnreachedRow.since).where(UnreachedRow.repo == repo))
    known = {commit: since for commit, since in rows}  # noqa: C416
    for some in _some(known.keys() - found):
        session.execute(delete(UnreachedRow).where(UnreachedRow.repo == repo, UnreachedRow.commit.in_(some)))
    new = [{"repo": repo, "commit": commit, "since": at} for commit in found - known.keys()]
    if new:
        session.execute(insert(UnreachedRow), new)
    return {commit: known.get(commit, at) for commit in found}


def drop_commits(session: Session, repo: int, commits: Iterable[str]) -> None:
    """Delete commits, their reports and reproductions, and the folders that are in no other commit."""
    for some in _some(commits):
        session.execute(delete(ReportRow).where(ReportRow.repo == repo, ReportRow.commit.in_(some)))
        session.execute(delete(ReproductionRow).where(ReproductionRow.repo == repo, ReproductionRow.commit.in_(some)))
        session.execute(delete(UnreachedRow).where(UnreachedRow.repo == repo, UnreachedRow.commit.in_(some)))
        session.execute(delete(CommitRow).where(CommitRow.repo == repo, CommitRow.oid.in_(some)))
    children: dict[str, list[str]] = {}
    folders = and_(NodeRow.repo == repo, NodeRow.kind == "directory")
    for tree, oid in session.execute(select(NodeRow.tree, NodeRow.oid).where(folders)):
        children.setdefault(tree, []).append(oid)
    kept: set[str] = set()
    waiting = list(session.scalars(select(CommitRow.tree).where(CommitRow.repo == repo)))
    while waiting:
        tree = waiting.pop()
        if tree not in kept:
            kept.add(tree)
            waiting += children.get(tree, ())
    known = set(session.scalars(select(NodeRow.tree).where(NodeRow.repo == repo).distinct()))
    for some in _some(known - kept - {git.EMPTY_TREE}):
        session.execute(delete(NodeRow).where(NodeRow.repo == repo, NodeRow.tree.in_(some)))


def take_back(session: Session, repo: int, before: datetime) -> None:
    """Take content from a repository that no commit of it names, and that was given before this moment."""
    used = exists().where(NodeRow.repo == ObjectRow.repo, NodeRow.sha256 == ObjectRow.sha256)
    session.execute(delete(ObjectRow).where(ObjectRow.repo == repo, ObjectRow.added < before, ~used))


def named(session: Session, names: Iterable[str]) -> set[str]:
    """Those of these contents that a row names or announces; where chunks were seen does not count."""
    found: set[str] = set()
    for some in _some(names):
        for column in (NodeRow.sha256, ObjectRow.sha256, ReportRow.sha256, ArrivalRow.sha256):
            found |= set(session.scalars(select(column).where(column.in_(some)).distinct()))
    return found


def forget_chunks(session: Session, names: Iterable[str]) -> None:
    """Forget that chunks lie in these contents, and which files they were.

    Clients of whoever sent those chunks are led to a new realm, where they remember nothing and send them again.
    """
    for some in _some(names):
        xorbs = select(RunRow.xorb).where(RunRow.sha256.in_(some))
        for account in session.scalars(select(HolderRow.account).where(HolderRow.xorb.in_(xorbs)).distinct()).all():
            leave_realm(session, account)
        session.execute(delete(RunRow).where(RunRow.sha256.in_(some)))
        session.execute(delete(FileRow).where(FileRow.sha256.in_(some)))


def _some(names: Iterable[str]) -> Iterator[list[str]]:
    every = sorted(names)
    for start in range(0, len(every), _ROWS_AT_ONCE):
        yield every[start : start + _ROWS_AT_ONCE]
