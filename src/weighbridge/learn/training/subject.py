"""What a run trains: a whole network, its head alone, or its head on features that were computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from torch import Tensor, nn

from weighbridge.learn.data import Batch, Facts, Samples
from weighbridge.learn.networks import Network
from weighbridge.learn.recipe import Recipe
from weighbridge.learn.transfer.features import can_freeze

Change: TypeAlias = Callable[[Batch, np.random.Generator], Batch]


def unchanged(batch: Batch, _rng: np.random.Generator) -> Batch:
    """For samples that are learned from as they are."""
    return batch


@dataclass(frozen=True, slots=True)
class Subject:
    """`module` is called with the batches of `train`; its parameters that need gradients change.

    `active` are the modules in training mode: all others keep their statistics and drop nothing. `layers` are prefixes
    of names that learn at the same rate, from the input to the head. `change` makes of a batch of training samples what
    is learned from: some flipped, some shifted.
    """

    module: nn.Module
    active: tuple[nn.Module, ...]
    layers: Sequence[Sequence[str]]
    facts: Facts
    train: Samples
    validation: Samples
    change: Change = unchanged

    def to_training(self) -> None:
        """Put each module in the mode that it has while it is trained."""
        self.module.eval()
        for each in self.active:
            each.train()


class HeadOnly(nn.Module):
    """The head of a network, called with features."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, features: Tensor) -> Tensor:
        decided: Tensor = self.head(features)
        return decided


def freezes(recipe: Recipe, network: Network, module: nn.Module) -> bool:
    """Whether all below the head need be computed only once: it alone learns, and from samples that never change."""
    return recipe.train.what == "head" and not recipe.data.image.augment and can_freeze(network, module)


def freeze_below_head(network: Network, module: nn.Module) -> tuple[nn.Module, ...]:
    """Let only the head's parameters need gradients. Returns the head's modules."""
    heads = tuple(module.get_submodule(name) for name in network.head(module))
    module.requires_grad_(False)
    for head in heads:
        head.requires_grad_(True)
    return heads
