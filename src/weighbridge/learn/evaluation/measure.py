"""A module measured on samples: batches of one size in one order, so that the digits are the same every time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from weighbridge.errors import NotFiniteError, UsageError
from weighbridge.learn.data import Batch, Facts, Indices, Samples
from weighbridge.learn.evaluation import metrics
from weighbridge.learn.evaluation.calibration import Bin, reliability
from weighbridge.learn.evaluation.metrics import ByClass

_IGNORED = -100
TRAIN_LIMIT = 2000
"""Of the training samples so many are measured for what is published: enough to see a gap."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Metrics of a split by name; for classification also by class, and how sure against how right."""

    samples: int
    metrics: dict[str, float]
    by_class: ByClass | None = None
    reliability: tuple[Bin, ...] = ()

    def as_json(self) -> dict[str, Any]:
        by_class = {} if self.by_class is None else self.by_class.as_json()
        bins = [[each.count, each.confidence, each.accuracy] for each in self.reliability]
        return {"samples": self.samples, "metrics": self.metrics, **by_class, **({"reliability": bins} if bins else {})}


def tensors(batch: Batch, device: torch.device) -> dict[str, Tensor]:
    """The arrays of a batch on a device: copies in torch's own memory, because matrix products of memory that begins
    elsewhere within 64 bytes may round differently."""
    return {name: torch.from_numpy(np.ascontiguousarray(array)).clone().to(device) for name, array in batch.items()}


def measure(module: nn.Module, samples: Samples, facts: Facts, batch_size: int, limit: int | None = None) -> Measured:
    """Measure on all samples, or on `limit` of them, evenly spaced. Draws no random number, and keeps modules' modes.

    Raises `UsageError` where there is no sample.
    """
    if not len(samples):
        raise UsageError("there are no samples to measure on", hint="Set data.split.test or data.test in the recipe.")
    chosen = _spread(len(samples), limit)
    modes = [(each, each.training) for each in module.modules()]
    module.eval()
    try:
        with torch.inference_mode():
            if facts.task == "language":
                return _language(module, samples, chosen, batch_size)
            given = _outputs(module, samples, chosen, batch_size)
            outputs = np.concatenate([each.float().cpu().numpy() for _, each in given])
    finally:
        for each, mode in modes:
            each.training = mode
    _ensure_finite(outputs, chosen)
    targets = samples.targets[chosen]
    if facts.task == "regression":
        return Measured(len(chosen), metrics.regression(outputs, targets))
    return _classified(metrics.softmax(outputs), targets.astype(np.int64), facts.classes)


def _ensure_finite(outputs: NDArray[Any], chosen: Indices) -> None:
    rows = ~np.isfinite(outputs.reshape(len(outputs), -1)).all(1)
    if rows.any():
        found = chosen[rows]
        more = f" and {len(found) - 10} more" if len(found) > 10 else ""
        raise NotFiniteError(f"the output is NaN or infinite for samples {', '.join(map(str, found[:10]))}{more}")


def _classified(probabilities: NDArray[np.float64], targets: NDArray[np.int64], classes: tuple[str, ...]) -> Measured:
    return Measured(
        len(targets),
        metrics.classification(probabilities, targets),
        metrics.per_class(probabilities.argmax(1), targets, classes),
        reliability(probabilities, targets),
    )


def _spread(count: int, limit: int | None) -> Indices:
    if limit is None or limit >= count:
        return np.arange(count, dtype=np.int64)
    return np.arange(limit, dtype=np.int64) * count // limit


def _outputs(module: nn.Module, samples: Samples, chosen: Indices, size: int) -> Iterator[tuple[Indices, Tensor]]:
    device = next(module.parameters()).device
    for at in range(0, len(chosen), size):
        indices = chosen[at : at + size]
        yield indices, module(**tensors(samples.batch(indices), device))


def _language(module: nn.Module, samples: Samples, chosen: Indices, size: int) -> Measured:
    """The mean log loss of each next token, summed in float64."""
    total, tokens = 0.0, 0
    targets = samples.targets
    for indices, logits in _outputs(module, samples, chosen, size):
        wanted = torch.from_numpy(targets[indices][:, 1:].reshape(-1)).to(logits.device)
        flat = logits[:, :-1].flatten(0, 1).float()
        losses = functional.cross_entropy(flat, wanted, ignore_index=_IGNORED, reduction="none")
        total += float(losses.double().sum())
        tokens += int((wanted != _IGNORED).sum())
    return Measured(len(chosen), metrics.language(total / max(tokens, 1), tokens))
