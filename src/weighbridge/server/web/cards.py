"""A README as two things: the facts in its front matter, and the text below."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from weighbridge.documents.cards import Json, front_matter, parse_card


@dataclass(frozen=True, slots=True)
class Page:
    """`problem` says why the front matter could not be read; the text is shown all the same."""

    meta: Mapping[str, Json] = field(default_factory=dict)
    body: str = ""
    problem: str = ""

    def text(self, key: str) -> str:
        """A plain value of the front matter, "" where it is missing or not plain."""
        value = self.meta.get(key)
        return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def read(readme: bytes) -> Page:
    """Never raises: a card is a stranger's text, and one that we cannot read hides nothing."""
    text = readme.decode("utf-8", "replace").lstrip("\ufeff").replace("\r\n", "\n")
    card = parse_card(readme)
    header = front_matter(text)
    # The header lies between two fences; the second one is the first that follows it.
    body = text[text.index(header) + len(header) :].partition("\n")[2] if header else text
    return Page(card.data, body, card.problem)
