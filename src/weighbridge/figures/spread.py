"""How a distribution changed: one column of colour for each moment, darker where more values are."""

from __future__ import annotations

from collections.abc import Sequence

from weighbridge.figures.figure import Figure, label
from weighbridge.figures.theme import PALETTE

HEIGHT = 320
ROWS = 48


def spread(name: str, at: Sequence[float], rows: Sequence[tuple[float, float, Sequence[int]]], *, x: str) -> Figure:
    """`rows[i]` is (low, high, counts) of equal bins at moment `at[i]`. Columns share one axis of values.

    Shades are shares of each column's values, so that a column sums to one.
    """
    low, high = min(row[0] for row in rows), max(row[1] for row in rows)
    width = (high - low) / ROWS or 1.0
    columns = [_column(row, low, width) for row in rows]
    trace = {
        "type": "heatmap",
        "x": list(at),
        "y": [low + width * (index + 0.5) for index in range(ROWS)],
        "z": [[round(column[index], 5) for column in columns] for index in range(ROWS)],
        "colorscale": [[0, "rgba(47,109,179,0)"], [1, PALETTE[0]]],
        "showscale": False,
        "hovertemplate": f"{label(x)} %{{x}}, about %{{y:.3g}}: %{{z:.1%}} of values<extra></extra>",
    }
    return Figure(
        data=(trace,),
        layout={
            "height": HEIGHT,
            "xaxis": {"title": {"text": label(x)}},
            "yaxis": {"title": {"text": "value"}},
            "showlegend": False,
        },
        summary=f"Values of {label(name)} over {len(rows)} moments, from {low:.4g} to {high:.4g}.",
    )


def _column(row: tuple[float, float, Sequence[int]], low: float, width: float) -> list[float]:
    """The row's counts shared out to the common bins, by where their edges fall."""
    start, end, counts = row
    step = (end - start) / len(counts)
    total = sum(counts) or 1
    column = [0.0] * ROWS
    for index, count in enumerate(counts):
        a, b = start + step * index, start + step * (index + 1)
        first = min(max(int((a - low) / width), 0), ROWS - 1)
        last = min(max(int((b - low) / width), first), ROWS - 1)
        for bin_ in range(first, last + 1):
            inside = min(b, low + width * (bin_ + 1)) - max(a, low + width * bin_)
            share = inside / step if step else 1 / (last - first + 1)
            column[bin_] += count / total * max(share, 0.0)
    return column
