"""From a recipe's data section to splits: read, labelled, without duplicates, divided, limited, prepared, named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from weighbridge.errors import DataError
from weighbridge.learn.data import duplicates, labels, splitting
from weighbridge.learn.data.inputs import Images, Inputs, Rows, Texts
from weighbridge.learn.data.labels import Labels
from weighbridge.learn.data.places import DataFile, Fetch, files_of, resolve
from weighbridge.learn.data.preparing import images, tables
from weighbridge.learn.data.preparing.images import ImagePreparation
from weighbridge.learn.data.preparing.tables import TablePreparation
from weighbridge.learn.data.preparing.text import TokenBlocks, Tokenizer
from weighbridge.learn.data.samples import BlockSamples, Chosen, ImageSamples, TableSamples, TextSamples
from weighbridge.learn.data.sources import ByColumn, choose
from weighbridge.learn.data.sources.base import Raw
from weighbridge.learn.data.values import Facts, Indices, Notice, Samples, Splits
from weighbridge.learn.recipe import DataSpec

_SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Like:
    """What a model learned from: other data is labelled and prepared the same way."""

    facts: Facts
    preparation: dict[str, Any]


def load(spec: DataSpec, *, where: Path, fetch: Fetch | None = None, like: Like | None = None) -> Splits:
    """The data of a recipe that lies in the folder `where`.

    `fetch` turns ``org/name@revision`` into a folder and a commit, for data on a hub. `like` is for measuring a
    model on other data: classes and preparation are then the model's, and samples that the data does not divide are all
    for testing.

    Raises `DataError` for data that nothing can be learned from, `FormatError` for damaged files, and
    `PathNotFoundError`.
    """
    place = spec.path
    try:
        raw, origin = _read(spec, where, fetch, like)
        labelled = _labelled(raw, spec, like)
        digests = [raw.inputs.digest(int(index)) for index in labelled.kept]
        given = raw.splits[labelled.kept]
        if like is not None and not spec.split.test and not (given == "test").any():
            given = np.where(given == "", "test", given)
        repeated = duplicates.find(digests, labelled.targets, given, spec.duplicates)
        inside = np.flatnonzero(repeated.stays)
        labelled = replace(labelled, targets=labelled.targets[inside], kept=labelled.kept[inside])
        parts = _divided(labelled, given[inside], spec)
        notices = (*raw.notices, *labelled.notices, *repeated.notices)
        if like is None:
            _learnable(labelled, parts["train"])
        kept = [digests[int(index)] for index in inside]
        return replace(_prepared(raw.inputs, labelled, parts, kept, notices, spec, like), origin=origin)
    except DataError as error:
        raise error.at(place) from error.__cause__


def prepare_text(splits: Splits, tokenizer: Tokenizer) -> Splits:
    """The same splits of text, ready for a network whose folder brought `tokenizer`. Others come back as they are."""
    if splits.facts.kind != "text":
        return splits
    ready = [_tokenised(cast("TextSamples", part), splits.facts, tokenizer) for part in _parts(splits)]
    return replace(splits, train=ready[0], validation=ready[1], test=ready[2])


def _tokenised(part: TextSamples, facts: Facts, tokenizer: Tokenizer) -> Samples:
    if facts.task != "language":
        return replace(part, tokenizer=tokenizer)
    return BlockSamples(TokenBlocks.of(part.texts, part.indices, tokenizer, part.max_length), part.names)


def _parts(splits: Splits) -> tuple[Samples, Samples, Samples]:
    return (splits.train, splits.validation, splits.test)


def _read(spec: DataSpec, where: Path, fetch: Fetch | None, like: Like | None) -> tuple[Raw, str | None]:
    place = resolve(spec.path, where, fetch, spec.files)
    files: list[DataFile] = list(files_of(place.path, only=spec.files))
    if spec.test is not None:
        files += files_of(resolve(spec.test, where, fetch).path, "test")
        files = [file for file in files if file.given or file.split != "test"]
    source, claimed = choose(tuple(files), spec)
    if like is not None and isinstance(source, ByColumn):
        spec = _as_learned(spec, like)
    if not isinstance(source, ByColumn) and (spec.columns or spec.missing != "refuse"):
        raise DataError(f"data.columns and data.missing are for tables of named columns, and this is {source.name}")
    raw = source.read(claimed, spec)
    if not len(raw.inputs):
        raise DataError("holds no samples")
    return raw, place.origin


def _as_learned(spec: DataSpec, like: Like) -> DataSpec:
    """The columns that a model learned from, as what it took them for. Others, and their order, are no matter."""
    if like.preparation.get("kind") != "table":
        return spec
    made = TablePreparation.from_json(_of_kind(like, "table"))
    said: dict[str, Any] = {name: what for name, what in spec.columns.items() if what != "ignore"}
    held = dict.fromkeys(made.numeric, "number") | dict.fromkeys(made.categorical, "category")
    return spec.model_copy(update={"inputs": made.numeric + made.categorical, "columns": said | held})


def _labelled(raw: Raw, spec: DataSpec, like: Like | None) -> Labels:
    names = raw.names
    if like is not None and not (names or spec.only or spec.classes) and raw.labels is not None:
        names = like.facts.classes if raw.labels.dtype.kind in "biuf" else ()  # numbers are the model's numbers
    found = labels.understand(raw.labels, names, spec, raw.inputs.kind, len(raw.inputs))
    if like is None:
        return found
    if (found.task, raw.inputs.kind) != (like.facts.task, like.facts.kind):
        theirs = f"{like.facts.kind} for {like.facts.task}"
        raise DataError(f"is {raw.inputs.kind} for {found.task}, but the model learned from {theirs}")
    return labels.in_order(found, like.facts.classes) if found.task == "classification" else found


def _divided(labelled: Labels, given: NDArray[np.str_], spec: DataSpec) -> dict[str, Indices]:
    classes = labelled.targets if labelled.task == "classification" else None
    split = spec.split
    stratify = classes if split.stratify else None
    parts = splitting.divide(given, stratify, validation=split.validation, test=split.test, seed=split.seed)
    for name, most in spec.limits.items():
        parts[name] = splitting.limited(parts[name], stratify, most, split.seed)
    if spec.labels is not None:
        parts["train"] = splitting.evenly(parts["train"], classes, spec.labels, split.seed)
    return parts


def _learnable(labelled: Labels, train: Indices) -> None:
    """Raises `DataError` where there is nothing to learn from, one class alone, or a class without a sample."""
    if not len(train):
        raise DataError("leaves no sample to learn from", hint="Lower data.split.test and data.split.validation.")
    if labelled.task != "classification":
        return
    if len(labelled.classes) < 2:
        raise DataError(
            f"has one class only: {', '.join(labelled.classes) or 'none'}",
            hint="A classifier needs two: look at data.target, data.only and data.classes.",
        )
    there = np.bincount(labelled.targets[train], minlength=len(labelled.classes))
    empty = [name for name, count in zip(labelled.classes, there, strict=True) if not count]
    if empty:
        raise DataError(
            f"has no sample to learn from of {'class' if len(empty) == 1 else 'classes'} {', '.join(empty)}",
            hint="Leave such classes out with data.only, or raise data.labels and data.limits.",
        )


def _prepared(
    inputs: Inputs, labelled: Labels, parts: dict[str, Indices], digests: list[bytes], notices: tuple[Notice, ...],
    spec: DataSpec, like: Like | None,
) -> Splits:  # fmt: skip
    chosen = [_chosen(labelled, parts[name], digests) for name in _SPLITS]
    make = {"image": _images, "table": _tables, "text": _texts}[inputs.kind]
    facts, preparation, samples = make(inputs, labelled, chosen, spec, like)
    train, validation, test = samples
    return Splits(facts, train, validation, test, preparation, _digest(facts, samples), notices)


def _chosen(labelled: Labels, part: Indices, digests: list[bytes]) -> Chosen:
    return Chosen(labelled.kept[part], labelled.targets[part], tuple(digests[int(index)] for index in part))


def _images(inputs: Any, labelled: Labels, chosen: list[Chosen], spec: DataSpec, like: Like | None) -> Any:
    raw: Images = inputs
    made = (
        ImagePreparation.from_json(_of_kind(like, "image"))
        if like is not None
        else images.fit(raw, chosen[0].indices, spec.image)
    )
    shape = (made.channels, made.height, made.width)
    facts = Facts(labelled.task, "image", shape, labelled.classes)
    return facts, {"kind": "image", **made.as_json()}, [ImageSamples.of(part, raw, made) for part in chosen]


def _tables(inputs: Any, labelled: Labels, chosen: list[Chosen], spec: DataSpec, like: Like | None) -> Any:
    rows: Rows = inputs
    if like is not None:
        made = TablePreparation.from_json(_of_kind(like, "table"))
        tables.matching(made, rows)
    else:
        made = tables.fit(rows, chosen[0].indices)
    for part in chosen:
        tables.refuse_holes(rows, part.indices)
    facts = Facts(labelled.task, "table", (len(made.features),), labelled.classes, made.features)
    samples = [TableSamples(part.indices, part.targets, part.names, rows, made) for part in chosen]
    return facts, {"kind": "table", **made.as_json()}, samples


def _texts(inputs: Any, labelled: Labels, chosen: list[Chosen], spec: DataSpec, like: Like | None) -> Any:
    texts: Texts = inputs
    length = int(_of_kind(like, "text")["max_length"]) if like is not None else spec.text.max_length
    facts = Facts(labelled.task, "text", (length,), labelled.classes)
    samples = [TextSamples(part.indices, part.targets, part.names, texts, length) for part in chosen]
    return facts, {"kind": "text", "max_length": length}, samples


def _of_kind(like: Like, kind: str) -> dict[str, Any]:
    return {name: value for name, value in like.preparation.items() if name != "kind"}


def _digest(facts: Facts, samples: list[Any]) -> str:
    """BLAKE3 over the classes, then of each split its name, its size, and every sample's digest and target."""
    hasher = blake3()
    for line in _lines(facts, samples):
        hasher.update(len(line).to_bytes(8, "little") + line)
    return hasher.hexdigest()


def _lines(facts: Facts, samples: list[Any]) -> Iterator[bytes]:
    yield "\0".join((facts.task, facts.kind, *facts.classes)).encode()
    for name, part in zip(_SPLITS, samples, strict=True):
        yield f"{name} {len(part)}".encode()
        yield b"".join(part.digests())
        yield part.targets.astype(part.targets.dtype.newbyteorder("<")).tobytes()
