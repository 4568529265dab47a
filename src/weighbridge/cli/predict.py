"""`weigh predict`: what a trained model says of new inputs.

`--json` prints one object:

    {"model", "predictions": [{"input", "class", "probability", "likely": [{"class", "probability"}]}]}

and for numbers `"values"` in place of classes, for language models `"text"`: how the text goes on. A row of a table
with a text that training never saw has `"notes"` that say so.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from weighbridge.learn.evaluation.predict import Prediction

app = typer.Typer()


@app.command()
def predict(
    model: Annotated[str, typer.Argument(help="The folder of a trained model, or ORG/NAME[@REVISION] on the hub.")],
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT...", help="Pictures; tables or a row as JSON; texts, as files or as they are."),
    ],
    top: Annotated[int, typer.Option(min=1, help="So many classes of each, the likeliest first.")] = 5,
    base: Annotated[
        str | None, typer.Option(help="Of an adapter: where its base lies; where it says, if not given.")
    ] = None,
    hub: Annotated[str, typer.Option(envvar="HF_ENDPOINT", help="The hub that names mean.")] = "",
    token: Annotated[str | None, typer.Option(envvar="HF_TOKEN", help="A token, for private repositories.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")] = False,
) -> None:
    """Say what a trained model makes of new inputs, prepared as those that it learned from."""
    from weighbridge.cli._learn import ensure_installed, model_folder

    ensure_installed()
    from weighbridge.cli._adapters import usable
    from weighbridge.learn.evaluation.predict import predict as ask
    from weighbridge.report.text import visible

    with usable(model_folder(model, hub, token), base, hub, token) as folder:
        found = ask(folder, inputs, top=top)
    if as_json:
        typer.echo(json.dumps({"model": model, "predictions": [_values(each) for each in found]}))
        return
    for each in found:
        typer.echo(_said(each))
        for note in each.notes:
            typer.echo(f"  {visible(note)}", err=True)


def _values(each: Prediction) -> dict[str, Any]:
    if each.text is not None:
        return {"input": each.given, "text": each.text}
    if not each.likely:
        return {"input": each.given, "values": each.values, **_notes(each)}
    name, probability = each.likely[0]
    likely = [{"class": other, "probability": share} for other, share in each.likely]
    return {"input": each.given, "class": name, "probability": probability, "likely": likely, **_notes(each)}


def _notes(each: Prediction) -> dict[str, Any]:
    return {"notes": each.notes} if each.notes else {}


def _said(each: Prediction) -> str:
    from weighbridge.report.text import visible

    if each.text is not None:
        return f"{visible(each.given)}  … {visible(each.text)}"
    if not each.likely:
        return f"{visible(each.given)}  {', '.join(f'{value:.6g}' for value in each.values)}"
    told = ", ".join(f"{visible(name)} {probability:.3f}" for name, probability in each.likely)
    return f"{visible(each.given)}  {told}"
