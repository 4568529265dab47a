"""The figures of a report: facts in, figures out. Web pages show the same ones."""

from __future__ import annotations

import re

from weighbridge.figures import Bar, Figure, Histogram, Tile, bars, treemap
from weighbridge.report.facts import Anatomy, Statistics, TensorFacts
from weighbridge.report.text import shape_text, size_text, visible

# Where nearly all bytes are of one type, colours tell kinds of layers apart rather than types.
_MIXED = 0.98
_NUMBERS = re.compile(r"[./]?\d+")


def treemaps(anatomy: Anatomy) -> dict[str, Figure]:
    """Tensors by size, gathered by layer; and by type, where there are several. Tied tensors are drawn once."""
    shown = _drawn_once(anatomy)
    several = len(anatomy.dtypes) > 1
    mixed = max((group.nbytes for group in anatomy.dtypes), default=0) < _MIXED * anatomy.nbytes
    total = visible(anatomy.architecture) or "all tensors"
    by_layer = [
        Tile(
            name=visible(tensor.name),
            group=visible(tensor.layer),
            size=tensor.nbytes,
            colour=tensor.dtype if mixed else visible(_family(tensor.layer)),
            note=_note(tensor),
        )
        for tensor in shown
    ]
    figures = {"by layer": treemap(by_layer, total=total)}
    if several:
        by_dtype = [
            Tile(visible(tensor.name), tensor.dtype, tensor.nbytes, visible(_family(tensor.layer)), _note(tensor))
            for tensor in shown
        ]
        figures["by type"] = treemap(by_dtype, total=total)
    return figures


def sizes(anatomy: Anatomy) -> dict[str, Figure]:
    """Bars of how much room the layers take, and the types."""
    groups = {"layers": anatomy.layers, "types": anatomy.dtypes}
    return {
        what: bars(
            [Bar(visible(group.name) or "(top)", group.nbytes, f"{size_text(group.nbytes)}") for group in members],
            what=f"Bytes by {what.removesuffix('s')}",
        )
        for what, members in groups.items()
    }


def histograms(anatomy: Anatomy, statistics: Statistics) -> list[Histogram]:
    """Every tensor's histogram, the largest tensors first."""
    sizes_of = {tensor.name: tensor.nbytes for tensor in anatomy.listed}
    measured = sorted(statistics.tensors, key=lambda each: -sizes_of.get(each.name, 0))
    return [
        Histogram(visible(each.name), each.histogram.low, each.histogram.high, each.histogram.counts)
        for each in measured
        if each.histogram
    ]


def _drawn_once(anatomy: Anatomy) -> list[TensorFacts]:
    again = {name for names in anatomy.tied for name in names[1:]}
    return [tensor for tensor in anatomy.listed if tensor.name not in again]


def _family(layer: str) -> str:
    """What layers of one kind have in common: ``encoder.layer`` of ``encoder.layer.3``, ``embeddings`` of its parts."""
    numbered = _NUMBERS.search(layer)
    kind = _NUMBERS.sub("", layer) if numbered else layer.split(".")[0]
    return kind or layer or "(top)"


def _note(tensor: TensorFacts) -> str:
    return f"{tensor.dtype} {shape_text(tensor.shape)}, {size_text(tensor.nbytes)}"
