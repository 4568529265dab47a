"""`weigh store ls` lists names.

`--json`: ``{"store", "files": [{"name", "sha256", "bytes", "stored_bytes"}]}``; `stored_bytes` counts what a file's
blocks take, also where other files share them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import typer

from weighbridge.cli._store._options import JsonOption, StoreOption, share
from weighbridge.report.text import size_text, visible
from weighbridge.store import Store


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    sha256: str
    bytes: int
    stored_bytes: int


def ls(store: StoreOption, as_json: JsonOption = False) -> None:
    """List the names in a store, and what each file takes."""
    with Store.open(store) as opened:
        files = [opened.file(sha256, name=name) for name, sha256 in opened.names().items()]
        lines = [_Line(file.name, file.sha256, file.size, file.stored_bytes) for file in files]
    if as_json:
        typer.echo(json.dumps({"store": store, "files": [asdict(line) for line in lines]}, indent=2))
        return
    for line in lines:
        part = share(line.stored_bytes, line.bytes)
        typer.echo(f"{line.sha256[:12]}  {size_text(line.bytes):>10}  {part:>8}  {visible(line.name)}")
