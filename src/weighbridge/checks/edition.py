"""Which checks these are: a digest that changes when any rule, list or reader does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

_JUDGING = ("checkpoint", "checks", "documents", "formats", "report", "scan", "tensors")
"""The packages that take part in a report: their code, and the lists that lie beside it."""


@cache
def edition() -> str:
    """SHA-256 over all that judges. What an earlier edition let pass may not pass this one, and the other way round."""
    digest = hashlib.sha256()
    for package in _JUDGING:
        for name, file in sorted(_below(files("weighbridge") / package, package)):
            digest.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _below(folder: Traversable, name: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _below(entry, f"{name}/{entry.name}")
        else:
            yield f"{name}/{entry.name}", entry
