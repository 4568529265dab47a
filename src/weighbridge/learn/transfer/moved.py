"""Which starting weights moved in training, and how far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn

from weighbridge.learn.networks import Network


@dataclass(frozen=True, slots=True)
class Moved:
    """One tensor, or one layer. `relative` is the norm of the change over the norm of what was there before.

    `changed` of `items` numbers are other bits than before; `relative` is None where everything was zero.
    """

    name: str
    items: int
    changed: int
    before: float
    change: float
    largest: float

    @property
    def relative(self) -> float | None:
        return self.change / self.before if self.before else None

    @property
    def unchanged(self) -> bool:
        return self.changed == 0

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "relative": self.relative, "said": str(self)}

    def __str__(self) -> str:
        if self.unchanged:
            return f"{self.name}: unchanged, bit for bit"
        how = "from zero" if self.relative is None else f"by {self.relative:.2%} of its norm"
        return f"{self.name}: moved {how} ({self.changed:,} of {self.items:,} numbers)"


def snapshot(module: nn.Module, names: tuple[str, ...]) -> dict[str, Tensor]:
    """Copies of these tensors of a module, to compare with later."""
    state = module.state_dict()
    return {name: state[name].detach().cpu().clone() for name in names}


def moved(before: Mapping[str, Tensor], module: nn.Module) -> tuple[Moved, ...]:
    """Every tensor of `before` against the module's present values, in the order of `before`. Norms in float64."""
    state = module.state_dict()
    return tuple(_moved(name, tensor, state[name].detach().cpu()) for name, tensor in before.items())


def moved_by_layer(network: Network, module: nn.Module, tensors: tuple[Moved, ...]) -> tuple[Moved, ...]:
    """The same, one line for each of the network's layers that has starting weights, from the input to the head."""
    lines = []
    for layer in network.layers(module):
        members = [each for each in tensors if each.name.startswith(layer)]
        if members:
            named = next(prefix for prefix in layer if any(each.name.startswith(prefix) for each in members))
            lines.append(_together(named.rstrip("."), members))
    return tuple(lines)


def _moved(name: str, before: Tensor, after: Tensor) -> Moved:
    was, now = before.reshape(-1).to(torch.float64), after.reshape(-1).to(torch.float64)
    change = now - was
    return Moved(
        name,
        items=was.numel(),
        changed=int((before.reshape(-1) != after.reshape(-1)).sum()),
        before=float(was.norm()),
        change=float(change.norm()),
        largest=float(change.abs().max()) if change.numel() else 0.0,
    )


def _together(name: str, members: list[Moved]) -> Moved:
    return Moved(
        name,
        items=sum(each.items for each in members),
        changed=sum(each.changed for each in members),
        before=sqrt(sum(each.before**2 for each in members)),
        change=sqrt(sum(each.change**2 for each in members)),
        largest=max(each.largest for each in members),
    )
