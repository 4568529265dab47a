"""A published model on rows of tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from weighbridge.errors import FormatError, NotFiniteError
from weighbridge.learn.data.preparing.tables import TablePreparation
from weighbridge.learn.data.rows import rows_of, unseen
from weighbridge.learn.evaluation.measure import tensors

_BLOCK = 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """One row: where it stands, the model's outputs (1, k), and what a person should know of it."""

    given: str
    outputs: np.ndarray
    notes: tuple[str, ...]


def preparation_of(preparation: dict[str, Any], folder: Path) -> TablePreparation:
    """Raises `FormatError` where a folder says not how rows are prepared."""
    try:
        return TablePreparation.from_json({key: each for key, each in preparation.items() if key != "kind"})
    except (KeyError, TypeError) as error:
        raise FormatError(f"says not how rows are prepared ({error})", where=str(folder)) from None


def ask(module: nn.Module, given: str, prepared: TablePreparation) -> Iterator[Asked]:
    """The model on every row of a table or JSON text. Raises `DataError`, `FormatError` and `NotFiniteError`."""
    rows = rows_of(given, prepared)
    for start in range(0, len(rows), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(rows)), dtype=np.int64)
        batch = tensors({"features": prepared.finish(rows, block)}, torch.device("cpu"))
        with torch.inference_mode():
            outputs = module(**batch).float().numpy()
        for at, index in enumerate(block.tolist()):
            if not np.isfinite(outputs[at]).all():
                raise NotFiniteError("the model's output is NaN or infinite", where=rows.where(index))
            yield Asked(rows.where(index), outputs[at : at + 1], tuple(unseen(rows, prepared, index)))
