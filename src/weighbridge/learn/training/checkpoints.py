"""Checkpoints of a run: files in a store of its own, each kept as what differs from the one before.

A checkpoint is there whole or not at all: its file is stored, and only then named. `step-00000120` is the state after
120 steps; the name `best` stands for the one that was best. What a store promises of crashes holds here: a process
that is killed at any point leaves the checkpoints that it named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from weighbridge.errors import ObjectNotFoundError
from weighbridge.learn.training import state as states
from weighbridge.store import Store
from weighbridge.tensors.source import BytesSource

BEST = "best.safetensors"
_STEP = re.compile(r"step-(\d{8,})\.safetensors")


class Checkpoints:
    """The checkpoints under one folder, `keep` of them beside the best."""

    def __init__(self, store: Store, keep: int) -> None:
        self._store = store
        self._keep = keep

    @classmethod
    @contextmanager
    def open(cls, folder: Path, *, keep: int = 3) -> Iterator[Checkpoints]:
        """Those in this folder, which is made if it is not there."""
        with Store.open(folder, create=True) as store:
            yield cls(store, keep)

    def steps(self) -> list[int]:
        """After which steps there are checkpoints, in order."""
        return sorted(int(found[1]) for name in self._store.names() if (found := _STEP.fullmatch(name)))

    def save(self, step: int, state: dict[str, Any], *, best: bool = False) -> None:
        """Keep a state. When this returns it is on disk. Raises `StorageFullError`; earlier ones are then untouched."""
        name = f"step-{step:08}.safetensors"
        stored = self._store.add(BytesSource(states.encode(state), name))
        self._store.bind(name, stored.sha256)
        if best:
            self._store.bind(BEST, stored.sha256)
        for old in self.steps()[: -self._keep]:
            self._store.remove(f"step-{old:08}.safetensors")

    def latest(self) -> dict[str, Any] | None:
        """The newest state, None where there is none."""
        steps = self.steps()
        return self._read(f"step-{steps[-1]:08}.safetensors") if steps else None

    def best(self) -> dict[str, Any] | None:
        """The state that was best, None where none was measured."""
        try:
            return self._read(BEST)
        except ObjectNotFoundError:
            return None

    def _read(self, name: str) -> dict[str, Any]:
        file = self._store.file(self._store.resolve(name), name=name)
        return states.decode(file.read_at(0, file.size), name)
