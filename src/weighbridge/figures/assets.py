"""What a page needs once to draw figures: Plotly's own script, from its wheel, and ours."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from weighbridge.figures.theme import DARK, LIGHT, template


def plotly_path() -> Path:
    """Where the installed Plotly keeps plotly.min.js. Does not import Plotly."""
    found = find_spec("plotly")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("the package plotly is not installed", name="plotly")
    return Path(found.submodule_search_locations[0]) / "package_data" / "plotly.min.js"


@cache
def script() -> str:
    """Our script: draws every embedded figure of a page in the page's theme. Load it after Plotly's."""
    templates = {"light": template(LIGHT), "dark": template(DARK)}
    code = files("weighbridge.figures").joinpath("static", "figures.js").read_text(encoding="utf-8")
    return code.replace("/* TEMPLATES */ {}", json.dumps(templates), 1)
