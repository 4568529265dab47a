"""What our own networks share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import ValidationError
from torch import nn

from weighbridge.errors import UsageError
from weighbridge.learn.data import Facts
from weighbridge.learn.networks.base import Options

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
}
_Options = TypeVar("_Options", bound=Options)


def outputs(facts: Facts) -> int:
    """How many numbers a network gives for a sample of this data. Raises `UsageError` for language."""
    if facts.task == "classification":
        if len(facts.classes) < 2:
            raise UsageError(f"classification needs two classes or more, and the data has {len(facts.classes)}")
        return len(facts.classes)
    if facts.task == "regression":
        return facts.outputs
    raise UsageError("this network tells classes and predicts numbers; for language take causal_lm")


def options(kind: type[_Options], given: dict[str, Any]) -> _Options:
    """Options as a network takes them. Raises `UsageError` that names each one that does not fit."""
    try:
        return kind(**given)
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:5])
        known = ", ".join(kind.model_fields) or "none"
        raise UsageError(f"options of the network do not fit: {told}", hint=f"It takes: {known}.") from None


def groups(module: nn.Module, body: str, head: str) -> tuple[tuple[str, ...], ...]:
    """A group for each block of a body that is a sequence, and one for the head."""
    blocks = module.get_submodule(body)
    return (*((f"{body}.{name}.",) for name, _ in blocks.named_children()), (f"{head}.",))
