"""Branches and tags."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from weighbridge.errors import ConflictError, ForbiddenError, HeldError, RevisionNotFoundError, UnexaminedError
from weighbridge.hub import naming
from weighbridge.hub._reading import commit_row
from weighbridge.hub._rows import MAIN, ref_of, repo_row, writable_row
from weighbridge.hub.gate import Gate
from weighbridge.hub.model import Caller, Ref, RepoId
from weighbridge.hub.sql import Database
from weighbridge.hub.sql.tables import RefRow, RepoRow


class Refs:
    def __init__(self, database: Database, gate: Gate) -> None:
        self._database = database
        self._gate = gate

    def list(self, caller: Caller, repo: RepoId) -> tuple[Ref, ...]:
        """All branches and tags, each with the commit that the caller gets for it; main first, the others by name."""
        with self._database.reading() as session:
            row = repo_row(session, caller, repo)
            rows = session.scalars(select(RefRow).where(RefRow.repo == row.id))
            refs = [ref for found in rows if (ref := self._seen(session, caller, row, found)) is not None]
        return tuple(sorted(refs, key=lambda ref: (ref.kind, ref.name != MAIN, ref.name)))

    def _seen(self, session: Session, caller: Caller, repo: RepoRow, found: RefRow) -> Ref | None:
        prefix = "refs/heads/" if found.kind == "branch" else "refs/tags/"
        try:
            commit = self._gate.visible(session, caller, repo, f"{prefix}{found.name}")
        except (HeldError, UnexaminedError):
            return None
        return replace(ref_of(found), target=commit.oid)

    def create_branch(self, caller: Caller, repo: RepoId, name: str, start: str = MAIN) -> Ref:
        return self._create(caller, repo, "branch", naming.branch_name(name), start)

    def create_tag(self, caller: Caller, repo: RepoId, name: str, revision: str = MAIN) -> Ref:
        return self._create(caller, repo, "tag", naming.tag_name(name), revision)

    def delete_branch(self, caller: Caller, repo: RepoId, name: str) -> None:
        if name == MAIN:
            raise ForbiddenError(f"the branch {MAIN!r} is what a repository is: it cannot be deleted")
        self._delete(caller, repo, "branch", name)

    def delete_tag(self, caller: Caller, repo: RepoId, name: str) -> None:
        self._delete(caller, repo, "tag", name)

    def _create(self, caller: Caller, repo: RepoId, kind: Literal["branch", "tag"], name: str, revision: str) -> Ref:
        with self._database.writing() as session:
            row = writable_row(session, caller, repo)
            target = commit_row(session, row.id, revision or MAIN).oid
            if session.get(RefRow, (row.id, kind, name)):
                raise ConflictError(f"Reference already exists: the {kind} {name!r} in {repo}")
            made = RefRow(repo=row.id, kind=kind, name=name, target=target)
            session.add(made)
            return ref_of(made)

    def _delete(self, caller: Caller, repo: RepoId, kind: Literal["branch", "tag"], name: str) -> None:
        with self._database.writing() as session:
            row = writable_row(session, caller, repo)
            found = session.get(RefRow, (row.id, kind, name))
            if found is None:
                raise RevisionNotFoundError(f"there is no {kind} {name[:200]!r} in {repo}")
            session.delete(found)
