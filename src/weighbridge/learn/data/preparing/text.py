"""Texts made ready for a network by a tokenizer, which comes with the network and so later than the data.

`prepare_text` is the seam: data without it is split, counted and hashed; with it, batches can be drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from weighbridge.errors import DataError
from weighbridge.learn.data.inputs import Texts
from weighbridge.learn.data.values import Batch, Indices

IGNORED = -100
"""The target of a token that no loss is taken of: torch's cross-entropy leaves it out by default."""


class Tokenizer(Protocol):
    """What a network's folder must bring for texts."""

    @property
    def end(self) -> int:
        """The token between two texts."""
        ...

    def encode(self, text: str) -> list[int]:
        """The tokens of a whole text, without special ones."""
        ...

    def batch(self, texts: list[str], max_length: int) -> Batch:
        """`input_ids` and `attention_mask`, int64 (n, length ≤ max_length): cut, padded, special tokens added."""
        ...


@dataclass(frozen=True, slots=True)
class TokenBlocks:
    """Texts joined by the end token and cut into rows of one length, as causal language models learn from them."""

    tokens: NDArray[np.int32]
    length: int
    pad: int

    @classmethod
    def of(cls, texts: Texts, indices: Indices, tokenizer: Tokenizer, length: int) -> TokenBlocks:
        parts = [
            np.array([*tokenizer.encode(texts.text(int(index))), tokenizer.end], dtype=np.int32) for index in indices
        ]
        return cls(np.concatenate(parts) if parts else np.zeros(0, np.int32), length, tokenizer.end)

    def __len__(self) -> int:
        return -(-len(self.tokens) // self.length)

    def rows(self, indices: Indices) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Tokens and mask, int64 (n, length); the last row may end in padding, where the mask is 0."""
        places = indices[:, None] * self.length + np.arange(self.length)
        mask = places < len(self.tokens)
        if not len(self.tokens):
            raise DataError("there are no texts")
        found = np.where(mask, self.tokens[np.minimum(places, len(self.tokens) - 1)], self.pad)
        return found.astype(np.int64), mask.astype(np.int64)

    def targets(self, indices: Indices) -> NDArray[np.int64]:
        tokens, mask = self.rows(indices)
        return np.where(mask == 1, tokens, IGNORED)
