"""Active content in HTML, SVG and Markdown: what a browser that shows the page would run, send or fetch.

Tags are taken as a browser takes them, which is leniently: an attribute may follow a slash or a quote, an address may
hold entities, blanks and control characters. In Markdown, code is text and is left out first.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

_TAG = re.compile(r"<([A-Za-z][A-Za-z0-9:-]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*'|[\"'])*)>?")
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]{1,100}) ?= ?("[^"]*"|'[^']*'|[^\s"'<>]+)""")
_WHITE = re.compile(r"\s+")
_ADDRESSES = frozenset(
    {"href", "src", "xlink:href", "action", "formaction", "data", "poster", "background", "from", "to", "values"}
)
_BLANKS = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028\u2029\ufeff]+")
_RUNS = re.compile(
    r"(?:javascript|vbscript|livescript):|data:(?:text/html|application/xhtml|text/xml|application/xml)", re.IGNORECASE
)
_LINK = re.compile(  # [text](address), [label]: address, <address>
    r"\]\(\s*<?\s*([^\s)>]{1,4000})|^[ ]{0,3}\[[^\]\n]{1,200}\]:\s*<?([^\s>]{1,4000})|<([A-Za-z]+:[^\s>]{1,4000})>",
    re.MULTILINE,
)
_EMBEDDING = frozenset({"iframe", "frame", "object", "embed", "applet", "portal"})
_DATA_SCRIPTS = ("json", "template", "text/x-", "text/html", "math/", "importmap", "text/plain")
_FENCE = re.compile(r"^[ ]{0,3}(`{3,}(?!`)|~{3,}(?!~))[^\n]*\n.*?(?:^[ ]{0,3}\1[`~]*[ \t]*$|\Z)", re.M | re.S)
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(?:(?!\n[ \t]*\n).){0,5000}?(?<!`)\1(?!`)", re.S)
_COMMENT = re.compile(r"<!--.*?(?:--!?>|\Z)", re.S)


class Deed(Enum):
    """What a page does."""

    SCRIPT = "runs a script"
    HANDLER = "runs a script when something happens to it"
    ADDRESS = "has a link that is a script"
    EMBEDS = "shows another page inside of it"
    SENDS = "has a form that is sent elsewhere"
    MOVES = "leads elsewhere by itself"


@dataclass(frozen=True, slots=True)
class Active:
    """One place where a page is active, by its offset in characters."""

    deed: Deed
    what: str
    at: int


def active(text: str, *, markdown: bool = False) -> Iterator[Active]:
    """Every place of a page that is active, in the order of the text."""
    page = _without_code(text) if markdown else text
    page = _COMMENT.sub(_blanked, page)
    if markdown:
        for found in _LINK.finditer(page):
            if _runs(found[1] or found[2] or found[3]):
                yield Active(Deed.ADDRESS, found[0][:80], found.start())
    for tag in _TAG.finditer(page):
        yield from _of_tag(tag[1].lower(), tag[2], tag.start())


def _of_tag(name: str, rest: str, at: int) -> Iterator[Active]:
    attributes = {found[1].lower(): _value(found[2]) for found in _ATTRIBUTE.finditer(_WHITE.sub(" ", rest))}
    local = name.rpartition(":")[2]
    if local == "script":
        kind = attributes.get("type", "").lower()
        if not any(word in kind for word in _DATA_SCRIPTS):
            yield Active(Deed.SCRIPT, attributes.get("src", "")[:80], at)
    if local in _EMBEDDING:
        yield Active(Deed.EMBEDS, attributes.get("src", attributes.get("data", ""))[:80], at)
    if local == "form" and "://" in attributes.get("action", ""):
        yield Active(Deed.SENDS, attributes["action"][:80], at)
    if local == "base" or (local == "meta" and attributes.get("http-equiv", "").lower() == "refresh"):
        yield Active(Deed.MOVES, attributes.get("href", attributes.get("content", ""))[:80], at)
    for key, value in attributes.items():
        if len(key) > 4 and key.startswith("on") and key.isalpha():
            yield Active(Deed.HANDLER, f"{name} {key}", at)
        elif key in _ADDRESSES and _runs(value):
            yield Active(Deed.ADDRESS, value[:80], at)
        elif key == "srcdoc":
            yield from (Active(each.deed, each.what, at) for each in active(value))


def _value(text: str) -> str:
    return html.unescape(text[1:-1] if text[:1] in "\"'" else text)


def _runs(address: str) -> bool:
    return bool(_RUNS.match(_BLANKS.sub("", html.unescape(address))))


def _without_code(text: str) -> str:
    return _SPAN.sub(_blanked, _FENCE.sub(_blanked, text))


def _blanked(found: re.Match[str]) -> str:
    """As many characters as before, so that offsets stay true."""
    return re.sub(r"[^\n]", " ", found[0])
