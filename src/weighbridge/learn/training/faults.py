"""A loss or gradient that is no number: at which step it began, in which layer, and for which samples.

The batches of the step are run once more with hooks on every layer. Dropout and changes of samples are drawn from the
batch's own seed, so it is the same pass again.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from weighbridge.errors import NotFiniteError
from weighbridge.learn.data import Indices

_SHOWN = 10


@dataclass(slots=True)
class _Seen:
    """The first layer of each pass that gave what is not finite, and for which rows of the batch."""

    forward: tuple[str, Tensor] | None = None
    backward: str | None = None
    names: dict[nn.Module, str] = field(default_factory=dict)


def explain(
    module: nn.Module,
    batches: list[tuple[Indices, dict[str, Tensor]]],
    backward: Callable[[dict[str, Tensor], Indices], Tensor],
    *,
    step: int,
) -> NotFiniteError:
    """The error to raise. `backward` computes the loss of one batch and its gradients, and returns the loss."""
    broken = _first(name for name, each in module.state_dict().items() if not _finite(each))
    if broken:
        return _error(step, f"the weights {broken} were no longer finite before the step", None)
    for indices, batch in batches:
        told = _of_inputs(batch, indices, step) or _of_pass(module, batch, indices, backward, step)
        if told:
            return told
    return _error(step, "the sum of the gradients of its batches overflows", None)


def _of_inputs(batch: dict[str, Tensor], indices: Indices, step: int) -> NotFiniteError | None:
    for name, values in batch.items():
        if not _finite(values):
            return _error(step, f"the input {name} holds NaN or infinity", indices[_rows(values)])
    return None


def _of_pass(
    module: nn.Module, batch: dict[str, Tensor], indices: Indices, backward: Callable[..., Tensor], step: int
) -> NotFiniteError | None:
    module.zero_grad()
    with _watching(module) as seen:
        loss = backward(batch, indices)
    if seen.forward:
        name, output = seen.forward
        rows = _rows(output) if output.ndim and len(output) == len(indices) else slice(None)
        return _error(step, f"the output of the layer {name} first", indices[rows])
    if not _finite(loss):
        return _error(step, "the loss itself, of finite outputs", indices)
    if seen.backward:
        return _error(step, f"the gradient in the layer {seen.backward} first", indices)
    named = [(name, each) for name, each in module.named_parameters() if each.grad is not None]
    broken = _first(name for name, each in reversed(named) if not _finite(each.grad))
    return _error(step, f"the gradient of {broken} first", indices) if broken else None


@contextmanager
def _watching(module: nn.Module) -> Iterator[_Seen]:
    seen = _Seen(names={each: name for name, each in module.named_modules() if not list(each.children())})

    def after_forward(layer: nn.Module, _inputs: Any, output: Any) -> None:
        if seen.forward is None and isinstance(output, Tensor) and not _finite(output):
            seen.forward = (seen.names[layer], output.detach())

    def after_backward(layer: nn.Module, given: Any, _taken: Any) -> None:
        if seen.backward is None and any(isinstance(each, Tensor) and not _finite(each) for each in given):
            seen.backward = seen.names[layer]

    handles: list[Any] = [layer.register_forward_hook(after_forward) for layer in seen.names]
    handles += [layer.register_full_backward_hook(after_backward) for layer in seen.names]
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Full backward hook is firing")
            yield seen
    finally:
        for handle in handles:
            handle.remove()


def _error(step: int, what: str, indices: Indices | None) -> NotFiniteError:
    return NotFiniteError(f"NaN or infinity at step {step}: {what}{_told(indices)}")


def _told(indices: Indices | None) -> str:
    if indices is None or not len(indices):
        return ""
    more = f" and {len(indices) - _SHOWN} more" if len(indices) > _SHOWN else ""
    return f"; training samples {', '.join(map(str, indices[:_SHOWN]))}{more}"


def _rows(values: Tensor) -> np.ndarray:
    finite = torch.isfinite(values.detach().float()).flatten(1).all(1) if values.ndim > 1 else torch.isfinite(values)
    rows: np.ndarray = (~finite).cpu().numpy()
    return rows


def _finite(values: Tensor | None) -> bool:
    return values is None or not values.is_floating_point() or bool(torch.isfinite(values).all())


def _first(names: Iterator[str]) -> str:
    return next(names, "")
