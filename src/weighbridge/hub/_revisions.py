"""How a revision comes into being: content first, then folders, then the commit, and the ref last.

Everything in SQL happens inside one transaction of the caller, so a killed process leaves either all of it or none;
content that was stored for a commit that never landed is used by nothing, and is found again if the client retries.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from weighbridge.documents.cards import LARGEST_HEADER, Card, parse_card
from weighbridge.errors import InvalidUploadError, LimitError
from weighbridge.hub import git, naming
from weighbridge.hub._reading import entry_at, load_tree
from weighbridge.hub._rows import MAIN, commit_of, now
from weighbridge.hub.arrivals import Arrival
from weighbridge.hub.git import Node
from weighbridge.hub.model import AddFile, AddStored, Commit, DeleteFile, DeleteFolder, Operation
from weighbridge.hub.objects import Objects
from weighbridge.hub.sql.tables import CommitRow, NodeRow, ObjectRow, RefRow, RepoRow, ReportRow, TagRow
from weighbridge.hub.trees import TreeEditor

CARD = "README.md"
LARGEST_INLINE = 16 * 1024 * 1024  # larger files are uploaded on their own, not inside a commit
MOST_OPERATIONS = 25_000
ROWS_AT_ONCE = 500
CONTENT_AT_ONCE = 16 * 1024 * 1024
LONGEST_TITLE = 1000
LONGEST_MESSAGE = 64 * 1024


@dataclass(frozen=True, slots=True)
class AddNode:
    """Put a file whose small content is stored already. `node` has no name: the last segment of `path` is it."""

    path: str
    node: Node


Step = AddNode | AddStored | DeleteFile | DeleteFolder


class Revisions:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def prepare(self, operations: Iterable[Operation], arrival: Arrival) -> tuple[Step, ...]:
        """Check what can be checked without the repository, and store small content, some at a time. Takes no lock.

        `arrival` announces that content; who lands the steps settles it.
        """
        steps: list[Step] = []
        inline = _Inline(self._objects, arrival)
        for operation in operations:
            if len(steps) == MOST_OPERATIONS:
                raise LimitError(f"a commit has at most {MOST_OPERATIONS:,} operations")
            checked = _checked(operation)
            steps.append(inline.take(checked) if isinstance(checked, AddFile) else checked)
        inline.flush()
        return tuple(steps)

    def begin(self, session: Session, repo: RepoRow, author: str, steps: Sequence[Step], title: str) -> Commit:
        """A repository's first commit, on a new branch main."""
        return self.land(session, repo, None, steps, author, title)

    def land(
        self,
        session: Session,
        repo: RepoRow,
        branch: RefRow | None,
        steps: Sequence[Step],
        author: str,
        title: str,
        message: str = "",
    ) -> Commit:
        """Put a change on top of `branch` (None: the new branch main)."""
        parent = session.get_one(CommitRow, (repo.id, branch.target)) if branch else None
        editor = TreeEditor(parent.tree if parent else git.EMPTY_TREE, lambda oid: load_tree(session, repo.id, oid))
        held = _held(session, repo.id, [step.sha256 for step in steps if isinstance(step, AddStored)])
        for step in steps:
            _apply(editor, step, held)
        _grant(session, repo.id, [step.node for step in steps if isinstance(step, AddNode)])
        root, folders = editor.finish()
        _write_folders(session, repo.id, folders)
        if branch is None:
            branch = RefRow(repo=repo.id, kind="branch", name=MAIN, target="")
            session.add(branch)
        return self.write(session, repo, branch, root, parent.oid if parent else "", author, title, message)

    def write(
        self,
        session: Session,
        repo: RepoRow,
        branch: RefRow,
        tree: str,
        parent: str,
        author: str,
        title: str,
        message: str,
    ) -> Commit:
        """A commit of a tree that is written already, and `branch` moved to it."""
        at = now().replace(microsecond=0)  # git counts seconds
        row = _commit_row(repo, tree, parent, author, at, title, message)
        if session.get(CommitRow, (repo.id, row.oid)) is None:
            session.add(row)
        branch.target = row.oid
        repo.modified = now()
        if session.get(ReportRow, (repo.id, row.oid)) is None:
            session.add(
                ReportRow(repo=repo.id, commit=row.oid, status="pending", sha256="", reason="", updated=repo.modified)
            )
        session.flush()
        if branch.name == MAIN:
            self._index_card(session, repo, tree)
        return commit_of(row)

    def _index_card(self, session: Session, repo: RepoRow, tree: str) -> None:
        """Keep what the card says where lists can search it."""
        found = entry_at(session, repo.id, tree, CARD)
        card = Card()
        if found is not None and found.kind == "file":
            source = self._objects.open(found.sha256, CARD)
            card = parse_card(source.read_at(0, min(source.size, LARGEST_HEADER + 16)))
        repo.pipeline_tag, repo.library_name = card.pipeline_tag, card.library_name
        session.execute(delete(TagRow).where(TagRow.repo == repo.id))
        session.add_all(TagRow(repo=repo.id, tag=tag) for tag in card.tags)
        session.flush()


def _apply(editor: TreeEditor, step: Step, held: Mapping[str, int]) -> None:
    match step:
        case AddNode(path, node):
            editor.put(path, node)
        case AddStored(path, sha256, size):
            editor.put(path, _uploaded(path, sha256, size, held))
        case DeleteFile(path):
            editor.delete_file(path)
        case DeleteFolder(path):
            editor.delete_folder(path)


def _checked(operation: Operation) -> AddFile | AddStored | DeleteFile | DeleteFolder:
    path = operation.path.rstrip("/") if isinstance(operation, DeleteFolder) else operation.path
    naming.file_path(path)
    match operation:
        case AddFile(_, content):
            if len(content) > LARGEST_INLINE:
                raise InvalidUploadError(
                    f"{path!r} has {len(content):,} bytes, too many to send inside a commit",
                    hint="Upload it as a large file (LFS or Xet) first.",
                )
            # Git knows a large file by its pointer, so content that is a pointer is that file and nothing else.
            pointer = git.parse_lfs_pointer(content)
            return AddStored(path, *pointer) if pointer else operation
        case AddStored(_, sha256, _) if not naming.is_sha256(sha256):
            raise InvalidUploadError(f"{path!r} names {sha256[:80]!r}, which is no sha256 in 64 hex digits")
        case DeleteFolder():
            return DeleteFolder(path)
    return operation


class _Inline:
    """Content that came inside a commit, on its way to the store: many small files share one write."""

    def __init__(self, objects: Objects, arrival: Arrival) -> None:
        self._objects = objects
        self._arrival = arrival
        self._waiting: dict[str, bytes] = {}
        self._nbytes = 0

    def take(self, file: AddFile) -> AddNode:
        sha256 = hashlib.sha256(file.content).hexdigest()
        self._waiting[sha256] = file.content
        self._nbytes += len(file.content)
        if self._nbytes > CONTENT_AT_ONCE:
            self.flush()
        return AddNode(file.path, Node("", "file", git.blob_oid(file.content), len(file.content), sha256))

    def flush(self) -> None:
        self._arrival.announce(self._waiting)
        self._objects.put(self._waiting)
        self._waiting, self._nbytes = {}, 0


def _uploaded(path: str, sha256: str, size: int | None, held: Mapping[str, int]) -> Node:
    if sha256 not in held:
        raise InvalidUploadError(
            f"{path!r} names the content {sha256}, which was never uploaded to this repository",
            hint="Upload the file's bytes before the commit that names them.",
        )
    if size is not None and size != held[sha256]:
        raise InvalidUploadError(f"{path!r} is said to have {size:,} bytes; its content has {held[sha256]:,}")
    oid = git.blob_oid(git.lfs_pointer(sha256, held[sha256]))
    return Node("", "file", oid, held[sha256], sha256, lfs=True)


def _held(session: Session, repo: int, names: Sequence[str]) -> dict[str, int]:
    """Of these contents, by sha256, the sizes of those that the repository may refer to."""
    found: dict[str, int] = {}
    for start in range(0, len(names), ROWS_AT_ONCE):
        some = names[start : start + ROWS_AT_ONCE]
        rows = session.execute(
            select(ObjectRow.sha256, ObjectRow.size).where(ObjectRow.repo == repo, ObjectRow.sha256.in_(some))
        )
        found |= {sha256: size for sha256, size in rows}  # noqa: C416 (a result is no sequence of pairs to mypy)
    return found


def _grant(session: Session, repo: int, nodes: Sequence[Node]) -> None:
    """Let a repository refer to content that came with its own commit."""
    sizes = {node.sha256: node.size for node in nodes}
    held = _held(session, repo, list(sizes))
    at = now()
    new = [
        {"repo": repo, "sha256": sha256, "size": size, "added": at}
        for sha256, size in sizes.items()
        if sha256 not in held
    ]
    if new:
        session.execute(insert(ObjectRow), new)


def _write_folders(session: Session, repo: int, folders: list[tuple[str, list[Node]]]) -> None:
    for oid, nodes in folders:
        known = session.scalar(select(NodeRow.name).where(NodeRow.repo == repo, NodeRow.tree == oid).limit(1))
        if known is None and nodes:
            rows = [
                {
                    "repo": repo, "tree": oid, "name": node.name, "kind": node.kind, "oid": node.oid,
                    "size": node.size, "sha256": node.sha256, "lfs": node.lfs,
                }
                for node in nodes
            ]  # fmt: skip
            session.execute(insert(NodeRow), rows)


def _commit_row(
    repo: RepoRow, tree: str, parent: str, author: str, at: datetime, title: str, message: str
) -> CommitRow:
    title, message = _text(title, LONGEST_TITLE) or "Update", _text(message, LONGEST_MESSAGE)
    full = f"{title}\n\n{message}\n" if message else f"{title}\n"
    oid = git.commit_oid(tree, (parent,) if parent else (), author, at, full)
    return CommitRow(
        repo=repo.id, oid=oid, tree=tree, parent=parent, author=author, date=at, title=title, message=message
    )


def _text(text: str, most: int) -> str:
    """Text that git and every database can hold."""
    return text.replace("\0", "").encode(errors="replace").decode().strip()[:most]
