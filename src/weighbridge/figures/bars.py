"""A few named sizes beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weighbridge.figures.figure import Figure, label
from weighbridge.figures.theme import PALETTE

MAX_BARS = 40


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, and the text written at its end."""

    name: str
    size: int
    text: str = ""


def bars(items: Sequence[Bar], *, what: str) -> Figure:
    """Horizontal bars from top to bottom in the order given; of those after `MAX_BARS` only the number is told."""
    shown = list(items[:MAX_BARS])
    rest = items[MAX_BARS:]
    if rest:
        # A bar of their sum would dwarf all others.
        shown.append(Bar(f"and {len(rest):,} more", 0))
    trace = {
        "type": "bar",
        "orientation": "h",
        # Rows, not names, are the categories: two names may be cut to the same label.
        "y": list(range(len(shown))),
        "x": [item.size for item in shown],
        "text": [label(item.text) for item in shown],
        "textposition": "auto",
        "cliponaxis": False,
        "marker": {"color": PALETTE[0]},
        "hovertext": [f"{label(item.name, 120)}<br>{label(item.text)}" for item in shown],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    return Figure(
        data=(trace,) if shown else (),
        layout={
            "height": 60 + 26 * len(shown),
            "bargap": 0.25,
            "xaxis": {"visible": False},
            "yaxis": {
                "autorange": "reversed",
                "tickvals": list(range(len(shown))),
                "ticktext": [label(item.name, 32) for item in shown],
                "showgrid": False,
                "ticks": "outside",
                "ticklen": 6,
                "tickcolor": "rgba(0,0,0,0)",
            },
            "showlegend": False,
        },
        summary=f"{what}: " + "; ".join(f"{item.name} {item.text or item.size}" for item in shown[:8]) + ".",
    )
