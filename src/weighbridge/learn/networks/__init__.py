"""Networks by name: ours, and those of timm and transformers. Importing this imports torch."""

from weighbridge.learn.networks.base import Brought, Network, Options
from weighbridge.learn.networks.registry import NETWORKS, find

__all__ = ["NETWORKS", "Brought", "Network", "Options", "find"]
