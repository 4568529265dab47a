"""A training run as a person sees it: a bar with loss, rate and time left, and a line for each evaluation."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weighbridge.learn.training import Evaluated, Event, Tell

_SHOWN = ("accuracy", "balanced_accuracy", "r2", "loss")


@contextmanager
def watched(*, quiet: bool) -> Iterator[Tell]:
    """What a run tells goes to stderr: with a bar where a person is watching, else as lines. Nothing if `quiet`."""
    if quiet:
        yield lambda _event: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}/{task.total:.0f}"))
    rest = (TextColumn("{task.fields[said]}"), TimeElapsedColumn(), TimeRemainingColumn())
    live = sys.stderr.isatty()
    with Progress(*columns, *rest, console=console, transient=True, disable=not live) as bars:
        yield _Teller(bars, console).tell


class _Teller:
    """Draws what a run tells. Training goes faster than eyes: the bar refreshes itself a few times a second."""

    def __init__(self, bars: Any, console: Any) -> None:
        self._bars = bars
        self._console = console
        self._tasks: dict[str, Any] = {}

    def tell(self, event: Event) -> None:
        from weighbridge.learn.training import Evaluated, Note, Preparing, Step

        if isinstance(event, Step):
            said = f"loss {event.loss:.4g}  rate {event.rate:.3g}"
            self._move("training", event.step, event.steps, said)
        elif isinstance(event, Preparing):
            self._move(event.what, event.done, event.count, "")
        elif isinstance(event, Evaluated):
            self._line(_evaluated(event))
        elif isinstance(event, Note):
            self._line(event.text)

    def _move(self, title: str, done: int, count: int, said: str) -> None:
        if title not in self._tasks:
            self._tasks[title] = self._bars.add_task(title, total=count, said="")
        self._bars.update(self._tasks[title], completed=done, said=said)

    def _line(self, text: str) -> None:
        from weighbridge.report.text import visible

        self._console.print(visible(text), markup=False, soft_wrap=True)


def _evaluated(event: Evaluated) -> str:
    shown = ", ".join(f"{name} {event.metrics[name]:.4g}" for name in _SHOWN if name in event.metrics)
    return f"step {event.step}  {event.split}: {shown}"
