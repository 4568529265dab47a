"""Cards, pictures and pages: what showing them would run."""

import pytest

from weighbridge.scan import Status
from weighbridge.scan.texts.markup import active


def rules(verdict):
    return {found.rule.id for found in verdict.findings}


SCRIPTS = [
    "<script>alert(1)</script>",
    "<SCRIPT src=//evil.test/x.js>",
    "<script\n>fetch('x')",
    "<img src=x onerror=alert(1)>",
    "<img/src='x'/onerror='alert(1)'>",
    '<img src="x"onerror="alert(1)">',
    "<svg><animate onbegin=alert(1) attributeName=x /></svg>",
    "<details open ontoggle\n=\nalert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href="java&#115;cript:alert(1)">x</a>',
    '<a href=" jav\tascript:alert(1)">x</a>',
    '<a href="data:text/html;base64,PHNjcmlwdD4=">x</a>',
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    "[press](javascript:alert(1))",
    "[press]( <JaVaScRiPt:alert(1)> )",
    "[press]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "`code` <script>alert(1)</script> `code`",
    "```\ncode\n```\n<script>alert(1)</script>",
    "<!-- a remark --><script>alert(1)</script>",
]


@pytest.mark.parametrize("text", SCRIPTS)
def test_a_script_in_a_card_is_found(verdict_on, text):
    verdict = verdict_on(f"# A model\n\n{text}\n\nMore.\n".encode(), "README.md")
    assert "page.card-script" in rules(verdict)
    assert verdict.status is Status.DANGEROUS


HARMLESS = [
    "![badge](https://img.shields.io/x.svg) <img src='a.png' width=300 alt='on the left'>",
    "```html\n<script>alert(1)</script>\n```",
    "~~~\n<script>\n~~~",
    "Use `<script>` or ``<img onerror=x>`` with care.",
    "<!-- <script>alert(1)</script> -->",
    "<table><tr><td align='center'>a < b and c > d</td></tr></table>",
    "<details><summary>More</summary>text</details>",
    "[the word javascript: in a text](https://example.org/javascript:)",
    '<script type="application/ld+json">{"@type": "Dataset"}</script>',
    "<p style='color: red' data-on='x' once=1>text</p>",
    "![dot](data:image/png;base64,AAAA)",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_an_ordinary_card_passes(verdict_on, text):
    verdict = verdict_on(f"---\nlicense: mit\n---\n# A model\n\n{text}\n".encode(), "README.md")
    assert (verdict.status, verdict.findings) == (Status.CLEAN, ())


@pytest.mark.parametrize(
    "text", ["<iframe src='https://a.test'></iframe>", "<form action='https://a.test'>", "<meta http-equiv=Refresh>"]
)
def test_what_a_card_shows_from_elsewhere_is_told(verdict_on, text):
    verdict = verdict_on(text.encode(), "README.md")
    assert (rules(verdict), verdict.status) == ({"page.card-embeds"}, Status.CLEAN)


def test_pictures_with_scripts_are_dangerous_and_pages_are_told(verdict_on):
    script = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    assert rules(verdict_on(script, "logo.svg")) == {"page.card-script"}
    verdict = verdict_on(b"<html><script>plot()</script><iframe src=x></iframe>", "report.html")
    assert (rules(verdict), verdict.status) == ({"page.active"}, Status.CLEAN)


def test_the_line_is_told(verdict_on):
    (found,) = verdict_on(b"# m\n\n```\n<b>\n```\n\n<script src='a.js'>", "README.md").findings
    assert found.message == "runs a script (a.js) in line 7"


@pytest.mark.parametrize(
    "unit", ["<a ", "`", "` ``", "<!--", '<a "', "<a x='", "](", "a=", "&#", "```\n", "<a " + "b" * 99]
)
def test_hostile_pages_take_no_longer_than_their_length(unit):
    found = list(active(unit * (200_000 // len(unit)) + "<script>", markdown=True))
    assert all(0 <= each.at <= 200_100 for each in found)
