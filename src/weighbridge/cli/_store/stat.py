"""`weigh store stat` adds up. `--json`: the fields of `weighbridge.store.StoreStat`."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from weighbridge.cli._store._options import JsonOption, StoreOption, share
from weighbridge.report.text import size_text
from weighbridge.store import Store


def stat(store: StoreOption, as_json: JsonOption = False) -> None:
    """Show how a store's bytes add up."""
    with Store.open(store) as opened:
        found = opened.stat()
    if as_json:
        typer.echo(json.dumps({"store": store, **asdict(found)}, indent=2))
        return
    typer.echo(f"{found.files:,} files under {found.names:,} names, {found.blocks:,} blocks in {found.packs:,} packs")
    for what, count in (("files", found.file_bytes), ("distinct", found.unique_bytes), ("stored", found.stored_bytes)):
        typer.echo(f"  {what:<9}{size_text(count):>11}  {share(count, found.file_bytes):>8}")
    for what, count in (
        ("saved by exact duplicates", found.saved_by_duplicates),
        ("saved by differences from other blocks", found.saved_by_deltas),
        ("saved by coding", found.saved_by_coding),
        ("spent on tables", found.table_bytes),
        ("wasted on garbage, see 'weigh store gc'", found.garbage_bytes),
    ):
        if count:
            typer.echo(f"  {size_text(count):>11}  {share(count, found.file_bytes):>8}  {what}")
    typer.echo("what is stored, by codec")
    for codec in found.codecs:
        if codec.blocks:
            kept = f"{size_text(codec.stored_bytes):>11}  {share(codec.stored_bytes, codec.raw_bytes):>8}"
            typer.echo(f"  {codec.codec:<9}{kept} of {size_text(codec.raw_bytes)} in {codec.blocks:,}")
