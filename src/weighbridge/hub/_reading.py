"""Reading revisions inside a session: names to commits, paths to entries, histories."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import literal, select
from sqlalchemy.orm import Session, aliased

from weighbridge.errors import RevisionNotFoundError
from weighbridge.hub import git, naming
from weighbridge.hub.git import Node
from weighbridge.hub.model import Entry
from weighbridge.hub.sql.tables import CommitRow, NodeRow, RefRow

ROOT = Entry("", "directory", git.EMPTY_TREE)
_FOLDERS_AT_ONCE = 500
_PREFIXES = {"refs/heads/": "branch", "refs/tags/": "tag"}


def commit_row(session: Session, repo: int, revision: str) -> CommitRow:
    """What a branch, a tag (in this order) or a commit's id names. Raises `RevisionNotFoundError`."""
    oid = _ref_target(session, repo, revision) or (revision if naming.is_oid(revision) else None)
    row = session.get(CommitRow, (repo, oid)) if oid else None
    if row is None:
        raise RevisionNotFoundError(f"there is no branch, tag or commit {revision[:200]!r} in this repository")
    return row


def _ref_target(session: Session, repo: int, revision: str) -> str | None:
    for prefix, kind in _PREFIXES.items():
        if revision.startswith(prefix):
            row = session.get(RefRow, (repo, kind, revision.removeprefix(prefix)))
            return row.target if row else None
    row = session.get(RefRow, (repo, "branch", revision)) or session.get(RefRow, (repo, "tag", revision))
    return row.target if row else None


def load_tree(session: Session, repo: int, oid: str) -> list[Node]:
    return load_trees(session, repo, [oid])[oid]


def load_trees(session: Session, repo: int, oids: Sequence[str]) -> dict[str, list[Node]]:
    """Several folders at once, each in git's order."""
    found: dict[str, list[Node]] = {oid: [] for oid in oids}
    names = list(found)
    for start in range(0, len(names), _FOLDERS_AT_ONCE):
        some = names[start : start + _FOLDERS_AT_ONCE]
        rows = session.execute(
            select(
                NodeRow.tree, NodeRow.name, NodeRow.kind, NodeRow.oid, NodeRow.size, NodeRow.sha256, NodeRow.lfs
            ).where(NodeRow.repo == repo, NodeRow.tree.in_(some))
        )
        for tree, name, kind, oid, size, sha256, lfs in rows:
            found[tree].append(Node(name, "file" if kind == "file" else "directory", oid, size, sha256, lfs))
    return {oid: git.in_order(nodes) for oid, nodes in found.items()}


def entry_at(session: Session, repo: int, root: str, path: str) -> Entry | None:
    """The file or folder at `path` below the tree `root`; the root itself for ""."""
    entry = Entry("", "directory", root)
    for segment in path.split("/") if path else ():
        row = session.get(NodeRow, (repo, entry.oid, segment)) if entry.kind == "directory" else None
        if row is None:
            return None
        entry = entry_of(entry.path, _node(row))
    return entry


def entry_of(folder: str, node: Node) -> Entry:
    path = f"{folder}/{node.name}" if folder else node.name
    return Entry(path, node.kind, node.oid, node.size, node.sha256, node.lfs)


def walk(session: Session, repo: int, folder: Entry, recursive: bool) -> list[Entry]:
    """What lies in a folder, or anywhere below it; sorted by path. One query for each level of folders."""
    found: list[Entry] = []
    level = [folder]
    while level:
        trees = load_trees(session, repo, [entry.oid for entry in level])
        inside = [entry_of(entry.path, node) for entry in level for node in trees[entry.oid]]
        found += inside
        level = [entry for entry in inside if entry.kind == "directory"] if recursive else []
    return sorted(found, key=lambda entry: entry.path)


def ancestry(session: Session, repo: int, oid: str, limit: int) -> list[CommitRow]:
    """A commit and those before it, the newest first."""
    start = select(CommitRow.oid, CommitRow.parent, literal(0).label("age")).where(
        CommitRow.repo == repo, CommitRow.oid == oid
    )
    line = start.cte("line", recursive=True)
    before = aliased(CommitRow)
    line = line.union_all(
        select(before.oid, before.parent, line.c.age + 1)
        .join(line, before.oid == line.c.parent)
        .where(before.repo == repo, line.c.age < limit - 1)
    )
    rows = select(CommitRow).join(line, CommitRow.oid == line.c.oid).where(CommitRow.repo == repo).order_by(line.c.age)
    return list(session.scalars(rows))


def ancestors(session: Session, repo: int, oid: str, at_once: int = 100) -> Iterator[CommitRow]:
    """The whole line of a commit, the newest first, read in batches."""
    while oid:
        rows = ancestry(session, repo, oid, at_once)
        yield from rows
        oid = rows[-1].parent if rows else ""


def _node(row: NodeRow) -> Node:
    kind = "file" if row.kind == "file" else "directory"
    return Node(row.name, kind, row.oid, row.size, row.sha256, row.lfs)  # type: ignore[arg-type]
