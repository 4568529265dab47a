"""Areas inside areas: how much room each tensor takes, gathered by a group."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from weighbridge.figures.figure import Figure, label
from weighbridge.figures.theme import ON_PALETTE, PALETTE

# Plotly lays out a few thousand areas without a pause that one would notice, and nobody can see more.
MAX_TILES = 1200
MAX_GROUPS = 400
_FRAME = "#48525f"
# A group smaller than this part of all has no room for its tensors inside its frame: it shows their colour itself.
_ROOM_FOR_A_FRAME = 0.004
_LABEL_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Tile:
    """One area. `colour` is the name of what its colour stands for; `note` is shown below its name when pointed at."""

    name: str
    group: str
    size: int
    colour: str = ""
    note: str = ""


@dataclass(slots=True)
class _Nodes:
    """The columns of Plotly's treemap, filled row by row."""

    ids: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    values: list[int] = field(default_factory=list)
    colours: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def add(self, name: str, parent: str, size: int, colour: str, note: str = "") -> str:
        identifier = str(len(self.ids))
        self.ids.append(identifier)
        self.labels.append(label(name, _LABEL_LENGTH))
        self.parents.append(parent)
        self.values.append(size)
        self.colours.append(colour)
        self.notes.append(f"{label(name, 120)}<br>{label(note, 200)}" if note else label(name, 120))
        self.names.append("")
        return identifier


def treemap(tiles: Iterable[Tile], *, total: str = "all", unit: str = "bytes") -> Figure:
    """Areas as large as `size`, framed by `group`. Empty tiles have no area and are left out.

    Of more than `MAX_TILES` the smaller ones share one area in each group, and of more than `MAX_GROUPS` groups the
    smaller ones share one, so that the figure is drawn quickly however many there are.
    """
    shown = [tile for tile in tiles if tile.size > 0]
    colours = _colours(shown)
    nodes = _Nodes()
    root = nodes.add(total, "", sum(tile.size for tile in shown), _FRAME)
    kept = {id(tile) for tile in sorted(shown, key=lambda tile: -tile.size)[:MAX_TILES]}
    groups = _by_group(shown)
    large = dict(sorted(groups.items(), key=lambda item: -sum(tile.size for tile in item[1]))[:MAX_GROUPS])
    for name, members in groups.items():
        if name in large:
            _add_group(nodes, root, name, members, kept, colours)
    rest = [tile for name, members in groups.items() if name not in large for tile in members]
    if rest:
        size = sum(tile.size for tile in rest)
        nodes.add(f"{len(groups) - len(large):,} smaller groups", root, size, _FRAME, f"{len(rest):,} tensors")
    return Figure(
        data=(_trace(nodes, unit),) if shown else (),
        layout={
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
            "height": 460,
            "uniformtext": {"minsize": 9, "mode": "hide"},
        },
        summary=f"Treemap of {len(shown):,} tensors in {len(groups):,} groups, as large as their {unit}.",
        legend=tuple((name, colour) for name, colour in colours.items() if name),
    )


def _by_group(tiles: Sequence[Tile]) -> dict[str, list[Tile]]:
    groups: defaultdict[str, list[Tile]] = defaultdict(list)
    for tile in tiles:
        groups[tile.group].append(tile)
    return groups


def _colours(tiles: Sequence[Tile]) -> dict[str, str]:
    """A colour for each kind, the largest first; the kinds beyond the palette share its last."""
    sizes: Counter[str] = Counter()
    for tile in tiles:
        sizes[tile.colour] += tile.size
    ranked = [name for name, _ in sizes.most_common()]
    return {name: PALETTE[min(rank, len(PALETTE) - 1)] for rank, name in enumerate(ranked)}


def _add_group(
    nodes: _Nodes, root: str, name: str, members: Sequence[Tile], kept: set[int], colours: dict[str, str]
) -> None:
    if len(members) == 1 and members[0].name == name:
        _add_tile(nodes, root, members[0], colours)
        return
    size = sum(tile.size for tile in members)
    framed = size >= _ROOM_FOR_A_FRAME * nodes.values[0]
    colour = _FRAME if framed else colours[max(members, key=lambda tile: tile.size).colour]
    parent = nodes.add(name, root, size, colour, f"{len(members):,} tensors")
    for tile in members:
        if id(tile) in kept:
            _add_tile(nodes, parent, tile, colours)
    rest = [tile for tile in members if id(tile) not in kept]
    if rest:
        nodes.add(f"{len(rest):,} smaller tensors", parent, sum(tile.size for tile in rest), _FRAME)


def _add_tile(nodes: _Nodes, parent: str, tile: Tile, colours: dict[str, str]) -> None:
    short = tile.name.removeprefix(f"{tile.group}.") if tile.group else tile.name
    nodes.add(short, parent, tile.size, colours[tile.colour])
    nodes.notes[-1] = f"{label(tile.name, 120)}<br>{label(tile.note, 200)}"
    nodes.names[-1] = tile.name


def _trace(nodes: _Nodes, unit: str) -> dict[str, Any]:
    return {
        "type": "treemap",
        "ids": nodes.ids,
        "labels": nodes.labels,
        "parents": nodes.parents,
        "values": nodes.values,
        "branchvalues": "total",
        "sort": True,
        "marker": {"colors": nodes.colours, "line": {"width": 1, "color": "rgba(255,255,255,.35)"}, "pad": {"t": 22}},
        "tiling": {"pad": 1},
        "pathbar": {"visible": True, "thickness": 22, "textfont": {"color": ON_PALETTE}},
        "customdata": nodes.names,  # whole and as it is: what a click on an area means, "" for a group
        "hovertext": nodes.notes,
        "hovertemplate": f"%{{hovertext}}<br>%{{percentRoot:.1%}} of the {unit}<extra></extra>",
        "textinfo": "label",
        "textfont": {"color": ON_PALETTE},
    }
