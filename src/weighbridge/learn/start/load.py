"""Tensors of the starting weights into a module."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from weighbridge.checkpoint import Checkpoint
from weighbridge.checkpoint import Tensor as StoredTensor
from weighbridge.checkpoint import open as open_checkpoint
from weighbridge.errors import UsageError
from weighbridge.learn.start.classes import classes_of
from weighbridge.learn.start.digest import tensors_digest
from weighbridge.learn.start.names import Plan, plan
from weighbridge.learn.start.source import Start


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading did. `digest` is of all the file's tensors (`tensors_digest`).

    `taken` and `new` are names of the module: those that got the starting weights' values, and those that stay random
    (a head for other classes). `unused` are names in the file. `said` tells it to a person.
    """

    digest: str
    taken: tuple[str, ...]
    new: tuple[str, ...]
    unused: tuple[str, ...]
    said: tuple[str, ...] = ()


def load(
    start: Start, module: nn.Module, *, network: str, head: Collection[str], classes: tuple[str, ...] = ()
) -> Loaded:
    """Put the weights at `start` into `module`, in place, as the module's own types.

    `head` names the modules that make the decision: they stay new if the weights were made for other `classes`.
    Raises `UsageError` where a tensor is missing, has another shape or holds NaN, and `WeighbridgeError` for files that
    cannot be read; then the module is as it was.
    """
    with open_checkpoint(start.path) as checkpoint:
        theirs = classes_of(start.path)
        keep = not theirs or not classes or theirs == classes
        shapes = {name: tensor.shape for name, tensor in checkpoint.items()}
        planned = plan(module, head, shapes, keep_head=keep)
        planned.check(network, start.given)
        values = _values(checkpoint, planned, module.state_dict(), start.given)
        digest = tensors_digest(checkpoint)
    with torch.no_grad():
        state = module.state_dict()
        for name, value in values.items():
            state[name].copy_(value)
    return Loaded(digest, tuple(values), planned.new, planned.unused, _said(planned, theirs, classes))


def _values(checkpoint: Checkpoint, planned: Plan, state: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
    return {name: _value(checkpoint[source], state[name].dtype, where) for name, source in planned.takes.items()}


def _value(stored: StoredTensor, dtype: torch.dtype, where: str) -> Tensor:
    array = stored.numpy()
    if not dtype.is_floating_point:
        return torch.from_numpy(np.array(array)).to(dtype)
    values = np.array(array, dtype=np.float32, order="C")
    if not np.isfinite(values).all():
        bad = int(values.size - np.isfinite(values).sum())
        raise UsageError(
            f"the starting weights hold {bad:,} values of NaN or infinity in {stored.name}",
            where=where,
            hint="Nothing can be learned from there: take other weights.",
        )
    return torch.from_numpy(values).to(dtype)


def _said(planned: Plan, theirs: tuple[str, ...], classes: tuple[str, ...]) -> tuple[str, ...]:
    said = []
    if planned.new:
        why = f"the weights tell {_few(theirs)}" if theirs and theirs != classes else "the weights have none that fits"
        said.append(f"A new head ({', '.join(planned.new)}): {why}.")
    if planned.unused:
        more = " …" if len(planned.unused) > 3 else ""
        said.append(f"{len(planned.unused)} tensors are not used: {', '.join(planned.unused[:3])}{more}.")
    return tuple(said)


def _few(classes: tuple[str, ...]) -> str:
    return ", ".join(classes[:3]) + (f" and {len(classes) - 3} other classes" if len(classes) > 3 else "")
