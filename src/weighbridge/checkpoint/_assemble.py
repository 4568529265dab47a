"""Tensors of several files under one set of names.

Files of one model repeat each other in three ways, told apart here: the same tensors in another format
(``pytorch_model.bin`` beside ``model.safetensors``) are alternatives; a tensor that lies in two shards is taken from
the one that the index names; any other name that is taken already becomes ``file:name``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from posixpath import dirname, join

from weighbridge.checkpoint._shards import ShardIndex
from weighbridge.checkpoint.tensor import Tensor
from weighbridge.formats import FileIndex, Format
from weighbridge.tensors import ByteSource, TensorInfo

_PREFERRED = "safetensors"


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file of weights: its bytes, its format and its structure."""

    name: str
    source: ByteSource
    format: Format
    index: FileIndex

    @property
    def folder(self) -> str:
        return dirname(self.name)

    def full_name(self, info: TensorInfo) -> str:
        """The tensor's name with the file's folder before it, as ``unet/conv_in.weight``."""
        return join(self.folder, info.name) if self.folder else info.name

    def tensor(self, info: TensorInfo, name: str) -> Tensor:
        return Tensor(replace(info, name=name, file=self.name), info, self.format, self.source)


@dataclass
class Assembly:
    """The checkpoint's tensors by name, and those that only repeat them."""

    tensors: dict[str, Tensor] = field(default_factory=dict)
    alternatives: dict[str, tuple[Tensor, ...]] = field(default_factory=dict)


def assemble(files: list[OpenedFile], indexes: list[ShardIndex]) -> Assembly:
    """Name every tensor once. Files are taken folder by folder, safetensors first, then in the order given."""
    result = Assembly()
    elsewhere = _promised_elsewhere(files, indexes)
    formats: dict[str, str] = {}
    for file in sorted(files, key=lambda file: (file.folder, file.index.format != _PREFERRED)):
        named = [(file.full_name(info), info) for info in file.index.tensors]
        repeated = sum(formats.get(name, file.index.format) != file.index.format for name, _ in named)
        if repeated and 2 * repeated >= len(named):
            result.alternatives[file.name] = tuple(file.tensor(info, name) for name, info in named)
            continue
        for name, info in named:
            free = name not in result.tensors and (file.name, name) not in elsewhere
            key = name if free else _free_key(f"{file.name}:{info.name}", result.tensors)
            result.tensors[key] = file.tensor(info, key)
            formats[key] = file.index.format
    return result


def _promised_elsewhere(files: list[OpenedFile], indexes: list[ShardIndex]) -> set[tuple[str, str]]:
    """(file, tensor) pairs of which an index says that another of its shards holds the tensor, as it does."""
    held = {file.name: {file.full_name(info) for info in file.index.tensors} for file in files} if indexes else {}
    elsewhere = set()
    for index in indexes:
        folder = dirname(index.name)
        homes = {join(folder, tensor): shard for tensor, shard in index.shard_of.items()}
        for shard in index.shards:
            for name in held.get(shard, ()):
                home = homes.get(name, shard)
                if home != shard and name in held.get(home, ()):
                    elsewhere.add((shard, name))
    return elsewhere


def _free_key(key: str, taken: dict[str, Tensor]) -> str:
    number = 2
    free = key
    while free in taken:
        free, number = f"{key}#{number}", number + 1
    return free
