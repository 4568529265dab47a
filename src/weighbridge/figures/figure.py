"""The value that every figure is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# What Plotly reads in a label: entities first, so that no label is decoded into a tag.
_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure without colours of page or text: the theme gives those when it is drawn.

    `data` and `layout` are what Plotly takes; `summary` says in a sentence what the figure shows, for those who do not
    see it; `legend` pairs labels with colours where Plotly draws none.
    """

    data: tuple[dict[str, Any], ...]
    layout: dict[str, Any]
    summary: str
    legend: tuple[tuple[str, str], ...] = ()

    def to_plotly(self) -> dict[str, Any]:
        """The figure as Plotly's JSON: ``plotly.io.from_json(json.dumps(figure.to_plotly()))`` reads it."""
        return {"data": list(self.data), "layout": self.layout}


def label(text: str, limit: int = 0) -> str:
    """`text` as a Plotly label that shows exactly these characters; with a `limit`, the middle of a long one is cut."""
    if limit and len(text) > limit:
        head = (limit - 1) // 2
        text = f"{text[:head]}…{text[len(text) - (limit - 1 - head) :]}"
    return text.translate(_MARKUP)
