"""Where a hub's content lies: in its folder, or in a store elsewhere that a file in its folder names."""

from __future__ import annotations

import os
from pathlib import Path

from weighbridge.errors import UsageError
from weighbridge.store import is_local

FOLDER = "store"
NOTE = "store-location"


def store_location(data: Path) -> str:
    """The location of the store of the hub in this folder."""
    note = data / NOTE
    return note.read_text(encoding="utf-8").strip() if note.exists() else str(data / FOLDER)


def place_store(data: Path, location: str) -> None:
    """Note where a new hub's store lies. Raises `UsageError` where the hub's content lies elsewhere already."""
    wanted = str(Path(location.removeprefix("file://")).resolve()) if is_local(location) else location.rstrip("/")
    settled = (data / NOTE).exists() or (data / FOLDER).exists()
    if settled and store_location(data) != wanted:
        raise UsageError(
            f"the hub in {data} keeps its content in {store_location(data)}, not in {wanted}",
            hint="Leave out --store, or name the folder of a new hub.",
        )
    if settled:
        return
    part = data / f"{NOTE}.{os.getpid()}.part"
    with part.open("x", encoding="utf-8") as file:
        file.write(wanted + "\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(data / NOTE)
