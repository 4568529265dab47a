"""Health: values that a trained model does not have.

What: tensors with NaN or infinite values (a failure), matrices that are zero throughout (a failure), and other tensors
that hold one value only (information).

Why: one NaN spreads through every later layer. A matrix of zeros lets nothing through: it was lost, or never trained.
Vectors of one value are often left as they were initialised, so they are only told.

Example: ``health.nan: classifier.weight holds 3 NaN among 768 values``.

What to do: get the file again and compare digests; if they agree, ask its author, or go back to an earlier checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from weighbridge.checkpoint import Tensor
from weighbridge.checks.base import Answer, Check, judged, skipped
from weighbridge.checks.listing import capped, names_evidence, plural, some_names
from weighbridge.checks.statistics import unread_reason
from weighbridge.report import Finding, Severity, Statistics, TensorStatistics

_DAMAGED = "Get the file again and compare digests; if they agree, the weights were saved like this."


def _health(tensors: tuple[Tensor, ...], statistics: Statistics) -> Answer:
    if not tensors:
        return skipped("there are no tensors")
    shapes = {tensor.name: tensor.shape for tensor in tensors}
    findings = [*_not_finite(statistics), *_zero_matrices(statistics, shapes), *_constant(statistics, shapes)]
    facts = {
        "tensors": len(statistics.tensors),
        "nan": sum(each.nan for each in statistics.tensors),
        "infinite": sum(each.infinite for each in statistics.tensors),
    }
    return judged(capped(findings), dict(facts), unjudged=unread_reason(statistics))


CHECK = Check("health", "Whether its values are sound", _health)


def _not_finite(statistics: Statistics) -> Iterator[Finding]:
    for each in statistics.tensors:
        for code, count, noun in (("health.nan", each.nan, "NaN"), ("health.infinite", each.infinite, "infinite")):
            if count:
                yield Finding(
                    code,
                    Severity.WARNING,
                    f"holds {count:,} {noun} among {plural(each.count, 'value')}",
                    where=each.name,
                    hint=_DAMAGED,
                    evidence={"tensor": each.name, "count": count, "of": each.count},
                )


def _zero_matrices(statistics: Statistics, shapes: dict[str, tuple[int, ...]]) -> Iterator[Finding]:
    for each in statistics.tensors:
        if _is_zero_matrix(each, shapes[each.name]):
            yield Finding(
                "health.zero",
                Severity.WARNING,
                f"is zero throughout ({plural(each.count, 'value')})",
                where=each.name,
                hint="It lets nothing through: check whether it was meant to be trained.",
                evidence={"tensor": each.name, "of": each.count},
            )


def _is_zero_matrix(each: TensorStatistics, shape: tuple[int, ...]) -> bool:
    return each.constant and each.maximum == 0 and len(shape) > 1 and prod(shape) > max(shape)


def _constant(statistics: Statistics, shapes: dict[str, tuple[int, ...]]) -> Iterator[Finding]:
    names = [each.name for each in statistics.tensors if each.constant and not _is_zero_matrix(each, shapes[each.name])]
    if names:
        verb = "holds" if len(names) == 1 else "hold"
        yield Finding(
            "health.constant",
            Severity.INFO,
            f"{plural(len(names), 'tensor')} {verb} one value only: {some_names(names)}",
            hint="Usual for biases and norms that were never trained.",
            evidence=names_evidence(names),
        )
