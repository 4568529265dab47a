"""A report as one page that needs nothing else: no network, no other file, and it can be sent by mail.

Everything foreign in it is escaped by Jinja, or lies in JSON that nothing runs (the only parts marked ``safe`` in the
template are those and our own assets). Its content security policy allows
exactly the three scripts of the page, by digest, and no address outside: even a mistake in escaping could load or run
nothing. Findings stand first. Plotly's script (4.8 MB) is only in a page that has figures.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import jinja2

from weighbridge.figures import embed, embed_histograms, plotly_path, script, stylesheet
from weighbridge.figures.embed import json_block
from weighbridge.report.facts import Anatomy, Statistics, TensorFacts, TensorStatistics
from weighbridge.report.model import Json, Outcome, Report
from weighbridge.report.panels import histograms, sizes, treemaps
from weighbridge.report.text import count_text, number_text, shape_text, size_text, visible

# Above these the page says how many it left out. Measured with 64 bins: a histogram takes about 300 bytes.
MAX_ROWS = 20_000
MAX_HISTOGRAMS = 10_000
MAX_LAYERS = 500

VERDICTS = {
    Outcome.PASS: "Clean: every check that applies passed.",
    Outcome.FAIL: "Findings: read them before you use these weights.",
    Outcome.ERROR: "Not everything could be read; what was not read is not judged.",
    Outcome.SKIPPED: "Nothing was judged.",
}


def to_html(report: Report) -> str:
    """The page. The same report gives the same page, byte for byte."""
    anatomy, statistics = Anatomy.of(report), Statistics.of(report)
    figures = _figures(anatomy, statistics)
    scripts = [_plotly(), script(), _asset("page.js")] if figures else []
    return (
        _environment()
        .get_template("page.html")
        .render(
            report=report,
            anatomy=anatomy,
            verdict=VERDICTS[report.outcome],
            figures=figures,
            tensors=json_block(_rows(anatomy, statistics)) if anatomy and figures else "",
            left_out=_left_out(anatomy, statistics),
            max_layers=MAX_LAYERS,
            style=stylesheet() + _asset("page.css"),
            scripts=scripts,
            policy=_policy(scripts),
        )
    )


def _figures(anatomy: Anatomy | None, statistics: Statistics | None) -> Mapping[str, str]:
    if anatomy is None or not anatomy.listed:
        return {}
    figures = {"treemap": embed(treemaps(anatomy)), "sizes": embed(sizes(anatomy))}
    if statistics:
        shown = histograms(anatomy, statistics)[:MAX_HISTOGRAMS]
        if shown:
            figures["histograms"] = embed_histograms(shown)
    return figures


def _rows(anatomy: Anatomy, statistics: Statistics | None) -> dict[str, Json]:
    """The table of tensors as text for its cells; the numbers that a column is sorted by stand beside them."""
    values = {each.name: each for each in statistics.tensors} if statistics else {}
    rows: list[Json] = [_row(tensor, values.get(tensor.name)) for tensor in anatomy.listed[:MAX_ROWS]]
    return {"rows": rows, "values": statistics is not None}


def _row(tensor: TensorFacts, values: TensorStatistics | None) -> Json:
    row: list[Json] = [visible(tensor.name), tensor.dtype, shape_text(tensor.shape), tensor.nbytes]
    if values is None:
        return row
    numbers = (values.minimum, values.maximum, values.mean, values.std)
    return [*row, *map(_short_number, numbers), values.zeros, values.nan + values.infinite]


def _short_number(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _left_out(anatomy: Anatomy | None, statistics: Statistics | None) -> list[str]:
    """What the page does not hold because there is too much of it."""
    notes = []
    if anatomy and len(anatomy.listed) > MAX_ROWS:
        notes.append(f"The table lists the first {MAX_ROWS:,} of {len(anatomy.listed):,} tensors.")
    if statistics and len(statistics.tensors) > MAX_HISTOGRAMS:
        notes.append(f"Histograms are of the {MAX_HISTOGRAMS:,} largest of {len(statistics.tensors):,} tensors.")
    return notes


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_asset),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {
        "visible": visible,
        "size": size_text,
        "count": count_text,
        "number": number_text,
    }
    environment.filters.update(filters)
    return environment


def _asset(name: str) -> str:
    return files("weighbridge.report").joinpath("page", name).read_text(encoding="utf-8")


@cache
def _plotly() -> str:
    # Inside <script>, only these two could end or confuse the element; both stay the same in JavaScript's strings.
    text = plotly_path().read_text(encoding="utf-8")
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _policy(scripts: list[str]) -> str:
    digests = (f"'sha256-{b64encode(sha256(code.encode()).digest()).decode()}'" for code in scripts)
    allowed = " ".join(digests) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
