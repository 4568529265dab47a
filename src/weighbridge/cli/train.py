"""`weigh train`: train by a recipe, or go on with a run that was ended.

`--json` prints one object:

    {"folder", "steps", "resumed": the steps of earlier processes, or null where the run was done before,
     "split", "samples", "metrics": {NAME: VALUE}, "fit": what is said of over- and underfitting}
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from weighbridge.learn.training import Event, Result, Tell

app = typer.Typer()


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(help="The recipe: a YAML file.")],
    out: Annotated[Path, typer.Option(help="The folder of the run, and of the model when it is done.")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Say something else than the recipe does.")
    ] = None,
    resume: Annotated[
        Literal["automatic", "never"], typer.Option(help="Go on with a run that was ended, or refuse its folder.")
    ] = "automatic",
    watch: Annotated[bool, typer.Option("--watch", help="Serve a live page of the run to this machine.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the live page; any that is free by default.")] = 0,
    hub: Annotated[str, typer.Option(envvar="HF_ENDPOINT", help="The hub that names mean.")] = "",
    token: Annotated[str | None, typer.Option(envvar="HF_TOKEN", help="A token, for private repositories.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")] = False,
) -> None:
    """Train by a recipe. However it is ended, the same command goes on and comes to the same weights, bit for bit."""
    from weighbridge.cli._learn import ensure_installed, fetch, fetch_data
    from weighbridge.cli._training import watched
    from weighbridge.errors import UsageError
    from weighbridge.learn.recipe.read import read

    given = read(recipe, settings or ())
    ensure_installed()
    if resume == "never" and out.is_dir() and any(out.iterdir()):
        raise UsageError("holds a run already, and --resume is never", where=str(out), hint="Give an empty folder.")
    from weighbridge.learn.training.whole import train as run

    models, datasets = fetch(hub, token), fetch_data(hub, token)
    try:
        with watched(quiet=as_json) as tell, _served(out, given.recipe.name, port, tell, wanted=watch) as told:
            result = run(given, out, models=models, datasets=datasets, tell=told)
    except KeyboardInterrupt:
        typer.echo("weigh: ended before its time; the same command goes on from the last checkpoint", err=True)
        raise
    typer.echo(json.dumps(_values(result)) if as_json else _said(result))


@contextmanager
def _served(out: Path, name: str, port: int, tell: Tell, *, wanted: bool) -> Iterator[Tell]:
    """What a run tells goes to a live page too, where one is wanted."""
    if not wanted:
        yield tell
        return
    from weighbridge.learn.publish.live import Live, served

    live = Live(out, name)

    def both(event: Event) -> None:
        live.tell(event)
        tell(event)

    with served(live, port) as address:
        typer.echo(f"The run's page: {address}", err=True)
        yield both


def _values(result: Result) -> dict[str, object]:
    told = {name: result.metrics.get(name) for name in ("split", "samples", "metrics", "fit")}
    return {"folder": str(result.folder), "steps": result.steps, "resumed": result.resumed, **told}


def _said(result: Result) -> str:
    from weighbridge.report.text import visible

    found = result.metrics
    lines = ["This run was done before." if result.resumed is None else f"Done after {result.steps:,} steps."]
    metrics = "  ".join(f"{name} {value:.4g}" for name, value in found["metrics"].items())
    lines.append(f"On {found['samples']:,} {found['split']} samples: {metrics}")
    lines += [found["baseline"]["said"]] if "baseline" in found else []
    lines += [each["said"] for each in found.get("moved", [])]
    if found["fit"]:
        lines += [found["fit"]["sentence"], *(f"  {each}" for each in found["fit"]["evidence"])]
        lines += [f"  To try: {each}" for each in found["fit"]["try"]]
    lines.append(f"{result.folder}  report.html shows the run, README.md is the card")
    return "\n".join(visible(line) for line in lines)
