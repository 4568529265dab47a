"""The tensors of a revision as a table with a map of their sizes, and one tensor with its values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from markupsafe import Markup

from weighbridge import figures
from weighbridge.report import Anatomy, TensorFacts, TensorStatistics
from weighbridge.report.text import number_text, shape_text, visible
from weighbridge.server.web import links, units
from weighbridge.server.web.views.parts import NO_PAGES, Choice, Drawing, Fact, Pager
from weighbridge.server.web.views.repo import RepoHead, RevisionMenu

PAGE = 100
_LONGEST_NAME = 300


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asked of the table: every field is a stranger's text until `tensors_view` has looked at it."""

    query: str = ""
    dtype: str = ""
    file: str = ""
    sort: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True)
class Box:
    name: str
    label: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Column:
    text: str
    href: str
    style: str = ""
    current: bool = False


@dataclass(frozen=True, slots=True)
class TensorRow:
    name: str
    href: str
    dtype: str
    shape: str
    items: str
    size: str


@dataclass(frozen=True, slots=True)
class TensorsView:
    repo: RepoHead
    revisions: RevisionMenu
    action: str
    summary: str = ""
    broken: tuple[Fact, ...] = ()
    totals: tuple[Fact, ...] = ()
    figures: tuple[Drawing, ...] = ()
    query: str = ""
    boxes: tuple[Box, ...] = ()
    columns: tuple[Column, ...] = ()
    rows: tuple[TensorRow, ...] = ()
    pager: Pager = NO_PAGES
    nothing: str = ""


@dataclass(frozen=True, slots=True)
class TensorView:
    repo: RepoHead
    back: str
    revision: str
    name: str
    facts: tuple[Fact, ...]
    statistics: tuple[Fact, ...] = ()
    figures: tuple[Drawing, ...] = ()
    reason: str = ""


_SORTS: dict[str, Callable[[TensorFacts], object]] = {
    "name": lambda tensor: tensor.name,
    "dtype": lambda tensor: (tensor.dtype, tensor.name),
    "shape": lambda tensor: (len(tensor.shape), tensor.shape),
    "items": lambda tensor: -prod(tensor.shape),
    "size": lambda tensor: -tensor.nbytes,
}


def tensors_view(
    anatomy: Anatomy | None, broken: Sequence[Fact], asked: Asked, repo: RepoHead, revisions: RevisionMenu
) -> TensorsView:
    """The table's page that was asked for. `anatomy` is None where the revision holds no weights that we can read."""
    action = links.at(repo.id, "tensors", repo.revision)
    if anatomy is None or not anatomy.tensors:
        nothing = "There are no tensors at this revision, in no format that Weighbridge reads."
        return TensorsView(repo, revisions, action, broken=tuple(broken), nothing=nothing)
    found = _filtered(anatomy.listed, asked)
    first = PAGE * (min(asked.page, max(1, -(-len(found) // PAGE))) - 1)
    return TensorsView(
        repo=repo,
        revisions=revisions,
        action=action,
        summary=f"{units.plural(anatomy.tensors, 'tensor')} in {units.plural(_weight_files(anatomy), 'file')}",
        broken=tuple(broken),
        totals=_totals(anatomy),
        figures=() if _narrowed(asked) else (_map(anatomy, action),),
        query=asked.query,
        boxes=tuple(_boxes(anatomy, asked)),
        columns=tuple(_columns(action, asked)),
        rows=tuple(_row(tensor, action) for tensor in found[first : first + PAGE]),
        pager=_pager(len(found), first, action, asked),
    )


def _filtered(tensors: Sequence[TensorFacts], asked: Asked) -> list[TensorFacts]:
    words = asked.query.lower().split()
    found = [
        tensor
        for tensor in tensors
        if all(word in tensor.name.lower() for word in words)
        and asked.dtype in ("", tensor.dtype)
        and asked.file in ("", tensor.file)
    ]
    order = _SORTS.get(asked.sort)
    return sorted(found, key=order) if order else found  # type: ignore[arg-type]  # each key compares with itself


def _narrowed(asked: Asked) -> bool:
    """Whether somebody looks for certain tensors: then the table comes first."""
    return bool(asked.query or asked.dtype or asked.file or asked.page > 1)


def _weight_files(anatomy: Anatomy) -> int:
    return sum(1 for file in anatomy.files if file.tensors)


def _totals(anatomy: Anatomy) -> tuple[Fact, ...]:
    facts = [
        Fact("parameters", units.count(anatomy.parameters), f"{anatomy.parameters:,}"),
        Fact("of tensors", units.size(anatomy.nbytes), f"{anatomy.nbytes:,} bytes"),
        Fact("tensors", units.count(anatomy.tensors)),
        Fact("types" if len(anatomy.dtypes) > 1 else "type", ", ".join(group.name for group in anatomy.dtypes[:4])),
    ]
    if anatomy.architecture:
        facts.append(Fact("architecture", visible(anatomy.architecture, 60)))
    if anatomy.tied:
        facts.append(Fact("tied", units.plural(len(anatomy.tied), "group")))
    return tuple(facts)


def _map(anatomy: Anatomy, action: str) -> Drawing:
    tiles = [
        figures.Tile(
            tensor.name, tensor.layer, tensor.nbytes, tensor.dtype, f"{tensor.dtype} {shape_text(tensor.shape)}"
        )
        for tensor in anatomy.listed
    ]
    drawn = figures.embed(figures.treemap(tiles, total="all tensors"))
    note = "An area is as large as its bytes. Click on a tensor to see its values."
    return Drawing("Where the bytes are", Markup(drawn), note)  # noqa: S704 (embed escapes what it holds)


def _boxes(anatomy: Anatomy, asked: Asked) -> list[Box]:
    files = [file.name for file in anatomy.files if file.tensors]
    return [
        _box("dtype", "Type", "every type", [group.name for group in anatomy.dtypes], asked.dtype),
        _box("file", "File", "every file", files, asked.file),
    ]


def _box(name: str, label: str, everything: str, values: Sequence[str], chosen: str) -> Box:
    all_of_them = Choice("", everything, not chosen)
    choices = (Choice(value, visible(value, 60), value == chosen) for value in values)
    return Box(name, label, (all_of_them, *choices))


def _columns(action: str, asked: Asked) -> list[Column]:
    shown = [("Name", "name", ""), ("Type", "dtype", ""), ("Shape", "shape", "")]
    shown += [("Elements", "items", "right wide"), ("Size", "size", "right")]
    return [
        Column(text, _address(action, asked, sort=key, page=1), style, asked.sort == key) for text, key, style in shown
    ]


def _address(action: str, asked: Asked, *, sort: str, page: int) -> str:
    return links.with_query(
        action, q=asked.query, dtype=asked.dtype, file=asked.file, sort=sort, page=page if page > 1 else 0
    )


def _row(tensor: TensorFacts, action: str) -> TensorRow:
    return TensorRow(
        name=visible(tensor.name, _LONGEST_NAME),
        href=links.with_query(action, name=tensor.name),
        dtype=tensor.dtype,
        shape=shape_text(tensor.shape),
        items=f"{prod(tensor.shape):,}",
        size=units.size(tensor.nbytes),
    )


def _pager(total: int, first: int, action: str, asked: Asked) -> Pager:
    page = first // PAGE + 1
    last = min(first + PAGE, total)
    return Pager(
        text=f"{first + 1:,} to {last:,} of {total:,}",
        previous=_address(action, asked, sort=asked.sort, page=page - 1) if first else "",
        following=_address(action, asked, sort=asked.sort, page=page + 1) if last < total else "",
    )


def tensor_view(
    tensor: TensorFacts, values: TensorStatistics | str, repo: RepoHead, tied: Sequence[str] = ()
) -> TensorView:
    """One tensor. `values` is why there are no numbers where it is text."""
    known = None if isinstance(values, str) else values
    back = links.at(repo.id, "tensors", repo.revision)
    return TensorView(
        repo=repo,
        back=back,
        revision=repo.revision,
        name=visible(tensor.name, _LONGEST_NAME),
        facts=tuple(_identity(tensor, repo, tied)),
        statistics=tuple(_statistics(known)) if known else (),
        figures=tuple(_histogram(known)) if known else (),
        reason=values if isinstance(values, str) else _why_no_figure(values),
    )


def _identity(tensor: TensorFacts, repo: RepoHead, tied: Sequence[str]) -> list[Fact]:
    items = prod(tensor.shape)
    facts = [
        Fact("Type", tensor.dtype),
        Fact("Shape", shape_text(tensor.shape)),
        Fact("Elements", f"{items:,}"),
        Fact("Size", units.size(tensor.nbytes), f"{tensor.nbytes:,} bytes"),
        Fact("Layer", visible(tensor.layer, 80) or "–"),
        Fact("File", visible(tensor.file, 120), href=links.at(repo.id, "blob", repo.revision, tensor.file)),
    ]
    others = [name for name in tied if name != tensor.name]
    return facts + [Fact("Same bytes as", visible(name, 120), href=_tensor(repo, name)) for name in others]


def _tensor(repo: RepoHead, name: str) -> str:
    return links.at(repo.id, "tensors", repo.revision, name=name)


def _statistics(values: TensorStatistics) -> list[Fact]:
    share = f" ({units.percent(values.zeros / values.count)})" if values.zeros and values.count else ""
    return [
        Fact("Minimum", number_text(values.minimum)),
        Fact("Maximum", number_text(values.maximum)),
        Fact("Mean", number_text(values.mean)),
        Fact("Standard deviation", number_text(values.std)),
        Fact("Zeros", f"{values.zeros:,}{share}"),
        Fact("Not a number", f"{values.nan:,}"),
        Fact("Infinite", f"{values.infinite:,}"),
    ]


def _histogram(values: TensorStatistics) -> list[Drawing]:
    bins = values.histogram
    if bins is None or not any(bins.counts):
        return []
    drawn = figures.embed(figures.histogram(values.name, bins.low, bins.high, bins.counts))
    return [Drawing("How its values are spread", Markup(drawn))]  # noqa: S704 (embed escapes what it holds)


def _why_no_figure(values: TensorStatistics) -> str:
    if not values.count:
        return "This tensor has no elements."
    return "" if values.histogram else "No value is finite, or their range is wider than a figure can show."
