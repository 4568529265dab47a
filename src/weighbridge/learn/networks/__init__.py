"""Networks by name: ours, and those of timm and transformers. Importing this imports torch."""

from weighbridge.learn.networks.base import Network, Options

__all__ = ["Network", "Options"]
