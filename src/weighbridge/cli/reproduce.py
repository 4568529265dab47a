"""`weigh reproduce`: is a published model what its recipe says?

`--json` prints one object:

    {"model", "differences": what is other here, in words,
     "evaluation": {"verdict": "identical", "close" or "different",
                    "metrics": [{"split", "metric", "published", "found", "tolerance", "verdict"}]},
     "training": null, or {"verdict", "folder", "tensors", "differing": [{"name", "items", "changed", "largest"}],
                           "first_step", "metrics"}}
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from weighbridge.learn.reproduce.measuring import Compared
    from weighbridge.learn.reproduce.training import Trained

app = typer.Typer()
_SHOWN = 8


@app.command()
def reproduce(
    model: Annotated[str, typer.Argument(help="The folder of a trained model, or ORG/NAME[@REVISION] on the hub.")],
    train: Annotated[
        bool, typer.Option("--train", help="Train again too, and compare the weights bit for bit.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="The folder of the second training; needed with --train.")] = None,
    data: Annotated[str | None, typer.Option(help="Where the data lies; what the recipe says by default.")] = None,
    start: Annotated[str | None, typer.Option(help="Where the starting weights lie, if not where it says.")] = None,
    hub: Annotated[str, typer.Option(envvar="HF_ENDPOINT", help="The hub that names mean.")] = "",
    token: Annotated[str | None, typer.Option(envvar="HF_TOKEN", help="A token, for private repositories.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")] = False,
) -> None:
    """Measure a model again, and with --train train it again. What is other here is named before work begins.

    Exit status: 0 identical, or within the tolerance that the recipe states; 1 different; 2 could not do it.
    """
    from weighbridge.cli._learn import ensure_installed, fetch, model_folder
    from weighbridge.cli._training import watched
    from weighbridge.errors import UsageError

    ensure_installed()
    if train and out is None:
        raise UsageError("--train needs a folder to train in", hint="Give --out DIR.")
    from weighbridge.learn.reproduce import again, before, measuring
    from weighbridge.learn.reproduce.training import train_again
    from weighbridge.learn.start import find

    folder = model_folder(model, hub, token)
    recipe, lock = again.recipe_of(folder), before.lock_of(folder)
    found = again.find_data(folder, data, where=Path(), fetch=fetch(hub, token, "dataset"))
    if not found.same:
        raise UsageError("this is not the data that the model was made with", where=found.spec.path)
    weights = None
    if train and recipe.start is not None:
        root = Path() if start else found.where
        weights = find(start or recipe.start, where=root, resolve=fetch(hub, token))
        before.ensure_same_weights(lock, weights)
    differences = before.differences(lock, recipe)
    if not as_json:
        for line in differences or ("Versions, machine and code are as they were.",):
            typer.echo(line)
    measured = measuring.measure_again(folder, found.splits, recipe.reproduce.tolerance)
    verdict = measuring.worst([each.verdict for each in measured])
    if not as_json:
        typer.echo(f"Measured again: {verdict}")
        _tell_metrics(measured)
    trained = None
    if train and out is not None:
        with watched(quiet=as_json) as tell:
            whole = recipe.model_copy(update={"data": found.spec})
            trained = train_again(folder, whole, lock, found.splits, out, where=found.where, start=weights, tell=tell)
        if not as_json:
            _tell_training(trained)
    if as_json:
        evaluation = {"verdict": verdict, "metrics": [_values(each) for each in measured]}
        told = {"model": str(folder), "differences": differences, "evaluation": evaluation}
        typer.echo(json.dumps({**told, "training": _training(trained) if trained else None}))
    bad = "different" in (verdict, trained.verdict if trained else "identical")
    raise typer.Exit(int(bad))


def _values(each: Compared) -> dict[str, Any]:
    return {**asdict(each), "verdict": each.verdict}


def _training(trained: Trained) -> dict[str, Any]:
    values = {**asdict(trained), "folder": str(trained.folder), "metrics": [_values(each) for each in trained.metrics]}
    return {"verdict": trained.verdict, **values}


def _tell_metrics(metrics: tuple[Compared, ...]) -> None:
    for each in metrics:
        if each.verdict != "identical":
            within = "" if each.tolerance is None else f", tolerance {each.tolerance:g}"
            typer.echo(f"  {each.split} {each.metric}: published {each.published}, found {each.found}{within}")


def _tell_training(trained: Trained) -> None:
    from weighbridge.report.text import visible

    if trained.verdict == "identical":
        typer.echo(f"Trained again: identical, all {trained.tensors} tensors bit for bit")
        return
    typer.echo(f"Trained again: {trained.verdict}, {len(trained.differing)} of {trained.tensors} tensors differ")
    if trained.first_step is not None:
        typer.echo(f"  the loss is another from step {trained.first_step} on")
    for each in trained.differing[:_SHOWN]:
        how = "is there on one side alone, or has another shape"
        if each.changed is not None:
            how = f"{each.changed:,} of {each.items:,} numbers, by {each.largest:.3g} at most"
        typer.echo(f"  {visible(each.name)}: {how}")
    if len(trained.differing) > _SHOWN:
        typer.echo(f"  and {len(trained.differing) - _SHOWN} more")
    _tell_metrics(trained.metrics)
