"""Duplicates: the same values kept more than once.

What: tensors of equal type, shape and content that lie in different places, found by digest in the pass that measures
the values. Tensors that share their place are tied, not duplicated, and belong to the anatomy. Tensors of one value,
such as biases of zeros, are left out.

Why: duplicates take room on disk and in memory. They also show where tied weights were saved twice.

Example: ``lm_head.weight and transformer.wte.weight are equal (154 MB could be saved)``.

What to do: nothing has to be done; a store keeps equal tensors once. Tie them in the model to save memory too.
"""

from __future__ import annotations

from collections import defaultdict

from weighbridge.checkpoint import Tensor
from weighbridge.checks.base import Answer, Check, judged, skipped
from weighbridge.checks.listing import capped, names_evidence, plural, some_names
from weighbridge.checks.statistics import unread_reason
from weighbridge.report import Finding, Severity, Statistics
from weighbridge.report.text import size_text


def _duplicates(tensors: tuple[Tensor, ...], statistics: Statistics) -> Answer:
    if not tensors:
        return skipped("there are no tensors")
    groups = _equal_groups(tensors, statistics)
    wasted = sum(_wasted(group) for group in groups)
    facts = {"groups": len(groups), "bytes": wasted}
    return judged(capped(map(_finding, groups)), dict(facts), unjudged=unread_reason(statistics))


CHECK = Check("duplicates", "Whether tensors repeat each other", _duplicates)


def _equal_groups(tensors: tuple[Tensor, ...], statistics: Statistics) -> list[list[Tensor]]:
    """Groups of equal tensors in different places, the largest first."""
    measured = {each.name: each for each in statistics.tensors}
    groups: defaultdict[object, dict[object, Tensor]] = defaultdict(dict)
    for tensor in tensors:
        values = measured.get(tensor.name)
        if values is None or values.count < 2 or values.constant:
            continue
        info = tensor.info
        place = (info.file, info.extent, info.offset, info.strides) if info.extent else tensor.name
        groups[tensor.dtype.name, tensor.shape, values.digest].setdefault(place, tensor)
    found = [list(group.values()) for group in groups.values() if len(group) > 1]
    return sorted(found, key=_wasted, reverse=True)


def _wasted(group: list[Tensor]) -> int:
    return (len(group) - 1) * group[0].nbytes


def _finding(group: list[Tensor]) -> Finding:
    names = [tensor.name for tensor in group]
    return Finding(
        "duplicates.equal",
        Severity.INFO,
        f"{plural(len(names), 'tensor')} are equal, {size_text(_wasted(group))} of them repeated: {some_names(names)}",
        evidence=names_evidence(names) | {"bytes": _wasted(group)},
    )
