"""An optimiser's state put back as it was: the same values, and in the same order in memory."""

from __future__ import annotations

from typing import Any

import torch


def restore_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Load a state. Averages of a tensor lie in memory as the tensor does: a convolution's may be channels last, and
    vector instructions that walk two orders at once need not round like those that walk one."""
    optimizer.load_state_dict(state)
    for parameter, held in optimizer.state.items():
        for name, value in held.items():
            if isinstance(value, torch.Tensor) and value.shape == parameter.shape and value.ndim:
                held[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
