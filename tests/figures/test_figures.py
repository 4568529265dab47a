"""Figures are what Plotly takes, and hold hostile labels harmlessly."""

import json
import subprocess
import sys

import plotly.graph_objects as go
import pytest

from weighbridge.figures import Bar, Figure, Tile, bars, histogram, plotly_path, template, treemap
from weighbridge.figures.theme import DARK, LIGHT, ON_PALETTE, PALETTE
from weighbridge.figures.treemap import MAX_GROUPS, MAX_TILES

HOSTILE = '</script><img src=x onerror=alert(1)><a href="javascript:alert(1)">x</a>&lt;b&gt;'


def validated(figure: Figure):
    """The figure as Plotly's own classes understand it; they raise on anything that it does not know."""
    return go.Figure(json.loads(json.dumps(figure.to_plotly())))


def test_each_area_is_the_sum_of_what_lies_in_it():
    tiles = [Tile("a.w", "a", 3), Tile("a.b", "a", 2), Tile("c", "", 5), Tile("empty", "a", 0)]
    trace = validated(treemap(tiles)).data[0]
    sums = dict(zip(trace.ids, trace.values, strict=True))
    inside = dict.fromkeys(sums, 0)
    for parent, value in zip(trace.parents, trace.values, strict=True):
        if parent:
            inside[parent] += value
    assert all(total in (0, sums[identifier]) for identifier, total in inside.items())
    assert sums[trace.ids[0]] == 10
    assert len(set(trace.ids)) == len(trace.ids)
    assert "empty" not in trace.labels


def test_a_tensor_that_is_its_own_group_is_drawn_once():
    trace = treemap([Tile("lm_head", "lm_head", 4)]).data[0]
    assert trace["labels"] == ["all", "lm_head"]


def test_any_number_of_tensors_stays_drawable():
    tiles = [Tile(f"{at % 900}.{at}", f"layer {at % 900}", 1 + at) for at in range(10_000)]
    figure = treemap(tiles)
    trace = validated(figure).data[0]
    assert len(trace.ids) <= MAX_TILES + 2 * MAX_GROUPS + 2
    assert sum(v for v, p in zip(trace.values, trace.parents, strict=True) if p == "0") == sum(t.size for t in tiles)
    assert "500 smaller groups" in trace.labels


def test_no_tensors_make_an_empty_figure():
    assert treemap([]).data == ()
    assert bars([], what="Bytes").data == ()
    validated(treemap([]))
    validated(bars([], what="Bytes"))


@pytest.mark.parametrize(
    ("low", "high", "counts"),
    [(-1.0, 1.0, list(range(64))), (0.0, 0.0, [7] + [0] * 63), (1e-320, 1e-320, [1]), (0, 1, [])],
)
def test_histograms_have_bars_of_some_width(low, high, counts):
    trace = validated(histogram("w", low, high, counts)).data[0]
    assert trace.width > 0
    assert list(trace.y) == counts
    assert all(low <= x <= high for x in trace.x)


def test_bars_beyond_the_limit_are_told_by_number():
    figure = bars([Bar(str(at), 1, "1 B") for at in range(100)], what="Bytes")
    trace = validated(figure).data[0]
    assert list(trace.x) == [1] * 40 + [0]
    assert figure.layout["yaxis"]["ticktext"][-1] == "and 60 more"


def test_a_group_without_room_for_a_frame_shows_its_tensors_colour():
    large, small = Tile("a.w", "a", 10_000, "x"), Tile("b.w", "b", 1, "y")
    figure = treemap([large, small])
    trace = figure.data[0]
    colours = dict(zip(trace["labels"], trace["marker"]["colors"], strict=True))
    assert colours["b"] == dict(figure.legend)["y"]
    assert colours["a"] not in dict(figure.legend).values()


def test_labels_are_shown_not_obeyed():
    """Plotly reads a little markup in labels: none of ours may hold any but line breaks of our own."""
    tile = treemap([Tile(HOSTILE, "g", 1, note=HOSTILE)]).data[0]
    bar = bars([Bar(HOSTILE, 1, HOSTILE)], what="Bytes")
    texts = [*tile["labels"], *tile["hovertext"], *bar.data[0]["text"], *bar.data[0]["hovertext"]]
    for text in [*texts, *bar.layout["yaxis"]["ticktext"]]:
        assert "<" not in text.replace("<br>", "")


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_text_stands_out_from_its_background(theme):
    pairs = [(text, back) for text in (theme.text, theme.muted, theme.accent) for back in (theme.page, theme.surface)]
    pairs += [
        (theme.accent, theme.accent_soft),
        (theme.good, theme.good_soft),
        (theme.warning, theme.warning_soft),
        (theme.danger, theme.danger_soft),
    ]
    assert min(contrast(*pair) for pair in pairs) >= 4.5


def test_text_on_areas_can_be_read():
    assert min(contrast(colour, ON_PALETTE) for colour in PALETTE) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_templates_are_plotlys(theme):
    assert go.layout.Template(template(theme)).layout.font.color == theme.text


def test_plotly_is_found_without_importing_it():
    assert plotly_path().stat().st_size > 1_000_000
    code = "import sys, weighbridge.figures as f; f.plotly_path(); f.script(); assert 'plotly' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
