"""Figures inside a page, as data: a fragment holds JSON that `script` draws, and nothing that a browser would run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from weighbridge.figures.figure import Figure
from weighbridge.figures.histogram import histogram

_SCRIPT_SAFE = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


@dataclass(frozen=True, slots=True)
class Histogram:
    """One tensor's histogram for `embed_histograms`: see `histogram`."""

    name: str
    low: float
    high: float
    counts: Sequence[int]


def json_block(data: Any) -> str:
    """JSON in an element of a page. No text in it can end the element, nor be taken for markup."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return f'<script type="application/json">{text.translate(_SCRIPT_SAFE)}</script>'


def embed(figure: Figure | Mapping[str, Figure]) -> str:
    """One figure, or several to choose from, each under the label of its button."""
    figures = {"": figure} if isinstance(figure, Figure) else dict(figure)
    variants = [
        {"label": label, "summary": each.summary, "legend": each.legend, **each.to_plotly()}
        for label, each in figures.items()
    ]
    first = next(iter(figures.values()))
    return (
        f'<figure class="wb-figure" data-wb="figure">{json_block(variants)}'
        f'<div class="wb-controls" hidden></div>'
        f'<div class="wb-plot" role="img" aria-label="{escape(first.summary)}"></div>'
        f'<ul class="wb-legend" hidden></ul></figure>'
    )


def embed_histograms(histograms: Sequence[Histogram]) -> str:
    """One histogram at a time, its tensor chosen from a list. The page keeps counts: 64 take about 250 bytes."""
    rows = [[each.name, each.low, each.high, list(each.counts)] for each in histograms]
    layout = histogram("", 0.0, 1.0, [0]).to_plotly()
    data = {"rows": rows, "figure": layout}
    return (
        f'<figure class="wb-figure" data-wb="histograms">{json_block(data)}'
        '<div class="wb-controls"><label>Tensor <select></select></label>'
        '<button type="button" aria-pressed="false" data-wb-log>log scale</button></div>'
        '<div class="wb-plot" role="img"></div></figure>'
    )
