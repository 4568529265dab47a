"""report.html: one page with the verdict, the metrics, the curve, calibration and the weights over time."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import jinja2

from weighbridge.figures import Figure, Line, embed, lines, plotly_path, script, spread, stylesheet
from weighbridge.learn.data import Splits
from weighbridge.learn.publish.beside import Beside
from weighbridge.learn.recipe import Recipe
from weighbridge.report.text import visible

MOST_TENSORS = 24


def page(
    recipe: Recipe, splits: Splits, metrics: dict[str, Any], record: list[dict[str, Any]], beside: Beside | None = None
) -> str:
    """The page: it needs no other file and no network."""
    scripts = [_plotly(), script()]
    return (
        _environment()
        .get_template("report.html")
        .render(
            recipe=recipe,
            facts=splits.facts,
            notices=splits.notices,
            metrics=metrics,
            figures=_figures(metrics, record, beside),
            seconds=beside.seconds(record) if beside else None,
            style=stylesheet() + _asset("report.css"),
            scripts=scripts,
            policy=_policy(scripts),
        )
    )


def _figures(metrics: dict[str, Any], record: list[dict[str, Any]], beside: Beside | None) -> dict[str, str]:
    found = {"curve": embed(curve(record))}
    bins = metrics["splits"][metrics["split"]].get("reliability")
    if bins:
        found["calibration"] = embed(_calibration(bins))
    if weights := weights_over_time(record):
        found["weights"] = embed(weights)
    if beside is not None and (curves := beside.curves(record)):
        found["beside"] = embed(curves)
    return found


def curve(record: list[dict[str, Any]]) -> dict[str, Figure]:
    """Figures of a record by name: the loss, and each metric that was evaluated more than once."""
    steps = [line for line in record if "loss" in line]
    by_split = {name: [line for line in record if line.get("split") == name] for name in ("train", "validation")}
    batches = [Line("each step", [line["step"] for line in steps], [line["loss"] for line in steps], faint=True)]
    names = list(dict.fromkeys(name for found in by_split.values() for line in found for name in line["metrics"]))
    figures = {}
    for name in ["loss", *(each for each in names if each != "loss")]:
        drawn = [
            Line(split, [line["step"] for line in found], [line["metrics"][name] for line in found])
            for split, found in by_split.items()
            if found and all(name in line["metrics"] for line in found)
        ]
        items = [*(batches if name == "loss" else []), *drawn]
        figures[name] = lines(items, x="step", y=name, what=f"{name} over steps")
    return figures


def _calibration(bins: list[list[float]]) -> Figure:
    sure, right = [each[1] for each in bins], [each[2] for each in bins]
    perfect = Line("as often right as it says", [0.0, 1.0], [0.0, 1.0], faint=True)
    return lines([perfect, Line("this model", sure, right)], x="how sure", y="how often right", what="Calibration")


def weights_over_time(record: list[dict[str, Any]]) -> dict[str, Figure]:
    """The distribution of each tensor over the evaluations, by its name."""
    moments = [line for line in record if "weights" in line]
    if not moments:
        return {}
    names = list(moments[0]["weights"])[:MOST_TENSORS]
    return {
        name: spread(
            name,
            [line["step"] for line in moments],
            [(each["low"], each["high"], each["counts"]) for each in (line["weights"][name] for line in moments)],
            x="step",
        )
        for name in names
    }


def live(name: str, said: str, record: list[dict[str, Any]], *, done: bool, seconds: int = 5) -> str:
    """The page of a run that goes on: it loads itself again every few seconds, and its scripts from where it came."""
    figures = {"curve": embed(curve(record))} if any("loss" in line for line in record) else {}
    if weights := weights_over_time(record):
        figures["weights"] = embed(weights)
    style = stylesheet() + _asset("report.css")
    template = _environment().get_template("live.html")
    return template.render(name=name, said=said, figures=figures, style=style, done=done, seconds=seconds)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_asset), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    filters: dict[str, Any] = {"visible": visible}
    environment.filters.update(filters)
    return environment


def _asset(name: str) -> str:
    return files("weighbridge.learn.publish").joinpath("page_files", name).read_text(encoding="utf-8")


@cache
def _plotly() -> str:
    # Inside <script>, only these two could end or confuse the element; both stay the same in JavaScript's strings.
    text = plotly_path().read_text(encoding="utf-8")
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _policy(scripts: list[str]) -> str:
    digests = " ".join(f"'sha256-{b64encode(sha256(code.encode()).digest()).decode()}'" for code in scripts)
    return (
        f"default-src 'none'; script-src {digests}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
