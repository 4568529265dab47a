"""The head that all pages of a repository share: its name, what it is in a few chips, its tabs, its revisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from weighbridge.hub.model import Ref, Repo, RepoId
from weighbridge.server.web import links
from weighbridge.server.web.views.gate import Notice
from weighbridge.server.web.views.parts import Chip, Link

_TABS = (("card", "Card"), ("tree", "Files"), ("commits", "Revisions"), ("tensors", "Tensors"), ("report", "Report"))
_SHORT_OID = 8


@dataclass(frozen=True, slots=True)
class RepoHead:
    """`revision` is what the address names, a branch, a tag or a commit: every link on the page stays at it."""

    id: RepoId
    revision: str
    owner: str
    name: str
    owner_href: str
    href: str
    chips: tuple[Chip, ...]
    tabs: tuple[Link, ...]
    notice: Notice | None = None


@dataclass(frozen=True, slots=True)
class RevisionMenu:
    current: str
    branches: tuple[Link, ...] = ()
    tags: tuple[Link, ...] = ()


def repo_head(
    repo: Repo, revision: str, current: str, chips: Iterable[Chip] = (), notice: Notice | None = None
) -> RepoHead:
    """`current` is the page that is shown: ``card``, ``tree``, ``commits``, ``tensors`` or ``report``."""
    known = [Chip("private", icon="lock")] if repo.private else []
    return RepoHead(
        id=repo.id,
        revision=revision,
        owner=repo.id.owner,
        name=repo.id.name,
        owner_href=links.account(repo.id.owner),
        href=links.repo(repo.id),
        chips=(*known, *chips),
        tabs=tuple(Link(text, _tab(repo.id, page, revision), page == current) for page, text in _TABS),
        notice=notice,
    )


def _tab(repo: RepoId, page: str, revision: str) -> str:
    if page == "card":
        return links.repo(repo) if revision == "main" else links.at(repo, "card", revision)
    return links.at(repo, page, revision)


def revision_menu(repo: RepoId, refs: Sequence[Ref], revision: str, page: str) -> RevisionMenu:
    """Leads to the same page at another branch or tag."""

    def entries(kind: str) -> tuple[Link, ...]:
        found = [ref.name for ref in refs if ref.kind == kind]
        return tuple(Link(name, links.at(repo, page, name), name == revision) for name in found)

    return RevisionMenu(short(revision), entries("branch"), entries("tag"))


def short(revision: str) -> str:
    """A commit's id in eight digits, any other name as it is."""
    is_oid = len(revision) == 40 and all(digit in "0123456789abcdef" for digit in revision)
    return revision[:_SHORT_OID] if is_oid else revision
