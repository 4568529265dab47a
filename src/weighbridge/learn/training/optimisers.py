"""The optimiser of a recipe, with a rate for each layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from weighbridge.errors import UsageError
from weighbridge.learn.recipe.model import OptimizerSpec


def build(spec: OptimizerSpec, module: nn.Module, layers: Sequence[Sequence[str]]) -> torch.optim.Optimizer:
    """An optimiser of the parameters that need gradients.

    `layers` are prefixes of names from the input to the head. Each layer learns at `layer_decay` of the rate of the one
    above it; a parameter outside of all learns as the lowest. Weights alone decay, not biases and norms, as usual.
    Each group holds its multiple of the rate as `scale`.
    """
    groups = _groups(spec, module, layers)
    if not groups:
        raise UsageError("nothing is left to train: every parameter is frozen", hint="Set train.what to all.")
    return _BUILDERS[spec.name](spec, groups)


def _groups(spec: OptimizerSpec, module: nn.Module, layers: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    groups: dict[tuple[int, bool], dict[str, Any]] = {}
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        depth = _depth(name, layers)
        decays = parameter.ndim > 1
        scale = spec.layer_decay ** (len(layers) - 1 - depth) if layers else 1.0
        decay = spec.weight_decay if decays else 0.0
        group = groups.setdefault((depth, decays), {"params": [], "scale": scale, "weight_decay": decay})
        group["params"].append(parameter)
    return [groups[key] for key in sorted(groups)]


def _depth(name: str, layers: Sequence[Sequence[str]]) -> int:
    for index, prefixes in enumerate(layers):
        if any(name.startswith(prefix) for prefix in prefixes):
            return index
    return 0


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Let every group learn at its multiple of `rate`."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("scale", 1.0)


def _sgd(spec: OptimizerSpec, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    return torch.optim.SGD(groups, lr=spec.learning_rate, momentum=spec.momentum)


def _rmsprop(spec: OptimizerSpec, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    return torch.optim.RMSprop(groups, lr=spec.learning_rate, momentum=spec.momentum)


def _adam(spec: OptimizerSpec, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    return torch.optim.Adam(groups, lr=spec.learning_rate, betas=spec.betas)


def _adamw(spec: OptimizerSpec, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, lr=spec.learning_rate, betas=spec.betas)


def _lbfgs(spec: OptimizerSpec, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    if spec.weight_decay or spec.layer_decay != 1.0:
        raise UsageError("lbfgs knows neither weight_decay nor layer_decay", hint="Take adamw, or leave them out.")
    parameters = [parameter for group in groups for parameter in group["params"]]
    return torch.optim.LBFGS(parameters, lr=spec.learning_rate, line_search_fn="strong_wolfe")


_BUILDERS: dict[str, Callable[[OptimizerSpec, list[dict[str, Any]]], torch.optim.Optimizer]] = {
    "sgd": _sgd,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamw": _adamw,
    "lbfgs": _lbfgs,
}
