"""`weigh bom`: what a model is made of, as a document that other tools read."""

from __future__ import annotations

import json
from pathlib import Path

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def bom(
    model: Path = typer.Argument(help="A folder with a model, or one file."),
    name: str = typer.Option("", help="What the model is called; its folder's name by default."),
    out: Path | None = typer.Option(None, metavar="FILE", help="Where to write it; the terminal by default."),
) -> None:
    """Write a bill of materials: CycloneDX 1.6 with a model card, every file by its SHA-256. The same files give the
    same document."""
    from weighbridge.provenance.bom import bom as describe

    text = json.dumps(describe(model, name=name), indent=2, ensure_ascii=False)
    if out is None:
        typer.echo(text)
        return
    out.write_text(text + "\n", encoding="utf-8")
    typer.echo(f"written: {out}")
