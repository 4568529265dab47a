"""The record of a run: `record.jsonl`, a line for every step and every evaluation.

    {"step", "epoch", "loss", "rate", "seconds"}              after a step; `loss` is that of the step's batches
    {"step", "epoch", "seconds", "split", "metrics"}          an evaluation of a split
    {"step", "epoch", "seconds", "weights": {name: {"norm", "low", "high", "counts"}}}

Steps count from 1. A run that is resumed cuts off the lines after its checkpoint and writes them again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

FILE = "record.jsonl"


class Record:
    """A record being written. Not safe from several threads."""

    def __init__(self, folder: Path, length: int = 0) -> None:
        """`length`: bytes that are kept of what is there. Fewer are there only if the file was changed by others."""
        path = folder / FILE
        path.touch()
        self._file = path.open("r+b")
        self._file.truncate(min(length, path.stat().st_size))
        self._file.seek(0, os.SEEK_END)
        self._flushed = time.monotonic()

    def add(self, **values: Any) -> None:
        """Write a line. Readers see it within a second or two, if more lines follow."""
        self._file.write(json.dumps(values, separators=(",", ":"), allow_nan=False).encode() + b"\n")
        if time.monotonic() - self._flushed > 1:
            self.flush()

    def flush(self) -> None:
        """Let readers see what was written."""
        self._file.flush()
        self._flushed = time.monotonic()

    def secure(self) -> int:
        """Bring what was written to disk. Returns its length."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """The lines of a record, also while it is being written: a last line without its end is left out."""
    path = folder / FILE
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line)
