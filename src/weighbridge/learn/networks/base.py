"""What a network is to the rest of the package."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel
from torch import Tensor, nn

from weighbridge.learn.data import Facts


class Options(BaseModel):
    """What a recipe may say of a network; each has its own. Frozen, and unknown names are refused."""

    model_config = {"frozen": True, "extra": "forbid"}


class Network(Protocol):
    """One kind of network: how it is built, saved so that its own library loads it again, and taken apart.

    A module that `build` or `load` gives is called with the arrays of a batch by name and returns logits (n, classes),
    predictions (n, k), or token logits (n, length, vocabulary). Its parameters are float32.
    """

    @property
    def name(self) -> str: ...

    @property
    def options(self) -> type[Options]: ...

    def build(self, options: Any, facts: Facts) -> nn.Module:
        """A new network with random weights, drawn from torch's generator. Raises `UsageError` if it cannot fit."""
        ...

    def save(self, module: nn.Module, options: Any, facts: Facts, folder: Path) -> None:
        """Write `model.safetensors` and `config.json` as the network's library has them."""
        ...

    def load(self, folder: Path) -> nn.Module:
        """What `save` wrote, in evaluation mode."""
        ...

    def head(self, module: nn.Module) -> tuple[str, ...]:
        """Names of the modules that make the decision: replaced for new classes, trained alone by `what: head`."""
        ...

    def layers(self, module: nn.Module) -> tuple[tuple[str, ...], ...]:
        """Prefixes of parameter names, from the input to the head, in groups that learn at the same rate."""
        ...

    def features(self, module: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """What the head is given: (n, features)."""
        ...


@runtime_checkable
class Brought(Protocol):
    """A network whose shape and tokenizer come with its starting weights, in the files beside them."""

    def started(self, options: Any, folder: Path) -> Options:
        """The options, completed by what the folder of starting weights says. Raises `UnsafeError` for code."""
        ...

    def build(self, options: Any, facts: Facts, folder: Path | None = None) -> nn.Module:
        """As `Network.build`, with the tokenizer in `folder`."""
        ...
