"""Cards are written by strangers: whatever they hold, the page can only be read."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.server.web.markdown import LIMIT, Addresses, render

ADDRESSES = Addresses(page="/org/model/blob/main/", raw="/org/model/resolve/main/")

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    '<a href=" \x01javascript:alert(1)">x</a>',
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:x)",
    "<svg onload=alert(1)><circle/></svg>",
    '<iframe src="/"></iframe>',
    '<form action="/-/sign-out" method="post"><button>free weights</button></form>',
    "<style>body { display: none }</style>",
    '<div style="position: fixed; inset: 0">x</div>',
    '<base href="//evil.example/">',
    '<meta http-equiv="refresh" content="0; url=//evil.example/">',
    '<link rel="stylesheet" href="//evil.example/x.css">',
    '<math><mtext><table><mglyph><style><img src=x onerror="alert(1)">',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<!--><img src=x onerror=alert(1)>-->",
    "```html\n</code></pre><script>alert(1)</script>\n```",
    "| a |\n|---|\n| <script>alert(1)</script> |",
    '# <img src=x onerror="alert(1)">',
    '![x" onerror="alert(1)](x.png)',
]

ALLOWED_ATTRIBUTES = {
    *("href", "title", "src", "alt", "width", "height", "align", "colspan", "rowspan", "start", "open", "id", "rel")
}


class Seen(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, attribute: str) -> list[str]:
        return [attributes[attribute] or "" for _, attributes in self.tags if attribute in attributes]


def assert_harmless(html: str) -> None:
    seen = Seen(html)
    tags = {tag for tag, _ in seen.tags}
    forbidden = {"script", "style", "iframe", "object", "embed", "form", "input", "button", "svg", "math", "base"}
    assert not tags & (forbidden | {"meta", "link", "noscript", "template", "video", "audio", "source"})
    assert {name for _, attributes in seen.tags for name in attributes} <= ALLOWED_ATTRIBUTES
    for href in seen.all("href"):
        assert href.startswith(("/org/model/blob/main/", "#card-", "http://", "https://", "mailto:")), href
    for src in seen.all("src"):
        assert src.startswith("/org/model/resolve/main/"), src
    for name in seen.all("id"):
        assert name.startswith("card-")


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_becomes_harmless_markup(attack):
    assert_harmless(render(attack, ADDRESSES))


@given(st.text(alphabet=st.sampled_from(list("<>\"'=/\\ \n\t:#[]()!&;`|-*_abjscript\x00\x01\u202e")), max_size=200))
def test_no_mixture_of_markup_characters_gets_through(text):
    assert_harmless(render(text, ADDRESSES))


def test_links_and_pictures_lead_into_the_repository():
    html = render("[a](docs/b c.md#Part) ![p](img/x.png) <img src='y.png'>".replace("b c", "b%20c"), ADDRESSES)
    seen = Seen(html)
    assert seen.all("href") == ["/org/model/blob/main/docs/b%20c.md#card-Part"]
    assert seen.all("src") == ["/org/model/resolve/main/img/x.png", "/org/model/resolve/main/y.png"]


def test_a_relative_address_cannot_climb_out_of_the_repository():
    nested = Addresses(ADDRESSES.page, ADDRESSES.raw, "docs/deep/README.md")
    seen = Seen(render("![a](../up.png) ![b](../../../../etc/x.png) ![c](/root.png)", nested))
    raw = "/org/model/resolve/main"
    assert seen.all("src") == [f"{raw}/docs/up.png", f"{raw}/etc/x.png", f"{raw}/root.png"]


@pytest.mark.parametrize(
    "address",
    ["https://evil.example/x.png", "//evil.example/x.png", "/\\evil.example/x.png", "\\\\evil.example/x.png", "data:x"],
)
def test_a_picture_from_elsewhere_loses_its_source_and_keeps_its_words(address):
    seen = Seen(render(f'<img src="{address}" alt="a badge">', ADDRESSES))
    assert seen.tags == [("p", {}), ("img", {"alt": "a badge"})] or seen.tags == [("img", {"alt": "a badge"})]


def test_links_to_other_sites_stay_but_say_nothing_about_where_one_comes_from():
    tags = Seen(render("[x](https://example.org/a)", ADDRESSES)).tags
    attributes = next(attributes for tag, attributes in tags if tag == "a")
    assert attributes["href"] == "https://example.org/a"
    assert {"nofollow", "noreferrer", "noopener"} <= set(attributes["rel"].split())


def test_headings_can_be_linked_to_and_repeat_without_clashing():
    html = render("# Two words\n\n## Two words\n\n[there](#two-words-1)", ADDRESSES)
    assert 'id="card-two-words"' in html
    assert 'id="card-two-words-1"' in html
    assert 'href="#card-two-words-1"' in html


def test_tables_keep_their_alignment_without_inline_styles():
    html = render("|a|b|\n|:-|-:|\n|1|2|", ADDRESSES)
    assert '<td align="right">2</td>' in html
    assert "style" not in html


@pytest.mark.timeout(60)  # where the parser would be quadratic it would take hours
@pytest.mark.parametrize("piece", ["[", "[a](", "![a", "<div>\n\n", "a**b"])
def test_the_largest_card_is_rendered(piece):
    text = (piece * LIMIT)[:LIMIT]
    assert_harmless(render(text, ADDRESSES))
