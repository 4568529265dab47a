"""What checks may ask for, by the name of a parameter. Each input is made once, when the first check asks for it.

    checkpoint    the open `Checkpoint`
    tensors       those of its tensors that were asked about (all, unless a pattern chose some)
    statistics    their values in numbers, from the one pass over the data
    configs       the JSON of its side files

To add an input, add a property. One that cannot be made fails every check that asks for it, with the same error.
"""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import cached_property

from weighbridge.checkpoint import Checkpoint, Tensor
from weighbridge.checks._configs import Configs, read_configs
from weighbridge.checks._measure import measure
from weighbridge.report import Statistics

Progress = Callable[[int, int], None]


class Inputs:
    """The inputs for one checkpoint. `match` is a pattern of tensor names (``*`` and ``?``), "" for all."""

    def __init__(self, checkpoint: Checkpoint, *, match: str = "", progress: Progress | None = None) -> None:
        self.checkpoint = checkpoint
        self._match = match
        self._progress = progress
        self._failed: dict[str, Exception] = {}

    @cached_property
    def tensors(self) -> tuple[Tensor, ...]:
        return tuple(
            tensor for name, tensor in self.checkpoint.items() if not self._match or fnmatchcase(name, self._match)
        )

    @cached_property
    def statistics(self) -> Statistics:
        return measure(self.tensors, self._progress)

    @cached_property
    def configs(self) -> Configs:
        return read_configs(self.checkpoint.side_files)

    def get(self, name: str) -> object:
        """The input of this name. A failure is remembered, so that reading is not tried again for the next check."""
        if name in self._failed:
            raise self._failed[name]
        try:
            return getattr(self, name)
        except Exception as error:
            self._failed[name] = error
            raise
