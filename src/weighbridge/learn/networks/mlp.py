"""A feed-forward network of any shape, for tables and small images."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field
from torch import Tensor, nn

from weighbridge.errors import UsageError
from weighbridge.learn.data import Facts
from weighbridge.learn.networks import _files, _parts
from weighbridge.learn.networks.base import Options

_HEAD = "head"


class MlpOptions(Options):
    """`hidden`: units of each hidden layer, from the input on; none makes a linear model."""

    hidden: tuple[Annotated[int, Field(ge=1, le=1 << 20)], ...] = (128, 64)
    activation: Literal["relu", "gelu", "silu", "tanh", "sigmoid", "leaky_relu", "elu"] = "relu"
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    norm: Literal["none", "batch", "layer"] = "none"


class MlpModule(nn.Module):
    """`body` has one block a hidden layer (linear, norm, activation, dropout); `head` is the last linear layer."""

    def __init__(self, options: MlpOptions, inputs: int, outputs: int) -> None:
        super().__init__()
        widths = (inputs, *options.hidden)
        self.body = nn.Sequential(*(_block(options, before, after) for before, after in pairwise(widths)))
        self.head = nn.Linear(widths[-1], outputs)

    def features(self, given: Tensor) -> Tensor:
        flat = given.flatten(1)
        transformed: Tensor = self.body(flat) if len(self.body) else flat
        return transformed

    def forward(self, features: Tensor | None = None, pixels: Tensor | None = None) -> Tensor:
        given = pixels if features is None else features
        if given is None:
            raise UsageError("an mlp takes features or pixels, and was given neither")
        predicted: Tensor = self.head(self.features(given))
        return predicted


def _block(options: MlpOptions, before: int, after: int) -> nn.Sequential:
    norms: dict[str, list[nn.Module]] = {"none": [], "batch": [nn.BatchNorm1d(after)], "layer": [nn.LayerNorm(after)]}
    dropout = [nn.Dropout(options.dropout)] if options.dropout else []
    return nn.Sequential(
        nn.Linear(before, after), *norms[options.norm], _parts.ACTIVATIONS[options.activation](), *dropout
    )


class Mlp:
    """The kind of network named `mlp`."""

    name = "mlp"
    options = MlpOptions

    def build(self, options: MlpOptions, facts: Facts) -> nn.Module:
        if facts.kind == "text":
            raise UsageError("an mlp takes tables and images, and this data is text")
        return MlpModule(options, prod(facts.shape), _parts.outputs(facts))

    def save(self, module: nn.Module, options: MlpOptions, facts: Facts, folder: Path) -> None:
        _files.save(self.name, module, options, facts, folder)

    def load(self, folder: Path) -> nn.Module:
        options, facts = _files.read_config(self.name, folder)
        return _files.read_weights(self.build(_parts.options(MlpOptions, options), facts), folder)

    def head(self, module: nn.Module) -> tuple[str, ...]:
        return (_HEAD,)

    def layers(self, module: nn.Module) -> tuple[tuple[str, ...], ...]:
        return _parts.groups(module, "body", _HEAD)

    def features(self, module: Any, batch: dict[str, Tensor]) -> Tensor:
        features: Tensor = module.features(next(iter(batch.values())))
        return features
