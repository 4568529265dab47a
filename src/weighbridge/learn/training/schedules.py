"""How the learning rate goes over a run: pure functions of the step, so that there is nothing to save or restore."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi

from weighbridge.learn.recipe.model import ScheduleSpec

# As torch's OneCycleLR has them: the share of steps that rise, where the rate starts and ends beside its highest.
_RISE, _START, _END = 0.3, 1 / 25, 1 / 25 / 1e4


def factor(spec: ScheduleSpec, step: int, steps: int) -> float:
    """The learning rate of `step` (from 0) of `steps`, as a multiple of the recipe's."""
    warmup = round(spec.warmup * steps)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return _CURVES[spec.name](step - warmup, steps - warmup)


def _constant(_step: int, _steps: int) -> float:
    return 1.0


def _linear(step: int, steps: int) -> float:
    return 1.0 - step / steps


def _cosine(step: int, steps: int) -> float:
    return (1 + cos(pi * step / steps)) / 2


def _onecycle(step: int, steps: int) -> float:
    top, last = max(_RISE * steps - 1, 0.0), steps - 1
    if step <= top:
        return _between(_START, 1.0, step / top if top else 1.0)
    return _between(1.0, _END, (step - top) / (last - top))


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + cos(pi * share)) / 2


_CURVES: dict[str, Callable[[int, int], float]] = {
    "constant": _constant,
    "linear": _linear,
    "cosine": _cosine,
    "onecycle": _onecycle,
}
