"""The option that says where a store is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from weighbridge.store.backends import is_local

StoreLocation = Annotated[str, typer.Option("--store", help="Where the store is: a folder, or s3://bucket/prefix.")]
NewStoreLocation = Annotated[
    str, typer.Option("--store", help="Where the store is: a folder, made if missing, or s3://bucket/prefix.")
]


def folder_of(location: str) -> Path | None:
    """The folder of a store on this machine, None for any other."""
    return Path(location.removeprefix("file://")).resolve() if is_local(location) else None
