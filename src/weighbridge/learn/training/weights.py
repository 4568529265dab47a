"""How weights are distributed, small enough to keep at every evaluation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

BINS = 32
MOST_TENSORS = 48
MOST_VALUES = 1 << 18
"""Of a larger tensor so many values are counted, evenly spaced; the norm is of all."""


def distributions(module: nn.Module) -> dict[str, dict[str, Any]]:
    """Norm, range and counts in `BINS` bins of each tensor that is trained; of very many, the largest."""
    trained = [(name, each) for name, each in module.named_parameters() if each.requires_grad]
    largest = sorted(trained, key=lambda pair: -pair[1].numel())[:MOST_TENSORS]
    kept = {name for name, _ in largest}
    return {name: _distribution(each.detach()) for name, each in trained if name in kept}


def _distribution(values: Tensor) -> dict[str, Any]:
    flat = values.float().flatten()
    norm = float(flat.norm())
    if len(flat) > MOST_VALUES:
        flat = flat[:: -(-len(flat) // MOST_VALUES)]
    low, high = float(flat.min()), float(flat.max())
    counts = torch.histc(flat, BINS, low, high) if high > low else torch.tensor([float(len(flat))])
    return {"norm": norm, "low": low, "high": high, "counts": [int(count) for count in counts]}
