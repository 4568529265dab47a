"""How often which values occur."""

from __future__ import annotations

from collections.abc import Sequence
from math import ulp

from weighbridge.figures.figure import Figure, label

HEIGHT = 320


def histogram(name: str, low: float, high: float, counts: Sequence[int]) -> Figure:
    """Bars for `counts` in bins of equal width between `low` and `high`. A single value gives one narrow bar."""
    width = (high - low) / len(counts) if counts else 0.0
    width = width or max(abs(low) * 1e-3, ulp(0.0), 1e-12)
    centres = [low + width * (index + 0.5) for index in range(len(counts))] if high > low else [low] * len(counts)
    trace = {
        "type": "bar",
        "x": centres,
        "y": list(counts),
        "width": width,
        "marker": {"line": {"width": 0}},
        "hovertemplate": "about %{x:.4g}: %{y:,} values<extra></extra>",
    }
    return Figure(
        data=(trace,),
        layout={
            "height": HEIGHT,
            "bargap": 0,
            "xaxis": {"title": {"text": "value"}},
            "yaxis": {"title": {"text": "how many"}},
            "showlegend": False,
        },
        summary=f"Histogram of the values of {label(name)}, from {low:.4g} to {high:.4g}.",
    )
