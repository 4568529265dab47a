"""The networks that a recipe may name. To add one: write its file, and add it here."""

from __future__ import annotations

from typing import Any

from weighbridge.errors import UsageError
from weighbridge.learn.networks._parts import options
from weighbridge.learn.networks.base import Network, Options
from weighbridge.learn.networks.causal_lm import CausalLm
from weighbridge.learn.networks.cnn import Cnn
from weighbridge.learn.networks.efficientnet_lite import EfficientNetLite
from weighbridge.learn.networks.encoder import Encoder
from weighbridge.learn.networks.mlp import Mlp
from weighbridge.learn.networks.timm_backbone import PREFIX, TimmBackbone, TimmOptions

NETWORKS: tuple[Network, ...] = (Mlp(), Cnn(), EfficientNetLite(), Encoder(), CausalLm())


def find(name: str, given: dict[str, Any]) -> tuple[Network, Options]:
    """The network of this name, and its options from a recipe's. Raises `UsageError`."""
    if name.startswith(PREFIX):
        return TimmBackbone(name), options(TimmOptions, given)
    for network in NETWORKS:
        if network.name == name:
            return network, options(network.options, given)
    raise UsageError(
        f"there is no network named {name!r}",
        hint=f"Known are: {', '.join(each.name for each in NETWORKS)}, timm/NAME.",
    )
