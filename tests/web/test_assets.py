from __future__ import annotations

import gzip
import re

import pytest

from weighbridge.server.web import assets


@pytest.mark.parametrize(
    "name", ["tokens.css", "layout.css", "parts.css", "prose.css", "theme.js", "page.js", "mark.svg"]
)
def test_our_files_may_be_kept_for_ever(client, name):
    address = assets.address(name)
    answer = client.get(address)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert re.fullmatch(rf"/-/static/{name.split('.')[0]}\.[0-9a-f]{{12}}\.{name.split('.')[1]}", address)
    again = client.get(address, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.head(address).headers["content-length"] == answer.headers["content-length"]


@pytest.mark.parametrize(("name", "begins"), [("figures.css", b":root"), ("figures.js", b"//")])
def test_the_figures_bring_their_own_style_and_script(client, name, begins):
    assert client.get(assets.address(name)).content.startswith(begins)


def test_plotly_comes_from_its_wheel_under_its_version(client):
    address = assets.address(assets.PLOTLY)
    assert re.search(r"/plotly-\d+\.\d+\.\d+\S*\.min\.js$", address)
    plain = client.get(address, headers={"accept-encoding": "identity"})
    assert b"plotly.js v" in plain.content[:200]
    packed = client.get(address)
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content  # the client unpacks
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert len(gzip.compress(plain.content, 1)) < len(plain.content)


def test_only_pages_with_figures_load_plotly(client):
    plotly = assets.address(assets.PLOTLY)
    tensors = client.get("/lab/tiny-bert/tensors/main").text
    assert f'<script src="{plotly}" defer>' in tensors
    for address in ("/", "/lab/tiny-bert", "/lab/tiny-bert/tree/main", "/lab/tiny-bert/tensors/main?q=query"):
        assert plotly not in client.get(address).text


@pytest.mark.parametrize(
    "name", ["tokens.css", "../pages.py", "..%2Fpages.py", "x.000000000000.css", "plotly-0.0.min.js"]
)
def test_nothing_else_is_served(client, name):
    assert client.get(f"/-/static/{name}").status_code == 404


def test_styles_use_only_colours_that_have_a_light_and_a_dark_form():
    sheets = {name: assets._small()[name].content.decode() for name in ("layout.css", "parts.css", "prose.css")}
    for name, sheet in sheets.items():
        assert not re.search(r"#[0-9a-fA-F]{3,8}\b", sheet), name


def _contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(side):
    tokens = assets._small()["tokens.css"].content.decode()
    colours = {
        name: (light, dark)[side]
        for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", tokens)
    }
    for text in ("ink", "soft", "link"):
        for behind in ("bg", "panel", "sunken"):
            assert _contrast(colours[text], colours[behind]) >= 4.5, (text, behind)
    for tone in ("good", "warn", "bad", "link"):
        assert _contrast(colours[tone], colours[f"{tone}-soft"]) >= 4.5, tone
