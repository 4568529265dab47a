"""Asks every check, and keeps all answers whatever happens."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from time import perf_counter

from weighbridge.checkpoint import Checkpoint
from weighbridge.checkpoint import open as open_checkpoint
from weighbridge.checks.base import Answer, Check
from weighbridge.checks.inputs import Inputs, Progress
from weighbridge.checks.registry import CHECKS
from weighbridge.errors import UsageError, WeighbridgeError
from weighbridge.report import CheckResult, Finding, Outcome, Report, Severity


def check(path: str | os.PathLike[str], *, only: Sequence[str] = (), progress: Progress | None = None) -> Report:
    """Everything that the checks say of a file or folder. Nothing in it is executed.

    What cannot be read is part of the report (outcome ``error``). Raises `PathNotFoundError` where there is nothing to
    report on, and `UsageError` where `only` names no check.
    """
    chosen = choose(only)
    with open_checkpoint(path, allow_unsafe=True, allow_empty=True) as checkpoint:
        return _report(chosen, Inputs(checkpoint, progress=progress))


def run(
    checkpoint: Checkpoint, *, only: Sequence[str] = (), match: str = "", progress: Progress | None = None
) -> Report:
    """The answers of all checks, or of those that `only` names: ``safety`` means all whose ids begin with it.

    `match` is a pattern: tensors whose names do not fit are neither listed nor read. `progress` is called with bytes
    read so far and in all.
    """
    return _report(choose(only), Inputs(checkpoint, match=match, progress=progress))


def choose(only: Sequence[str]) -> tuple[Check, ...]:
    """The checks of these ids, in the order of the registry. Raises `UsageError` for an id that means no check."""
    for wanted in only:
        if not any(_means(wanted, each.id) for each in CHECKS):
            known = ", ".join(each.id for each in CHECKS)
            raise UsageError(f"there is no check {wanted!r}; expected one of {known}")
    return tuple(each for each in CHECKS if not only or any(_means(wanted, each.id) for wanted in only))


def _means(wanted: str, check_id: str) -> bool:
    return check_id == wanted or check_id.startswith(f"{wanted}.")


def _report(chosen: Sequence[Check], inputs: Inputs) -> Report:
    return Report(
        subject=inputs.checkpoint.name,
        results=tuple(_ask(each, inputs) for each in chosen),
        weighbridge=version("weighbridge"),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _ask(each: Check, inputs: Inputs) -> CheckResult:
    began = perf_counter()
    try:
        answer = each.run(**{name: inputs.get(name) for name in each.inputs})
    except WeighbridgeError as error:
        answer = _could_not_read(error)
    except Exception as error:  # noqa: BLE001 (a crashed check is an answer too: error, never silence)
        answer = Answer(Outcome.ERROR, reason=f"the check itself failed: {type(error).__name__}: {error}")
    return CheckResult(
        check=each.id,
        title=each.title,
        outcome=answer.outcome,
        findings=answer.findings,
        facts=answer.facts,
        reason=answer.reason,
        seconds=round(perf_counter() - began, 4),
    )


def _could_not_read(error: WeighbridgeError) -> Answer:
    finding = Finding(error.code, Severity.WARNING, error.message, where=error.where, hint=error.hint)
    return Answer(Outcome.ERROR, (finding,), reason=str(error))
