"""What training makes small, by task: the mean over a batch."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from torch import Tensor
from torch.nn import functional

from weighbridge.learn.data import Facts

IGNORED = -100  # a token without a target, as transformers marks it


class Loss(Protocol):
    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor: ...


def loss_for(facts: Facts, label_smoothing: float = 0.0) -> Loss:
    """Cross entropy over classes, mean squared error, or cross entropy of each next token."""
    if facts.task == "classification":
        return partial(functional.cross_entropy, label_smoothing=label_smoothing)
    if facts.task == "regression":
        return _squared
    return partial(_next_token, label_smoothing=label_smoothing)


def _squared(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.mse_loss(outputs.float(), targets.float().reshape(outputs.shape))


def _next_token(outputs: Tensor, targets: Tensor, *, label_smoothing: float) -> Tensor:
    """`outputs` (n, length, vocabulary) after each token, `targets` (n, length) the tokens themselves."""
    logits = outputs[:, :-1].flatten(0, 1).float()
    return functional.cross_entropy(
        logits, targets[:, 1:].flatten(), ignore_index=IGNORED, label_smoothing=label_smoothing
    )
