"""Anatomy: what a checkpoint is made of.

What: parameters, bytes, types, shapes, layers, files, the architecture that the configuration names, and tensors that
are the same bytes under several names. Read from the headers alone.

Why: these are the first questions about any weights, and what every other answer refers to.

Example: ``22.7M parameters in 104 tensors, BertModel, 90.9 MB`` and six encoder layers of equal size.

What to do: nothing; this check states facts and finds no faults.

Parameters are the elements of all tensors, buffers such as running means included. Elements that several tensors share
are counted once. A tensor belongs to the layer that its name gives up to the first number
(``encoder.layer.0.output.dense.weight`` to ``encoder.layer.0``), or up to its second part where it has no number.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from weighbridge.checkpoint import Checkpoint, Tensor
from weighbridge.checks._configs import Configs
from weighbridge.checks.base import Answer, Check, judged, skipped
from weighbridge.report import Anatomy, FileFacts, Group, TensorFacts
from weighbridge.report.model import Json

_PART = re.compile(r"[^./]+")
_MAX_ARCHITECTURE = 200


def _anatomy(checkpoint: Checkpoint, tensors: tuple[Tensor, ...], configs: Configs) -> Answer:
    if not checkpoint.files:
        return skipped("there are no weights that could be read")
    everything = tuple(checkpoint.values())
    shares = _shares(everything)
    facts = Anatomy(
        parameters=sum(share.items for share in shares),
        nbytes=sum(share.nbytes for share in shares),
        tensors=len(everything),
        architecture=_architecture(checkpoint, configs),
        dtypes=tuple(sorted(_groups(shares, lambda tensor: tensor.dtype.name), key=lambda group: -group.nbytes)),
        layers=_groups(shares, lambda tensor: layer_of(tensor.name)),
        files=tuple(_files(checkpoint)),
        tied=_tied(everything),
        listed=tuple(_facts(tensor) for tensor in tensors),
    )
    return judged(facts=facts.to_json() | {"alternatives": list(checkpoint.alternatives)})


CHECK = Check("anatomy", "What it is made of", _anatomy)


def layer_of(name: str) -> str:
    """The layer that a tensor's name puts it in; "" for a name of one part."""
    parts = list(_PART.finditer(name))
    for index, part in enumerate(parts):
        if index and part[0].isdecimal():
            return name[: part.end()]
    return name[: parts[min(len(parts) - 2, 1)].end()] if len(parts) > 1 else ""


@dataclass(frozen=True, slots=True)
class _Share:
    """What a tensor adds to the sums: nothing, where its storage was counted before."""

    tensor: Tensor
    items: int
    nbytes: int


def _shares(tensors: Iterable[Tensor]) -> list[_Share]:
    """Each storage is counted up to its own size, and each view of it once."""
    left: dict[object, int] = {}
    seen: set[object] = set()
    shares = []
    for tensor in tensors:
        info = tensor.info
        items, nbytes = info.items, tensor.nbytes
        if info.extent is not None:
            storage = (info.file, info.extent)
            view = (*storage, info.offset, info.strides, info.shape)
            room = left.setdefault(storage, info.extent.nbytes)
            taken = 0 if view in seen else min(nbytes, room)
            items = items * taken // nbytes if nbytes else items
            nbytes = taken
            seen.add(view)
            left[storage] = room - taken
        shares.append(_Share(tensor, items, nbytes))
    return shares


def _groups(shares: Iterable[_Share], key: Callable[[Tensor], str]) -> tuple[Group, ...]:
    groups: defaultdict[str, list[_Share]] = defaultdict(list)
    for share in shares:
        groups[key(share.tensor)].append(share)
    return tuple(
        Group(name, len(members), sum(share.items for share in members), sum(share.nbytes for share in members))
        for name, members in groups.items()
    )


def _tied(tensors: Iterable[Tensor]) -> tuple[tuple[str, ...], ...]:
    """Names of tensors that lie in the same place, of two names and more."""
    places: defaultdict[object, list[str]] = defaultdict(list)
    for tensor in tensors:
        info = tensor.info
        if info.extent is not None and info.nbytes:
            places[info.file, info.extent, info.offset, info.strides, info.shape].append(tensor.name)
    return tuple(tuple(names) for names in places.values() if len(names) > 1)


def _files(checkpoint: Checkpoint) -> Iterable[FileFacts]:
    for name, index in checkpoint.files.items():
        yield FileFacts(name, index.format, checkpoint.sources[name].size, len(index.tensors))
    for name in checkpoint.broken:
        yield FileFacts(name, "", 0, 0)
    for name, source in checkpoint.side_files.items():
        yield FileFacts(name, "", source.size, 0)


def _facts(tensor: Tensor) -> TensorFacts:
    info = tensor.info
    return TensorFacts(tensor.name, tensor.dtype.name, tensor.shape, tensor.nbytes, layer_of(tensor.name), info.file)


def _architecture(checkpoint: Checkpoint, configs: Configs) -> str:
    """What the configuration calls the model, or GGUF's metadata; "" where nothing says."""
    candidates: list[Json] = []
    for name, keys in (("config.json", ("architectures", "model_type")), ("model_index.json", ("_class_name",))):
        config = configs.named(name)
        if config and isinstance(config.data, dict):
            candidates += [config.data.get(key) for key in keys]
    candidates.append(checkpoint.metadata.get("general.architecture"))
    for candidate in candidates:
        first = candidate[0] if isinstance(candidate, list) and candidate else candidate
        if isinstance(first, str) and first:
            return first[:_MAX_ARCHITECTURE]
    return ""
