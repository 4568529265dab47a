"""The revisions of a repository, and what one of them changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from weighbridge.hub.model import Commit, Entry, Ref
from weighbridge.report.text import visible
from weighbridge.server.web import links, units
from weighbridge.server.web.views.parts import Chip, Fact, Moment, Pager
from weighbridge.server.web.views.repo import RepoHead, RevisionMenu, short

PAGE = 50
_MOST_CHANGES = 300
_SIGNS = {"added": "+", "modified": "~", "removed": "−"}


@dataclass(frozen=True, slots=True)
class CommitRow:
    title: str
    href: str
    tree: str
    oid: str
    short: str
    author: str
    when: Moment
    names: tuple[Chip, ...]


@dataclass(frozen=True, slots=True)
class RefRow:
    name: str
    href: str
    commit: str
    short: str


@dataclass(frozen=True, slots=True)
class CommitsView:
    repo: RepoHead
    revisions: RevisionMenu
    commits: tuple[CommitRow, ...]
    branches: tuple[RefRow, ...]
    tags: tuple[RefRow, ...]
    pager: Pager


@dataclass(frozen=True, slots=True)
class ChangeRow:
    kind: str
    sign: str
    path: str
    href: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class CommitView:
    repo: RepoHead
    title: str
    message: str
    author: str
    when: Moment
    tree: str
    tensors: str
    report: str
    summary: str
    changes: tuple[ChangeRow, ...]
    more: str
    facts: tuple[Fact, ...]
    short: str


def commits_view(
    head: RepoHead, revisions: RevisionMenu, commits: Sequence[Commit], refs: Sequence[Ref], page: int
) -> CommitsView:
    """`commits` are those of this page, and the next one where there is one."""
    address = links.at(head.id, "commits", head.revision)
    return CommitsView(
        repo=head,
        revisions=revisions,
        commits=tuple(_commit_row(commit, head, refs) for commit in commits[:PAGE]),
        branches=_ref_rows(head, refs, "branch"),
        tags=_ref_rows(head, refs, "tag"),
        pager=Pager(
            f"page {page}",
            links.with_query(address, page=page - 1) if page > 1 else "",
            links.with_query(address, page=page + 1) if len(commits) > PAGE else "",
        ),
    )


def _commit_row(commit: Commit, head: RepoHead, refs: Sequence[Ref]) -> CommitRow:
    return CommitRow(
        title=visible(commit.title, 200) or "(no message)",
        href=links.commit(head.id, commit.oid),
        tree=links.at(head.id, "tree", commit.oid),
        oid=commit.oid,
        short=short(commit.oid),
        author=visible(commit.author, 80),
        when=Moment.of(commit.date),
        names=tuple(Chip(ref.name, icon=ref.kind) for ref in refs if ref.target == commit.oid),
    )


def _ref_rows(head: RepoHead, refs: Sequence[Ref], kind: str) -> tuple[RefRow, ...]:
    return tuple(
        RefRow(ref.name, links.at(head.id, "tree", ref.name), links.commit(head.id, ref.target), short(ref.target))
        for ref in refs
        if ref.kind == kind
    )


def commit_view(head: RepoHead, commit: Commit, before: Sequence[Entry], after: Sequence[Entry]) -> CommitView:
    """One revision beside its parent: `before` and `after` are all files of both."""
    changes = _changes({entry.path: entry for entry in before}, {entry.path: entry for entry in after}, head, commit)
    left = len(changes) - _MOST_CHANGES
    return CommitView(
        repo=head,
        title=visible(commit.title, 300) or "(no message)",
        message="\n".join(visible(line, 2000) for line in commit.message.splitlines()[:200]),
        author=visible(commit.author, 80),
        when=Moment.of(commit.date),
        tree=links.at(head.id, "tree", commit.oid),
        tensors=links.at(head.id, "tensors", commit.oid),
        report=links.at(head.id, "report", commit.oid),
        summary=f"{units.plural(len(changes), 'file')} changed",
        changes=tuple(changes[:_MOST_CHANGES]),
        more=f"{left:,} more changed." if left > 0 else "",
        facts=tuple(_facts(head, commit, after)),
        short=short(commit.oid),
    )


def _changes(
    before: Mapping[str, Entry], after: Mapping[str, Entry], head: RepoHead, commit: Commit
) -> list[ChangeRow]:
    rows = []
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old and new and old.oid == new.oid:
            continue
        kind = "modified" if old and new else "added" if new else "removed"
        rows.append(
            ChangeRow(
                kind=kind,
                sign=_SIGNS[kind],
                path=visible(path, 300),
                href=links.at(head.id, "blob", commit.oid, path) if new else "",
                before=units.size(old.size) if old else "",
                after=units.size(new.size) if new else "",
            )
        )
    return rows


def _facts(head: RepoHead, commit: Commit, after: Sequence[Entry]) -> list[Fact]:
    moment = Moment.of(commit.date)
    facts = [Fact("Commit", short(commit.oid), commit.oid), Fact("Tree", short(commit.tree), commit.tree)]
    facts += [Fact("Parent", short(oid), oid, links.commit(head.id, oid)) for oid in commit.parents]
    facts.append(Fact("Date", moment.exact.removesuffix(" UTC"), moment.exact))
    facts.append(Fact("Files", f"{len(after):,}"))
    facts.append(Fact("Size", units.size(sum(entry.size for entry in after))))
    return facts
