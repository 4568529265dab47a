"""When to stop, and which weights were best."""

from __future__ import annotations

from dataclasses import dataclass, replace

from weighbridge.learn.evaluation.metrics import higher_is_better


@dataclass(frozen=True, slots=True)
class Best:
    """The best evaluation so far, and how many since were no better. `value` is None before the first."""

    metric: str
    value: float | None = None
    step: int = 0
    since: int = 0

    def after(self, value: float, step: int) -> Best:
        """What is best once `step` was measured. A tie is no gain, and NaN never is."""
        better = self.value is None or (value > self.value if higher_is_better(self.metric) else value < self.value)
        return replace(self, value=value, step=step, since=0) if better else replace(self, since=self.since + 1)

    def exhausted(self, patience: int) -> bool:
        return self.since >= patience
