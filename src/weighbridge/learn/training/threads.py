"""How many threads: measured, because for small networks more threads are slower, and written to the lock.

On two cores one thread took a tenth of the CPU time of two for a small CNN. Another count gives other bits, so a run
that goes on, and a reproduction, take the count of the lock instead of measuring again.
"""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable

import torch
from torch import nn

_STEPS = 3
_GAIN = 1.15
"""More threads must be faster by so much: they take others' cores, and one is the count that any machine has."""


def choose(module: nn.Module, step: Callable[[nn.Module], None], *, most: int | None = None) -> int:
    """The count with which a step is fastest: 1, or all cores. `step` runs forward and backward on a module.

    Works on a copy, and leaves torch's generator as it was. The interleaved best of `_STEPS` runs is taken.
    """
    most = most or cores()
    if most == 1:
        return 1
    trial, state = copy.deepcopy(module), torch.get_rng_state()
    best = {1: float("inf"), most: float("inf")}
    try:
        for round_ in range(_STEPS + 1):
            for count in best:
                torch.set_num_threads(count)
                seconds = _timed(step, trial)
                if round_:  # the first warms up
                    best[count] = min(best[count], seconds)
    finally:
        torch.set_rng_state(state)
    return most if best[1] > _GAIN * best[most] else 1


def _timed(step: Callable[[nn.Module], None], module: nn.Module) -> float:
    started = time.perf_counter()
    step(module)
    return time.perf_counter() - started


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
