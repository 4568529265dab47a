"""Fragments carry data that a page can read back and a browser cannot be made to run."""

import json
import re

from weighbridge.figures import Histogram, Tile, embed, embed_histograms, histogram, script, stylesheet, treemap

HOSTILE = '</script><script>alert(1)</script><!-- " onload="x'


def data_of(fragment: str):
    """The JSON of a fragment, found as a browser finds it: up to the first end tag."""
    return json.loads(re.search(r'<script type="application/json">(.*?)</script', fragment, re.DOTALL)[1])


def test_the_data_survives_any_text():
    fragment = embed(treemap([Tile(HOSTILE, HOSTILE, 1, HOSTILE)]))
    assert fragment.lower().count("<script") == fragment.lower().count("</script") == 1
    assert data_of(fragment)[0]["data"][0]["type"] == "treemap"
    assert "<!--" not in fragment


def test_an_attribute_cannot_be_left():
    fragment = embed(histogram(HOSTILE, 0.0, 1.0, [1]))
    assert 'onload="x' not in fragment


def test_several_figures_keep_their_labels():
    figure = histogram("w", 0.0, 1.0, [1, 2])
    assert [each["label"] for each in data_of(embed({"one": figure, "two": figure}))] == ["one", "two"]


def test_histograms_are_rows_of_counts():
    data = data_of(embed_histograms([Histogram(HOSTILE, -1.0, 1.0, [1, 2])]))
    assert data["rows"] == [[HOSTILE, -1.0, 1.0, [1, 2]]]


def test_the_script_carries_both_themes():
    assert '"light": {"layout"' in script()
    assert "TEMPLATES" not in script()
    assert "innerHTML" not in script()
    assert "--wb-danger-soft" in stylesheet()
