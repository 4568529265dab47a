"""Plotly figures from plain values: one module that the HTML report, the web pages and a notebook share.

- `Figure`: what Plotly draws (``data`` and ``layout``, plain JSON), its summary in words, its legend.
- `treemap`, `histogram`, `bars`, `lines`, `spread`: values in, a `Figure` out. They know nothing of checkpoints
  or reports.
- `embed`, `embed_histograms`: a fragment of HTML that holds a figure as data; nothing in it runs.
- `stylesheet`, `script`, `plotly_path`: the three things a page needs once to draw its fragments, light or dark.

A leaf: it imports no other layer, and never Plotly's Python code (its wheel only carries plotly.min.js). Labels may be
hostile: they are escaped here both for HTML and for the little markup that Plotly reads in labels.
"""

from weighbridge.figures.assets import plotly_path, script
from weighbridge.figures.bars import Bar, bars
from weighbridge.figures.embed import Histogram, embed, embed_histograms
from weighbridge.figures.figure import Figure
from weighbridge.figures.histogram import histogram
from weighbridge.figures.lines import Line, lines
from weighbridge.figures.spread import spread
from weighbridge.figures.theme import DARK, LIGHT, PALETTE, Theme, stylesheet, template
from weighbridge.figures.treemap import Tile, treemap

__all__ = [
    "DARK",
    "LIGHT",
    "PALETTE",
    "Bar",
    "Figure",
    "Histogram",
    "Line",
    "Theme",
    "Tile",
    "bars",
    "embed",
    "embed_histograms",
    "histogram",
    "lines",
    "plotly_path",
    "script",
    "spread",
    "stylesheet",
    "template",
    "treemap",
]
