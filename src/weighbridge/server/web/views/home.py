"""Lists of repositories: the home page, other kinds, one account's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weighbridge.hub.model import Account, Repo, RepoKind
from weighbridge.report import Anatomy
from weighbridge.report.text import visible
from weighbridge.server.web import links, units
from weighbridge.server.web.cards import Page as Card
from weighbridge.server.web.facts import Weight
from weighbridge.server.web.views.parts import NO_PAGES, Chip, Choice, Command, Fact, Moment, Pager

PAGE = 30
SORTS = {"modified": "recently updated", "created": "newest", "downloads": "most downloaded"}
_PLURAL: dict[RepoKind, str] = {"model": "Models", "dataset": "Datasets", "space": "Spaces"}


@dataclass(frozen=True, slots=True)
class RepoRow:
    href: str
    owner: str
    name: str
    chips: tuple[Chip, ...]
    facts: tuple[str, ...]
    updated: Moment
    weight: str
    weight_unit: str


@dataclass(frozen=True, slots=True)
class HomeView:
    """Shows `rows`, or else `help` with `help_title`, or else `nothing`."""

    title: str
    subtitle: str
    action: str
    query: str = ""
    placeholder: str = ""
    sorts: tuple[Choice, ...] = ()
    totals: tuple[Fact, ...] = ()
    rows: tuple[RepoRow, ...] = ()
    pager: Pager = NO_PAGES
    help_title: str = ""
    help: tuple[Command, ...] = ()
    nothing: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asked of a list."""

    query: str = ""
    sort: str = "modified"
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Repositories of one kind under a heading."""

    title: str
    rows: tuple[RepoRow, ...]


@dataclass(frozen=True, slots=True)
class AccountView:
    name: str
    fullname: str
    kind: str
    since: str
    sections: tuple[Section, ...]


def repo_row(repo: Repo, verdict: Chip | None, card: Card, anatomy: Anatomy | None, weight: Weight) -> RepoRow:
    facts = []
    if anatomy and anatomy.tensors:
        facts.append(f"{units.count(anatomy.parameters)} parameters")
        facts.append(", ".join(group.name for group in anatomy.dtypes[:3]))
    facts += [visible(card.text(key), 40) for key in ("license", "pipeline_tag") if card.text(key)]
    if repo.downloads:
        facts.append(units.plural(repo.downloads, "download"))
    private = [Chip("private", icon="lock")] if repo.private else []
    return RepoRow(
        href=links.repo(repo.id),
        owner=repo.id.owner,
        name=repo.id.name,
        chips=(*([verdict] if verdict else []), *private),
        facts=tuple(facts),
        updated=Moment.of(repo.modified),
        weight=units.size(weight.nbytes),
        weight_unit=units.plural(weight.files, "file"),
    )


def home_view(
    kind: RepoKind, asked: Asked, rows: Sequence[RepoRow], following: str, totals: Sequence[Fact], endpoint: str
) -> HomeView:
    """`following` is the cursor of the next page, "" on the last."""
    action = links.LISTS[kind]
    sort = "" if asked.sort == "modified" else asked.sort
    word = _PLURAL[kind].lower()
    empty = not rows and not asked.query and not asked.cursor
    return HomeView(
        title=_PLURAL[kind],
        subtitle=_subtitle(asked, word),
        action=action,
        query=asked.query,
        placeholder=f"Search {word} by name",
        sorts=tuple(Choice(value, text, value == asked.sort) for value, text in SORTS.items()),
        totals=tuple(totals),
        rows=tuple(rows),
        pager=Pager(
            previous=links.with_query(action, search=asked.query, sort=sort) if asked.cursor else "",
            following=links.with_query(action, search=asked.query, sort=sort, cursor=following) if following else "",
        ),
        help_title=f"No {word} here yet. To publish the first:" if empty else "",
        help=tuple(_how_to_begin(kind, endpoint)) if empty else (),
        nothing="" if empty else f"No {kind} matches “{visible(asked.query, 100)}”.",
    )


def _subtitle(asked: Asked, word: str) -> str:
    if asked.query:
        return f"{word.capitalize()} whose names hold “{visible(asked.query, 100)}”"
    if word == "models":
        return "Weights that were opened, checked and packed, and come back bit for bit."
    return "Kept with their history, packed, and given back bit for bit."


def _how_to_begin(kind: RepoKind, endpoint: str) -> list[Command]:
    hf = "" if kind == "model" else f" --repo-type {kind}"
    weigh = "" if kind == "model" else f" --kind {kind}"
    return [
        Command(
            "Where the hub runs, make a user and a token.",
            "weigh hub user add ada --data DIR\nweigh hub token create --user ada --role write --data DIR",
        ),
        Command(
            "Wherever the weights are, publish a folder with the client you have already.",
            f"export HF_ENDPOINT={endpoint}\nexport HF_TOKEN=…\nhf upload ada/my-{kind} ./folder{hf}",
        ),
        Command("Or with weigh, which checks the weights first.", f"weigh push ./folder ada/my-{kind}{weigh}"),
    ]


def account_view(account: Account, sections: Sequence[Section]) -> AccountView:
    return AccountView(
        name=account.name,
        fullname=visible(account.fullname, 200) if account.fullname != account.name else "",
        kind=account.kind,
        since=Moment.of(account.created).exact.partition(" ")[0],
        sections=tuple(section for section in sections if section.rows),
    )


def section(kind: RepoKind, rows: Sequence[RepoRow]) -> Section:
    return Section(_PLURAL[kind], tuple(rows))
