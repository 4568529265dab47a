"""A repository's first page: its card, its weigh ticket, and how to get it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from shlex import quote

from markupsafe import Markup

from weighbridge.hub.model import Commit, Repo, RepoId
from weighbridge.hub.reproductions import Attested
from weighbridge.report import Anatomy
from weighbridge.report.text import visible
from weighbridge.server.web import links, markdown, units
from weighbridge.server.web.cards import Page as Card
from weighbridge.server.web.facts import Weight
from weighbridge.server.web.views.parts import Chip, Command, Fact, Moment
from weighbridge.server.web.views.repo import RepoHead, short
from weighbridge.server.web.views.reproductions import ReproductionLine, lines

_MOST_SHARES = 6
_MOST_META = 24
_LONGEST_META = 200
_NO_WEIGHTS = "No weights in a format that Weighbridge reads."
_NOTHING_YET = "Nothing has been weighed yet."
_WHAT_A_CARD_IS = "A README.md at the root becomes the card: what this is, how it was made, what it is good for."
_WHAT_PUBLISHING_DOES = "Publish a folder, and its files, tensors and report appear here."
_SHOWN_ELSEWHERE = ("license", "pipeline_tag", "library_name")


@dataclass(frozen=True, slots=True)
class Share:
    """One type's part of the bytes."""

    text: str
    amount: str
    percent: float


@dataclass(frozen=True, slots=True)
class CardView:
    repo: RepoHead
    card: Markup
    card_text: str
    ticket: tuple[Fact, ...]
    short_oid: str
    shares: tuple[Share, ...]
    ticket_note: str
    commands: tuple[Command, ...]
    meta: tuple[Fact, ...]
    reproductions: tuple[ReproductionLine, ...] = ()
    problem: str = ""
    empty_title: str = ""
    empty_text: str = ""
    empty_commands: tuple[Command, ...] = ()


def card_view(
    repo: Repo,
    head: RepoHead,
    commit: Commit,
    card: Card,
    anatomy: Anatomy | None,
    weight: Weight,
    endpoint: str,
    attested: Iterable[Attested] = (),
) -> CardView:
    """`endpoint` is this hub's own address."""
    fits = len(card.body) <= markdown.LIMIT
    begun = weight.files > 1 or bool(commit.parents)  # a repository is made with one file, and one commit
    return CardView(
        repo=head,
        card=rendered(card.body, repo.id, head.revision) if fits else Markup(),
        card_text="" if fits else card.body[: markdown.LIMIT],
        ticket=tuple(_ticket(repo, commit, anatomy, weight)),
        short_oid=short(commit.oid),
        shares=tuple(_shares(anatomy)),
        ticket_note=_NO_WEIGHTS if begun else _NOTHING_YET,
        commands=tuple(_commands(repo.id, head.revision, anatomy, endpoint)) if begun else (),
        meta=tuple(_meta(card.meta)),
        reproductions=lines(attested),
        problem=visible(card.problem, 400),
        empty_title="No card yet" if begun else "Empty so far",
        empty_text=_WHAT_A_CARD_IS if begun else _WHAT_PUBLISHING_DOES,
        empty_commands=() if begun else _publish(repo.id, endpoint),
    )


def rendered(text: str, repo: RepoId, revision: str, path: str = "README.md") -> Markup:
    """Markdown of a repository's file as safe HTML."""
    addresses = markdown.Addresses(
        page=links.at(repo, "blob", revision) + "/", raw=links.at(repo, "resolve", revision) + "/", path=path
    )
    return Markup(markdown.render(text, addresses)) if text.strip() else Markup()  # noqa: S704 (nh3 cleaned it)


def chips(card: Card, anatomy: Anatomy | None) -> list[Chip]:
    """What a repository is, in a few words."""
    found = []
    if anatomy and anatomy.tensors:
        found.append(Chip(units.count(anatomy.parameters), label="parameters", title=f"{anatomy.parameters:,}"))
        found += [Chip(group.name) for group in anatomy.dtypes[:2]]
    if card.text("license"):
        found.append(Chip(visible(card.text("license"), 40), label="license"))
    found += [Chip(visible(card.text(key), 40)) for key in ("pipeline_tag", "library_name") if card.text(key)]
    return found


def _ticket(repo: Repo, commit: Commit, anatomy: Anatomy | None, weight: Weight) -> list[Fact]:
    facts = []
    if anatomy and anatomy.tensors:
        facts.append(Fact("Parameters", f"{anatomy.parameters:,}"))
        facts.append(Fact("Tensors", f"{anatomy.tensors:,}"))
        if anatomy.architecture:
            facts.append(Fact("Architecture", visible(anatomy.architecture, 40)))
    facts.append(Fact("Files", f"{weight.files:,}"))
    facts.append(Fact("Size", units.size(weight.nbytes), f"{weight.nbytes:,} bytes"))
    if weight.stored is not None and weight.nbytes:
        facts.append(Fact("Stored in", units.size(weight.stored), f"{weight.stored:,} bytes"))
        facts.append(Fact("Saved", units.percent(1 - weight.stored / weight.nbytes)))
    updated = Moment.of(commit.date)
    facts.append(Fact("Updated", updated.age, updated.exact))
    facts.append(Fact("Downloads", f"{repo.downloads:,}"))
    return facts


def _shares(anatomy: Anatomy | None) -> list[Share]:
    if anatomy is None or not anatomy.nbytes:
        return []
    total = anatomy.nbytes
    groups = sorted(anatomy.dtypes, key=lambda group: -group.nbytes)[:_MOST_SHARES]
    return [Share(group.name, units.size(group.nbytes), round(100 * group.nbytes / total, 2)) for group in groups]


def _commands(repo: RepoId, revision: str, anatomy: Anatomy | None, endpoint: str) -> list[Command]:
    """Branch names are a stranger's text: whatever is pasted is quoted for where it is pasted."""
    named = revision != "main"
    options = _kind_option(repo, "--repo-type") + (f" --revision {quote(revision)}" if named else "")
    arguments = "" if repo.kind == "model" else f', repo_type="{repo.kind}"'
    arguments += f", revision={json.dumps(revision)}" if named else ""
    wanted = f"{repo}@{revision}" if named else str(repo)
    found = [
        Command("hf", f"export HF_ENDPOINT={endpoint}\nhf download {repo}{options}"),
        Command(
            "Python",
            "from huggingface_hub import snapshot_download\n\n"
            f'folder = snapshot_download(\n    "{repo}"{arguments},\n    endpoint="{endpoint}",\n)',
        ),
        Command("weigh", f"weigh pull {quote(wanted)}{_kind_option(repo, '--kind')} \\\n  --hub {endpoint}"),
    ]
    if anatomy and anatomy.architecture and repo.kind == "model":
        loading = f'from transformers import AutoModel\n\nmodel = AutoModel.from_pretrained("{repo}"{arguments})'
        found.insert(2, Command("transformers, with HF_ENDPOINT set", loading))
    return found


def _publish(repo: RepoId, endpoint: str) -> tuple[Command, ...]:
    hf = f"export HF_ENDPOINT={endpoint}\nhf upload {repo} ./folder{_kind_option(repo, '--repo-type')}"
    weigh = f"weigh push ./folder {repo}{_kind_option(repo, '--kind')} \\\n  --hub {endpoint}"
    return (Command("With the Hugging Face client", hf), Command("With weigh", weigh))


def _kind_option(repo: RepoId, option: str) -> str:
    return "" if repo.kind == "model" else f" {option} {repo.kind}"


def _meta(meta: Mapping[str, object]) -> list[Fact]:
    shown = [(key, value) for key, value in meta.items() if key not in _SHOWN_ELSEWHERE]
    return [Fact(visible(key, 60), _plain(value)) for key, value in shown[:_MOST_META]]


def _plain(value: object) -> str:
    if isinstance(value, list):
        plain = [str(item) for item in value if not isinstance(item, dict | list)]
        text = ", ".join(plain) if len(plain) == len(value) else units.plural(len(value), "entry", "entries")
    elif isinstance(value, dict):
        text = ", ".join(map(str, value))
    else:
        text = "–" if value is None else str(value)
    return visible(text, _LONGEST_META)
