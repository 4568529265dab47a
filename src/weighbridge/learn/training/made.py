"""The network of a run before its first step: built by the recipe's seed, with its starting weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from weighbridge.documents.licences import declared_beside
from weighbridge.errors import UsageError
from weighbridge.learn.data import Facts
from weighbridge.learn.networks import Brought, Network, Options, find
from weighbridge.learn.recipe import Recipe
from weighbridge.learn.start import Loaded, Start, load
from weighbridge.learn.transfer.lora import Adapter, adapt
from weighbridge.learn.transfer.moved import Moved, moved, moved_by_layer, snapshot


@dataclass(frozen=True, slots=True)
class Made:
    """`before` are copies of the starting weights by name; empty for a run from nothing."""

    network: Network
    options: Options
    module: nn.Module
    start: Start | None = None
    loaded: Loaded | None = None
    before: Mapping[str, Tensor] = field(default_factory=dict)
    adapter: Adapter | None = None

    def pinned(self) -> dict[str, str] | None:
        """What the lock says of the starting weights."""
        if self.start is None or self.loaded is None:
            return None
        licence = declared_beside(self.start.path if self.start.path.is_dir() else self.start.path.parent)
        return {"given": self.start.given, "digest": self.loaded.digest} | ({"licence": licence} if licence else {})

    def notes(self) -> tuple[str, ...]:
        """What a person should know of the starting weights."""
        if self.start is None or self.loaded is None:
            return ()
        return (*(each.message for each in self.start.warnings), *self.loaded.said)

    def moved(self) -> tuple[Moved, ...]:
        """Which starting weights are other than they were, and how far: a line for each layer."""
        if not self.before:
            return ()
        return moved_by_layer(self.network, self.module, moved(self.before, self.module))


def make(recipe: Recipe, facts: Facts, start: Start | None) -> Made:
    """Raises `UsageError` where the network does not fit the data, or the starting weights do not fit the network."""
    if recipe.train.what == "lora" and recipe.start is None:
        raise UsageError("LoRA adapts starting weights, and the recipe has none", hint="Set start, or train.what: all.")
    if recipe.start is not None and start is None:
        raise UsageError(f"the recipe starts from {recipe.start!r}, and nobody has looked for that")
    network, options = find(recipe.model.network, recipe.model.options)
    torch.manual_seed(recipe.train.seed)
    options, module = _built(network, options, facts, start)
    if start is None:
        return Made(network, options, module)
    head: Any = network.head(module)
    loaded = load(start, module, network=network.name, head=head, classes=facts.classes)
    before = snapshot(module, _changeable(module, loaded))
    adapter = None
    if recipe.train.what == "lora":
        base = Path(start.given).name if Path(start.given).expanduser().is_absolute() else start.given
        adapter = adapt(network, module, recipe.train.lora, facts, base=base, digest=loaded.digest)
    return Made(network, options, module, start, loaded, before, adapter)


def make_from_nothing(recipe: Recipe, facts: Facts, start: Start) -> Made:
    """The network that the starting weights are for, with its tokenizer, and random weights instead of them."""
    network, options = find(recipe.model.network, recipe.model.options)
    torch.manual_seed(recipe.train.seed)
    return Made(network, *_built(network, options, facts, start))


def _built(network: Network, options: Options, facts: Facts, start: Start | None) -> tuple[Options, nn.Module]:
    """The module, and the options completed by what lies beside the starting weights."""
    if start is None or not isinstance(network, Brought):
        return options, network.build(options, facts)
    folder = start.path if start.path.is_dir() else start.path.parent
    completed = network.started(options, folder)
    return completed, network.build(completed, facts, folder)


def _changeable(module: nn.Module, loaded: Loaded) -> tuple[str, ...]:
    """Of the tensors taken those that are learned: statistics of batches move with the data, not by learning."""
    learned = dict(module.named_parameters())
    return tuple(name for name in loaded.taken if name in learned)
