"""Which samples make which batch: a pure function of seed and number, so that a resumed run sees the same."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from weighbridge.learn.data import Indices
from weighbridge.learn.recipe import TrainSpec

_ORDER, _CHANGES, _DRAWS = 1, 2, 3  # streams of random numbers that do not meet


@dataclass(frozen=True, slots=True)
class Order:
    """The batches of a run over `samples` samples; `accumulate` of them make one step."""

    samples: int
    batch_size: int
    accumulate: int
    seed: int

    @classmethod
    def of(cls, spec: TrainSpec, samples: int) -> Order:
        return cls(samples, spec.batch_size, spec.accumulate, spec.seed)

    @property
    def batches_per_epoch(self) -> int:
        """A last batch of one sample is left out: normalisation over a batch has no variance there."""
        last = self.samples % self.batch_size
        alone = last == 1 and self.samples > 1 and self.batch_size > 1
        return ceil(self.samples / self.batch_size) - (1 if alone else 0)

    def steps_in(self, epochs: float) -> int:
        """Steps that see so many epochs, rounded up."""
        return max(ceil(epochs * self.batches_per_epoch / self.accumulate), 1)

    def epoch(self, step: int) -> float:
        """Epochs done when `step` steps are."""
        return step * self.accumulate / self.batches_per_epoch

    def batches(self, step: int) -> list[tuple[int, Indices]]:
        """The number and the samples of each batch of a step (from 0)."""
        return [(number, self._batch(number)) for number in range(step * self.accumulate, (step + 1) * self.accumulate)]

    def _batch(self, number: int) -> Indices:
        epoch, at = divmod(number, self.batches_per_epoch)
        order = self._stream(_ORDER, epoch).permutation(self.samples)
        return order[at * self.batch_size : (at + 1) * self.batch_size].astype(np.int64)

    def changes(self, number: int) -> np.random.Generator:
        """What draws the changes (flips, shifts) of this batch's samples."""
        return self._stream(_CHANGES, number)

    def torch_seed(self, number: int) -> int:
        """What torch's generator is set to before this batch: dropout needs no state that a checkpoint would keep."""
        return int(self._stream(_DRAWS, number).integers(1 << 62))

    def _stream(self, stream: int, number: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, stream, number])))
