"""`weigh eval`: measure a trained model again.

`--json` prints one object:

    {"model", "split", "samples", "metrics": {NAME: VALUE},
     "same_data": whether samples and splits are those that the model was made with,
     "published": {NAME: VALUE} as metrics.json has them for this split, or null}
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer()


@app.command("eval")
def evaluate(
    model: Annotated[str, typer.Argument(help="The folder of a trained model, or ORG/NAME[@REVISION] on the hub.")],
    data: Annotated[str | None, typer.Option(help="Where the data lies; what the recipe says by default.")] = None,
    split: Annotated[
        Literal["train", "validation", "test"] | None, typer.Option(help="That of the published metrics by default.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="Of an adapter: where its base lies; where it says, if not given.")
    ] = None,
    hub: Annotated[str, typer.Option(envvar="HF_ENDPOINT", help="The hub that names mean.")] = "",
    token: Annotated[str | None, typer.Option(envvar="HF_TOKEN", help="A token, for private repositories.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")] = False,
) -> None:
    """Measure a trained model on a split of its data, or of other data: the same digits every time."""
    from weighbridge.cli._learn import ensure_installed, fetch_data, model_folder
    from weighbridge.errors import UsageError

    ensure_installed()
    from weighbridge.cli._adapters import usable
    from weighbridge.learn.evaluation.evaluate import METRICS
    from weighbridge.learn.evaluation.evaluate import evaluate as measure
    from weighbridge.learn.reproduce.again import find_data, published
    from weighbridge.learn.start import Start
    from weighbridge.report.text import visible

    given = model_folder(model, hub, token)
    if data is None and Start(str(given), given).is_adapter:
        raise UsageError("an adapter does not know where its data lies", where=model, hint="Give --data.")
    with usable(given, base, hub, token) as folder:
        found = find_data(folder, data, where=Path(), fetch=fetch_data(hub, token))
        earlier = published(folder) if found.same and (folder / METRICS).is_file() else None  # a merged model has none
        chosen = split or (earlier.split if earlier else "test")
        measured = measure(folder, found.splits, chosen)
        before = earlier.of(chosen) if earlier else None
    if as_json:
        told = {"model": model, "split": chosen, "samples": measured.samples, "metrics": measured.metrics}
        typer.echo(json.dumps({**told, "same_data": found.same, "published": before}))
        return
    for notice in found.splits.notices:
        typer.echo(visible(notice.text), err=True)
    typer.echo(f"{chosen}: {measured.samples:,} samples" + ("" if found.same else " of data it was not made with"))
    for name, value in measured.metrics.items():
        beside = "" if before is None else "  as published" if before.get(name) == value else "  PUBLISHED OTHERWISE"
        typer.echo(f"  {name:20} {value:.6g}{beside}")
