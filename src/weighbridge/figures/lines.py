"""Values over steps, as lines that share an axis: a learning curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weighbridge.figures.figure import Figure, label
from weighbridge.figures.theme import PALETTE

HEIGHT = 340
MOST_POINTS = 2000


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `faint` for what is noisy and only the background of the others."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    faint: bool = False


def lines(items: Sequence[Line], *, x: str, y: str, what: str) -> Figure:
    """The lines in one plot, with axes named `x` and `y`; of long ones every so many-th point is drawn."""
    return Figure(
        data=tuple(_trace(item, PALETTE[index % len(PALETTE)]) for index, item in enumerate(items)),
        layout={
            "height": HEIGHT,
            "xaxis": {"title": {"text": label(x)}},
            "yaxis": {"title": {"text": label(y)}, "rangemode": "tozero"},
            "hovermode": "x unified",
            "showlegend": False,
        },
        summary=f"{what}: " + "; ".join(_told(item) for item in items if len(item.y)) + ".",
        legend=tuple((item.name, PALETTE[index % len(PALETTE)]) for index, item in enumerate(items)),
    )


def _trace(item: Line, colour: str) -> dict[str, object]:
    every = max(-(-len(item.x) // MOST_POINTS), 1)
    few = len(item.x) <= 60 and not item.faint
    return {
        "type": "scatter",
        "mode": "lines+markers" if few else "lines",
        "name": label(item.name),
        "x": list(item.x[::every]),
        "y": list(item.y[::every]),
        "line": {"color": colour, "width": 1 if item.faint else 2},
        "opacity": 0.45 if item.faint else 1,
        "hovertemplate": "%{y:.4g}",
    }


def _told(item: Line) -> str:
    return f"{item.name} from {item.y[0]:.4g} to {item.y[-1]:.4g}"
