"""Model cards, HTML and SVG: what showing them would run."""

from __future__ import annotations

from collections.abc import Iterator

from weighbridge.report.model import Severity
from weighbridge.scan.item import Inside, Item
from weighbridge.scan.model import Found, Rule, Sure
from weighbridge.scan.texts.markup import Active, Deed, active

_CARDS = frozenset({".md", ".markdown", ".mdx", ".svg"})
_PAGES = frozenset({".html", ".htm", ".xhtml"})
_MOST = 4 << 20
_RUNNING = frozenset({Deed.SCRIPT, Deed.HANDLER, Deed.ADDRESS})
_TOLD = 10


class CardScript(Rule):
    """A card or a picture carries a script.

    Markdown and SVG are shown by whoever opens a model's page. A ``<script>``, an attribute such as ``onerror`` or an
    address that is a script has the reader's browser run it, in the name of the reader, wherever the page is shown
    without being cleaned first.

    What to do: take it out; a card has no need for scripts.
    """

    id = "page.card-script"
    sure = Sure.LIKELY
    hint = "Take the script out: cards and pictures need none."


class CardEmbeds(Rule):
    """A card shows another page inside of it, sends forms, or leads elsewhere by itself.

    What a reader sees then comes from somewhere else and can change after the card was looked at.

    What to do: link to the other page instead.
    """

    id = "page.card-embeds"
    severity = Severity.WARNING
    hint = "Link to the other page instead."


class ActivePage(Rule):
    """A page in HTML runs scripts.

    Reports and notebooks that were saved as pages do. Opened from a disk, such a script can read what the browser lets
    pages on that disk read.

    What to do: open it only if you would run a program from the same source.
    """

    id = "page.active"
    severity = Severity.INFO
    hint = "Open it only if you would run a program from the same source."


class PageJudge:
    """See the module."""

    name = "page"
    rules = (CardScript, CardEmbeds, ActivePage)

    def recognises(self, item: Item) -> bool:
        return item.extension in _CARDS or item.extension in _PAGES

    def judge(self, item: Item) -> Iterator[Found | Inside]:
        text = item.read(_MOST).decode("utf-8", "replace")
        told: dict[tuple[type[Rule], str], None] = {}
        for each in active(text, markdown=item.extension not in (".svg", *_PAGES)):
            rule: type[Rule] = CardScript if each.deed in _RUNNING else CardEmbeds
            if item.extension in _PAGES:
                if rule is CardEmbeds:
                    continue
                rule = ActivePage
            told.setdefault((rule, _said(each, text)))
            if len(told) >= _TOLD:
                break
        for rule, said in told:
            yield rule.found(said)


def _said(each: Active, text: str) -> str:
    what = f" ({each.what})" if each.what else ""
    line = text.count("\n", 0, each.at) + 1
    return f"{each.deed.value}{what} in line {line:,}"


PAGES = PageJudge()
