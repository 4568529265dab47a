"""`weigh merge-adapter`: a LoRA adapter added to the weights that it was made for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command("merge-adapter")
def merge_adapter(
    base: Annotated[str, typer.Argument(help="A folder or file of weights, or ORG/NAME[@REVISION] on the hub.")],
    adapter: Annotated[str, typer.Argument(help="A folder with an adapter in peft's files, or ORG/NAME[@REVISION].")],
    out: Annotated[Path, typer.Option(help="The new folder to write the merged model to.")],
    hub: Annotated[str, typer.Option(envvar="HF_ENDPOINT", help="The hub that names mean.")] = "",
    token: Annotated[str | None, typer.Option(envvar="HF_TOKEN", help="A token, for private repositories.")] = None,
) -> None:
    """Add a LoRA adapter to its base, as peft would. An adapter that was made for other weights is refused.

    A store keeps the merged model beside its base in about a hundredth of its bytes.
    """
    from weighbridge.cli._adapters import ensure_is_adapter, ensure_meant, safe
    from weighbridge.cli._learn import ensure_installed

    ensure_installed()
    below, learned = safe(base, hub, token), safe(adapter, hub, token)
    ensure_is_adapter(learned)
    ensure_meant(base, learned)
    from weighbridge.learn.evaluation.adapted import merge_and_describe

    merge_and_describe(below, learned, out)
    typer.echo(f"{out}  model.safetensors holds the weights of {base} with {adapter} added")
