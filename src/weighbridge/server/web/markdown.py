"""Markdown by strangers, made into HTML that can do nothing but be read.

markdown-it renders it, raw HTML included, and nh3 then keeps only elements and attributes on its list: no scripts, no
styles, no forms, no frames, no event handlers. Addresses are rewritten on the way: a relative link leads to a page of
the same repository, a relative picture to the file's bytes, and a picture from another host loses its source, so that
looking at a card tells nobody else that it was looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from posixpath import dirname, normpath
from typing import Final
from urllib.parse import quote, unquote, urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

LIMIT: Final = 100_000
"""Characters of markdown that we render; longer cards are shown as text."""

_TAGS: Final = frozenset(
    """a abbr b blockquote br caption code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins kbd li ol p pre
    q s samp small span strong sub summary sup table tbody td tfoot th thead tr tt u ul var""".split()  # noqa: SIM905 (readable as words)
)
_ATTRIBUTES: Final = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan"},
    "p": {"align"},
    "div": {"align"},
    "ol": {"start"},
    "details": {"open"},
    "*": {"id"},
}
_SCHEMES: Final = {"http", "https", "mailto"}
_ANCHOR: Final = "card-"
_NOT_A_SLUG: Final = re.compile(r"[^\w\- ]+")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where relative addresses of one document lead: `page` shows a file, `raw` is its bytes; both end in a slash."""

    page: str
    raw: str
    path: str = "README.md"


def render(text: str, addresses: Addresses) -> str:
    """Safe HTML. `text` longer than `LIMIT` is the caller's to refuse: rendering takes time that grows with it."""
    parser = _parser()
    tokens = parser.parse(text)
    _number_headings(tokens)
    return nh3.clean(
        parser.renderer.render(tokens, parser.options, {}),
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="nofollow noopener noreferrer ugc",
        attribute_filter=_rewriter(addresses),
    )


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": 20})
    # Aligned columns are inline styles, which our policy forbids: say it by the attribute instead.
    parser.add_render_rule("td_open", _aligned)
    parser.add_render_rule("th_open", _aligned)
    return parser.enable(["table", "strikethrough"])


def _aligned(_self: object, tokens: list[Token], index: int, *_: object) -> str:
    token = tokens[index]
    side = str(token.attrGet("style") or "").removeprefix("text-align:")
    return f'<{token.tag} align="{side}">' if side in ("left", "right", "center") else f"<{token.tag}>"


def _number_headings(tokens: list[Token]) -> None:
    """Give headings the ids that links inside the document expect."""
    used: dict[str, int] = {}
    for opening, inline in pairwise(tokens):
        if opening.type != "heading_open":
            continue
        slug = _NOT_A_SLUG.sub("", inline.content.lower()).strip().replace(" ", "-") or "section"
        repeat = used.get(slug, 0)
        used[slug] = repeat + 1
        opening.attrSet("id", f"{slug}-{repeat}" if repeat else slug)


def _rewriter(addresses: Addresses) -> Callable[[str, str, str], str | None]:
    def rewrite(tag: str, attribute: str, value: str) -> str | None:
        if attribute == "id":
            return _ANCHOR + value  # never one of our own ids, nor a name that scripts look up
        if attribute == "href":
            return link(value, addresses)
        if attribute == "src":
            return picture(value, addresses)
        return value

    return rewrite


def link(address: str, addresses: Addresses) -> str | None:
    """Where a link of the document leads, None where it may lead nowhere."""
    if address.startswith("#"):
        return f"#{_ANCHOR}{address[1:]}"
    return _inside(address, addresses.page, addresses.path) or _outside(address)


def picture(address: str, addresses: Addresses) -> str | None:
    """Where a picture of the document lies in this repository, None where it lies anywhere else."""
    return _inside(address, addresses.raw, addresses.path)


def _outside(address: str) -> str | None:
    parts = _split(address)
    return address if parts and parts[0] in _SCHEMES and (parts[1] or parts[0] == "mailto") else None


def _inside(address: str, base: str, document: str) -> str | None:
    """The address under `base` of a path relative to the document; None where it is not one."""
    parts = _split(address)
    if parts is None or parts[0] or parts[1] or not parts[2]:
        return None
    folder = "" if parts[2].startswith("/") else dirname(document)
    # An absolute path may climb no higher than its root, and that root is the repository's.
    path = normpath(f"/{folder}/{unquote(parts[2])}").lstrip("/")
    fragment = f"#{_ANCHOR}{parts[3]}" if parts[3] else ""
    return f"{base}{quote(path, safe='/')}{fragment}" if path != "." else base


def _split(address: str) -> tuple[str, str, str, str] | None:
    """Scheme, host, path and fragment as a browser would see them, None for an address it could see in two ways."""
    plain = "".join(letter for letter in address.strip() if letter.isprintable()).replace("\\", "/")
    try:
        parts = urlsplit(plain)
    except ValueError:
        return None
    return parts.scheme, parts.netloc, parts.path, parts.fragment
