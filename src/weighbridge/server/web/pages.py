"""One function a page: ask the hub, build the view, fill the template. No rule is decided here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from weighbridge import __version__
from weighbridge.errors import EntryNotFoundError, HeldError, RepoNotFoundError, UnexaminedError
from weighbridge.hub import Hub
from weighbridge.hub.model import Caller, Commit, Repo, RepoId, RepoKind
from weighbridge.hub.repos import Listing
from weighbridge.server.web import links, session, units
from weighbridge.server.web.facts import Facts
from weighbridge.server.web.templating import page
from weighbridge.server.web.views import card, files, gate, history, home, report, tensors
from weighbridge.server.web.views.parts import Chip, Fact, Shell
from weighbridge.server.web.views.repo import RepoHead, RevisionMenu, repo_head, revision_menu

MAIN = "main"
_LONGEST_QUERY = 200
_NAME = "Weighbridge"
_KINDS: tuple[RepoKind, ...] = ("model", "dataset", "space")


@dataclass(frozen=True, slots=True)
class Place:
    """What an address names inside a repository."""

    repo: RepoId
    revision: str = MAIN
    path: str = ""


class Visit:
    """One request: who asks, for what, of which hub."""

    def __init__(self, hub: Hub, facts: Facts, request: Request) -> None:
        self.hub = hub
        self.facts = facts
        self.request = request
        self.caller = session.caller(hub, request)
        request.state.caller = self.caller  # an error's page needs it too

    def shell(self, kind: RepoKind = "model", query: str = "") -> Shell:
        return shell_for(self.request, self.caller, kind, query)

    def asked(self, name: str) -> str:
        """A value of the query, "" where it is missing; cut where nobody honest would go on."""
        return self.request.query_params.get(name, "")[:_LONGEST_QUERY]

    def asked_whole(self, name: str) -> str:
        return self.request.query_params.get(name, "")

    @property
    def page_number(self) -> int:
        text = self.request.query_params.get("page", "1")
        return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 7 else 1

    @property
    def endpoint(self) -> str:
        """This hub's own address, as the browser knows it."""
        return str(self.request.base_url).rstrip("/")


def shell_for(request: Request, caller: Caller, kind: RepoKind = "model", query: str = "") -> Shell:
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return Shell(_NAME, __version__, here, caller.user or "", query, kind)


def show_list(visit: Visit, kind: RepoKind) -> HTMLResponse:
    asked = home.Asked(visit.asked("search"), visit.asked("sort") or "modified", visit.asked("cursor"))
    if asked.sort not in home.SORTS:
        asked = home.Asked(asked.query, cursor=asked.cursor)
    listing = Listing(kind, search=asked.query, sort=asked.sort, limit=home.PAGE, cursor=asked.cursor)  # type: ignore[arg-type]
    found = visit.hub.repos.list(visit.caller, listing)
    rows = _rows(visit, found.repos)
    view = home.home_view(kind, asked, rows, found.next, _totals(visit), visit.endpoint)
    return page("home.html", visit.shell(kind, asked.query), view)


def show_account(visit: Visit, name: str) -> Response:
    account = visit.hub.people.account(name)
    if account.name != name:
        return RedirectResponse(links.account(account.name), 308)
    sections = []
    for kind in _KINDS:
        found = visit.hub.repos.list(visit.caller, Listing(kind, author=name, limit=200))
        sections.append(home.section(kind, _rows(visit, found.repos)))
    return page("account.html", visit.shell(), home.account_view(account, sections))


def show_card(visit: Visit, place: Place) -> HTMLResponse:
    repo, commit = _find(visit, place)
    at = (visit.caller, repo.id, commit)
    read, contents, weight = visit.facts.card(*at), visit.facts.contents(*at), visit.facts.weight(*at)
    head = _head(visit, repo, commit, place, "card")
    attested = visit.hub.reproductions.of(visit.caller, repo.id, commit.oid)[1]
    view = card.card_view(repo, head, commit, read, contents.anatomy, weight, visit.endpoint, attested)
    return page("card.html", visit.shell(repo.id.kind), view)


def show_tree(visit: Visit, place: Place) -> Response:
    repo, commit = _find(visit, place)
    path = place.path.strip("/")
    try:
        entries = visit.hub.content.tree(visit.caller, repo.id, commit.oid, path)
    except EntryNotFoundError:
        raise _no_file(place) from None
    view = files.tree_view(
        _head(visit, repo, commit, place, "tree"),
        _revisions(visit, repo, place, "tree"),
        path,
        entries,
        commit,
        visit.page_number,
        lambda shown: visit.hub.content.with_last_commits(visit.caller, repo.id, commit.oid, shown),
    )
    return page("tree.html", visit.shell(repo.id.kind), view)


def show_blob(visit: Visit, place: Place) -> Response:
    repo, commit = _find(visit, place)
    entry = next(iter(visit.hub.content.entries(visit.caller, repo.id, commit.oid, [place.path])), None)
    if entry is None:
        raise _no_file(place)
    if entry.kind == "directory":
        return RedirectResponse(links.at(repo.id, "tree", place.revision, place.path), 307)
    content = b""
    if files.wants_content(entry):
        content = visit.hub.content.open_file(entry).read_at(0, entry.size)
    head, menu = _head(visit, repo, commit, place, "tree"), _revisions(visit, repo, place, "tree")
    view = files.blob_view(head, menu, entry, content, source=visit.asked("source") == "1")
    return page("blob.html", visit.shell(repo.id.kind), view)


def show_commits(visit: Visit, place: Place) -> HTMLResponse:
    repo, commit = _find(visit, place)
    skip = history.PAGE * (visit.page_number - 1)
    found = visit.hub.content.history(visit.caller, repo.id, commit.oid, limit=history.PAGE + 1, skip=skip)
    view = history.commits_view(
        _head(visit, repo, commit, place, "commits"),
        _revisions(visit, repo, place, "commits"),
        found,
        visit.hub.refs.list(visit.caller, repo.id),
        visit.page_number,
    )
    return page("commits.html", visit.shell(repo.id.kind), view)


def show_commit(visit: Visit, place: Place) -> HTMLResponse:
    repo, commit = _find(visit, place)
    parents = [visit.hub.content.resolve(visit.caller, repo.id, oid) for oid in commit.parents]
    trees = [
        [entry for entry in visit.hub.content.tree(visit.caller, repo.id, oid, recursive=True) if entry.kind == "file"]
        for oid in (*(parent.oid for parent in parents[:1]), commit.oid)
    ]
    before, after = (trees[0] if parents else []), trees[-1]
    view = history.commit_view(_head(visit, repo, commit, place, "commits"), commit, before, after)
    return page("commit.html", visit.shell(repo.id.kind), view)


def show_report(visit: Visit, place: Place) -> HTMLResponse:
    repo, commit = _find(visit, place)
    examined = visit.facts.examined(visit.caller, repo.id, commit)
    head, menu = _head(visit, repo, commit, place, "report"), _revisions(visit, repo, place, "report")
    view = report.report_view(examined.state, examined.report, head, menu)
    return page("report.html", visit.shell(repo.id.kind), view)


def show_tensors(visit: Visit, place: Place) -> HTMLResponse:
    repo, commit = _find(visit, place)
    name = visit.asked_whole("name")
    if name:
        return _show_tensor(visit, place, repo, commit, name)
    contents = visit.facts.contents(visit.caller, repo.id, commit)
    view = tensors.tensors_view(
        contents.anatomy,
        [Fact(*each) for each in contents.broken],
        tensors.Asked(
            visit.asked("q"), visit.asked("dtype"), visit.asked_whole("file"), visit.asked("sort"), visit.page_number
        ),
        _head(visit, repo, commit, place, "tensors"),
        _revisions(visit, repo, place, "tensors"),
    )
    return page("tensors.html", visit.shell(repo.id.kind), view)


def _show_tensor(visit: Visit, place: Place, repo: Repo, commit: Commit, name: str) -> HTMLResponse:
    at = (visit.caller, repo.id, commit)
    anatomy = visit.facts.contents(*at).anatomy
    tensor = next((each for each in anatomy.listed if each.name == name), None) if anatomy else None
    if anatomy is None or tensor is None:
        raise EntryNotFoundError(f"there is no tensor {name[:200]!r} at {place.revision!r}")
    tied = next((names for names in anatomy.tied if name in names), ())
    head = _head(visit, repo, commit, place, "tensors")
    view = tensors.tensor_view(tensor, visit.facts.values(*at, tensor), head, tied)
    return page("tensor.html", visit.shell(repo.id.kind), view)


PAGES: dict[str, Callable[[Visit, Place], Response]] = {
    "card": show_card,
    "tree": show_tree,
    "blob": show_blob,
    "commits": show_commits,
    "commit": show_commit,
    "tensors": show_tensors,
    "report": show_report,
}


class MovedError(Exception):
    """The repository has another name now."""

    def __init__(self, repo: RepoId) -> None:
        super().__init__(str(repo))
        self.repo = repo


def _no_file(place: Place) -> EntryNotFoundError:
    return EntryNotFoundError(f"there is no {place.path[:300]!r} at {place.revision!r} of {place.repo}")


def _find(visit: Visit, place: Place) -> tuple[Repo, Commit]:
    repo = visit.hub.repos.get(visit.caller, place.repo)
    if repo.id != place.repo:
        raise MovedError(repo.id)
    return repo, visit.hub.content.resolve(visit.caller, repo.id, place.revision)


def _head(visit: Visit, repo: Repo, commit: Commit, place: Place, current: str) -> RepoHead:
    at = (visit.caller, repo.id, commit)
    examined = visit.facts.examined(*at)
    verdict = report.verdict(examined.state, examined.report).chip
    anatomy = visit.facts.contents(*at).anatomy
    known = [verdict] if verdict else []
    passing = visit.hub.gate.state(visit.caller, repo.id, commit.oid)
    known += gate.signature_chips(passing)
    chips = known + card.chips(visit.facts.card(*at), anatomy)
    return repo_head(repo, place.revision, current, chips, gate.notice(passing) if visit.hub.gate.closed else None)


def _revisions(visit: Visit, repo: Repo, place: Place, current: str) -> RevisionMenu:
    return revision_menu(repo.id, visit.hub.refs.list(visit.caller, repo.id), place.revision, current)


def _rows(visit: Visit, repos: Iterable[Repo]) -> list[home.RepoRow]:
    rows = []
    for each in repos:
        # One that was deleted or hidden since the list was made is left out, and one with nothing that others may see.
        with suppress(RepoNotFoundError, HeldError, UnexaminedError):
            rows.append(_row(visit, each))
    return rows


def _row(visit: Visit, repo: Repo) -> home.RepoRow:
    """What a list shows of a repository: only what is known already, so that a list costs no look inside."""
    commit = visit.hub.content.resolve(visit.caller, repo.id, MAIN, patient=False)
    at = (visit.caller, repo.id, commit)
    examined = visit.facts.examined(*at)
    verdict: Chip | None = report.verdict(examined.state, examined.report).chip
    return home.repo_row(repo, verdict, visit.facts.card(*at), examined.anatomy, visit.facts.weight(*at))


def _totals(visit: Visit) -> list[Fact]:
    held = visit.facts.held()
    if held is None or not held.file_bytes:
        return []
    saved = 1 - held.stored_bytes / held.file_bytes
    return [
        Fact("held", units.size(held.file_bytes), f"{held.file_bytes:,} bytes in {held.files:,} files"),
        Fact("on disk", units.size(held.stored_bytes), f"{held.stored_bytes:,} bytes"),
        *([Fact("saved", units.percent(saved))] if saved > 0 else []),
    ]
