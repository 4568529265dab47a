"""Data: read from what people have, split, prepared, and named by digests."""

from weighbridge.learn.data.values import Batch, Facts, Indices, Notice, Samples, Splits

__all__ = ["Batch", "Facts", "Indices", "Notice", "Samples", "Splits"]
