"""The files of a revision, folder by folder, and one file."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from weighbridge.hub.model import Commit, Entry, RepoId
from weighbridge.report.text import visible
from weighbridge.server.web import cards, links, markdown, units
from weighbridge.server.web.kinds import is_markdown, is_picture, is_weights
from weighbridge.server.web.views.card import rendered
from weighbridge.server.web.views.parts import Fact, Link, Moment, Pager
from weighbridge.server.web.views.repo import RepoHead, RevisionMenu, short

PAGE = 200
PREVIEW_BYTES = 512 * 1024
_MOST_LINES = 5000
_LONGEST_LINE = 2000
_PICTURE_BYTES = 20_000_000
_NOTHING = Markup()


@dataclass(frozen=True, slots=True)
class CommitLine:
    title: str
    href: str
    author: str
    when: Moment
    short: str

    @classmethod
    def of(cls, commit: Commit, repo: RepoId) -> CommitLine:
        return cls(
            visible(commit.title, 200) or "(no message)",
            links.commit(repo, commit.oid),
            visible(commit.author, 80),
            Moment.of(commit.date),
            short(commit.oid),
        )


@dataclass(frozen=True, slots=True)
class FileRow:
    icon: str
    name: str
    href: str
    size: str
    commit: CommitLine | None
    download: str


@dataclass(frozen=True, slots=True)
class TreeView:
    repo: RepoHead
    revisions: RevisionMenu
    crumbs: tuple[Link, ...]
    summary: str
    commit: CommitLine
    rows: tuple[FileRow, ...]
    pager: Pager


@dataclass(frozen=True, slots=True)
class BlobView:
    """Shows one of `html`, `picture` and `lines`, or else the `reason` why none."""

    repo: RepoHead
    revisions: RevisionMenu
    crumbs: tuple[Link, ...]
    name: str
    summary: str
    actions: tuple[Link, ...]
    download: str
    facts: tuple[Fact, ...]
    html: Markup = _NOTHING
    picture: str = ""
    lines: tuple[str, ...] = ()
    reason: str = ""


def tree_view(
    head: RepoHead,
    revisions: RevisionMenu,
    path: str,
    entries: Sequence[Entry],
    last: Commit,
    page: int,
    dated: Callable[[Sequence[Entry]], Sequence[Entry]],
) -> TreeView:
    """One folder, subfolders first. `dated` adds the commits that last changed the entries which are shown."""
    ordered = sorted(entries, key=lambda entry: (entry.kind == "file", entry.path.lower()))
    pages = max(1, -(-len(ordered) // PAGE))
    at = min(max(1, page), pages)
    address = links.at(head.id, "tree", head.revision, path)
    return TreeView(
        repo=head,
        revisions=revisions,
        crumbs=crumbs(head, path),
        summary=_summary(entries),
        commit=CommitLine.of(last, head.id),
        rows=tuple(_row(entry, head) for entry in dated(ordered[PAGE * (at - 1) : PAGE * at])),
        pager=Pager(
            f"page {at} of {pages}",
            links.with_query(address, page=at - 1) if at > 1 else "",
            links.with_query(address, page=at + 1) if at < pages else "",
        ),
    )


def crumbs(head: RepoHead, path: str) -> tuple[Link, ...]:
    """The way from the root to `path`, which is the last and current one."""
    parts = path.split("/") if path else []
    found = [Link(head.name, links.at(head.id, "tree", head.revision), not parts)]
    for depth, part in enumerate(parts, 1):
        folder = "/".join(parts[:depth])
        found.append(Link(visible(part, 200), links.at(head.id, "tree", head.revision, folder), depth == len(parts)))
    return tuple(found)


def _summary(entries: Sequence[Entry]) -> str:
    files = [entry for entry in entries if entry.kind == "file"]
    folders = len(entries) - len(files)
    parts = [units.plural(folders, "folder")] if folders else []
    if files:
        parts += [units.plural(len(files), "file"), units.size(sum(entry.size for entry in files))]
    return ", ".join(parts)


def _row(entry: Entry, head: RepoHead) -> FileRow:
    name = visible(entry.path.rpartition("/")[2], 200)
    commit = CommitLine.of(entry.last_commit, head.id) if entry.last_commit else None
    if entry.kind == "directory":
        return FileRow("folder", name, links.at(head.id, "tree", head.revision, entry.path), "", commit, "")
    return FileRow(
        "weights" if is_weights(entry.path) else "file",
        name,
        links.at(head.id, "blob", head.revision, entry.path),
        units.size(entry.size),
        commit,
        links.at(head.id, "resolve", head.revision, entry.path),
    )


def wants_content(entry: Entry) -> bool:
    """Whether `blob_view` would show the bytes of this file as text."""
    return 0 < entry.size <= PREVIEW_BYTES and not _is_picture(entry) and not is_weights(entry.path)


def _is_picture(entry: Entry) -> bool:
    return is_picture(entry.path) and entry.size <= _PICTURE_BYTES


def blob_view(head: RepoHead, revisions: RevisionMenu, entry: Entry, content: bytes, *, source: bool) -> BlobView:
    """One file. `content` is empty unless `wants_content`; `source` asks for markdown as it is written."""
    download = links.at(head.id, "resolve", head.revision, entry.path)
    text = _text(content)
    set_as_page = text is not None and is_markdown(entry.path) and len(text) <= markdown.LIMIT
    html = _NOTHING
    if text is not None and set_as_page and not source:
        html = rendered(cards.read(content).body, head.id, head.revision, entry.path)
    return BlobView(
        repo=head,
        revisions=revisions,
        crumbs=crumbs(head, entry.path),
        name=visible(entry.path.rpartition("/")[2], 200),
        summary=units.size(entry.size) + (f", {units.plural(_count_lines(text), 'line')}" if text else ""),
        actions=tuple(_actions(head, entry, set_as_page=set_as_page, source=source)),
        download=download,
        facts=tuple(_identity(entry)),
        html=html,
        picture=download if _is_picture(entry) else "",
        lines=() if html or not text else _lines(text, entry.path),
        reason=_why_not_shown(entry, text),
    )


def _text(content: bytes) -> str | None:
    """The content as text, None for anything binary."""
    if b"\0" in content:
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _count_lines(text: str) -> int:
    return len(text.splitlines())


def _lines(text: str, path: str) -> tuple[str, ...]:
    if path.endswith(".json") and "\n" not in text.strip():
        text = _indented(text)
    lines = text.splitlines()
    shown = [visible(line.replace("\t", "    "), _LONGEST_LINE) or " " for line in lines[:_MOST_LINES]]
    if len(lines) > _MOST_LINES:
        shown.append(f"… {len(lines) - _MOST_LINES:,} more lines: download the file to see them")
    return tuple(shown)


def _indented(text: str) -> str:
    """JSON on one line, spread out; anything else as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _actions(head: RepoHead, entry: Entry, *, set_as_page: bool, source: bool) -> list[Link]:
    here = links.at(head.id, "blob", head.revision, entry.path)
    found = []
    if set_as_page:
        found.append(Link("As a page", here) if source else Link("Source", links.with_query(here, source=1)))
    if is_weights(entry.path):
        found.append(Link("Tensors", links.at(head.id, "tensors", head.revision, file=entry.path)))
    return found


def _identity(entry: Entry) -> list[Fact]:
    facts = [Fact("size", f"{entry.size:,} bytes"), Fact("git object", entry.oid)]
    return [*facts, Fact("sha256", entry.sha256)] if entry.sha256 else facts


def _why_not_shown(entry: Entry, text: str | None) -> str:
    if not entry.size:
        return "This file is empty."
    if is_weights(entry.path):
        return "Weights: the page of tensors shows what is inside."
    if entry.size > PREVIEW_BYTES:
        return f"Files of more than {units.size(PREVIEW_BYTES)} are not shown here: download it to look inside."
    return "This is not text." if text is None else ""
