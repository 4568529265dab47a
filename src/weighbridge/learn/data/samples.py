"""Samples of one split, prepared when they are asked for: images, rows, texts, and blocks of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weighbridge.errors import DataError
from weighbridge.learn.data.inputs import Images, Rows, Texts
from weighbridge.learn.data.preparing.images import ImagePreparation, frames
from weighbridge.learn.data.preparing.tables import TablePreparation
from weighbridge.learn.data.preparing.text import TokenBlocks, Tokenizer
from weighbridge.learn.data.values import Batch, Indices

KEPT = 256 << 20
"""Bytes of decoded images of one split that stay in memory; larger splits are decoded each time."""


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Which of the raw inputs are in this split, with their targets and digests."""

    indices: Indices
    targets: NDArray[Any]
    names: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.indices)

    def digests(self) -> tuple[bytes, ...]:
        return self.names


@dataclass(frozen=True, slots=True)
class ImageSamples(_Chosen):
    images: Images
    preparation: ImagePreparation
    kept: NDArray[Any] | None = None

    @classmethod
    def of(cls, chosen: _Chosen, images: Images, preparation: ImagePreparation) -> ImageSamples:
        """Decoded now where that is small, which also finds images that cannot be."""
        one = preparation.height * preparation.width * preparation.channels
        kept = frames(preparation, images, chosen.indices) if one * len(chosen) <= KEPT else None
        return cls(chosen.indices, chosen.targets, chosen.names, images, preparation, kept)

    def batch(self, indices: Indices) -> Batch:
        if self.kept is not None:
            return {"pixels": self.preparation.finish(self.kept[indices])}
        return {"pixels": self.preparation.finish(frames(self.preparation, self.images, self.indices[indices]))}


@dataclass(frozen=True, slots=True)
class TableSamples(_Chosen):
    rows: Rows
    preparation: TablePreparation

    def batch(self, indices: Indices) -> Batch:
        return {"features": self.preparation.finish(self.rows, self.indices[indices])}


@dataclass(frozen=True, slots=True)
class TextSamples(_Chosen):
    """Texts with a target each. `tokenizer` is None until the network brings one."""

    texts: Texts
    max_length: int
    tokenizer: Tokenizer | None = None

    def raw(self, index: int) -> str:
        """The text itself."""
        return self.texts.text(int(self.indices[index]))

    def batch(self, indices: Indices) -> Batch:
        if self.tokenizer is None:
            raise DataError("texts need a tokenizer first", hint="Choose a network for text, which brings one.")
        return self.tokenizer.batch([self.raw(int(index)) for index in indices], self.max_length)


@dataclass(frozen=True, slots=True)
class BlockSamples:
    """Rows of tokens to learn language from; the targets are the tokens themselves."""

    blocks: TokenBlocks
    names: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.blocks)

    @property
    def targets(self) -> NDArray[np.int64]:
        return self.blocks.targets(np.arange(len(self), dtype=np.int64)) if len(self) else np.zeros((0, 0), np.int64)

    def batch(self, indices: Indices) -> Batch:
        tokens, mask = self.blocks.rows(indices)
        return {"input_ids": tokens, "attention_mask": mask}

    def digests(self) -> tuple[bytes, ...]:
        """Those of the texts: a block has none of its own."""
        return self.names


Chosen = _Chosen
