"""Statistics: every tensor's values in a few numbers.

What: count, range, mean, standard deviation, zeros, NaN, infinities, a histogram of 64 bins, and a digest, for each
tensor, in one pass over the data that keeps a few MiB in memory.

Why: values that are all equal, enormous, or not numbers at all show at a glance, and so does what was changed.

Example: a LayerNorm weight whose values are all exactly 1 was never trained.

What to do: nothing; this check states facts. Where values are of a type that cannot be decoded it is skipped, and says
for which tensors; where they should be readable and are not, it is an error.

Counts, range and digest are exact. A histogram is exact for types of one or two bytes and for tensors that fit in one
chunk; for larger ones, a value may be counted in the neighbouring bar where it lies within 2 % of a bar's width of the
border. Block-quantised values are taken as decoded; complex ones by magnitude.
"""

from __future__ import annotations

from weighbridge.checkpoint import Tensor
from weighbridge.checks.base import Answer, Check, judged, skipped
from weighbridge.checks.listing import capped, plural, some_names
from weighbridge.errors import UnsupportedError
from weighbridge.report import Finding, Outcome, Severity, Statistics


def _statistics(tensors: tuple[Tensor, ...], statistics: Statistics) -> Answer:
    if not tensors:
        return skipped("there are no tensors")
    damaged = [each for each in statistics.unread if each.code != UnsupportedError.code]
    if damaged:
        findings = capped(Finding(each.code, Severity.WARNING, each.reason, where=each.name) for each in damaged)
        return Answer(Outcome.ERROR, findings, statistics.to_json(), unread_reason(statistics))
    return judged(facts=statistics.to_json(), unjudged=unread_reason(statistics))


CHECK = Check("statistics", "What its values are like", _statistics)


def unread_reason(statistics: Statistics) -> str:
    """Which tensors could not be read, and why the first could not; "" where all were."""
    if not statistics.unread:
        return ""
    names = [each.name for each in statistics.unread]
    first = statistics.unread[0].reason
    return f"the values of {plural(len(names), 'tensor')} could not be read ({some_names(names)}): {first}"
