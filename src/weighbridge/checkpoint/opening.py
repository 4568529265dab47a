"""From a path or a mapping of names to bytes, to a checkpoint."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import basename, dirname

from weighbridge.checkpoint import _shards
from weighbridge.checkpoint._assemble import OpenedFile, assemble
from weighbridge.checkpoint._folder import list_folder, pick_files
from weighbridge.checkpoint._names import check_name
from weighbridge.checkpoint._pool import FilePool
from weighbridge.checkpoint._shards import ShardIndex
from weighbridge.checkpoint.model import Checkpoint
from weighbridge.errors import (
    LimitError,
    UnknownFormatError,
    UnsafeError,
    UsageError,
    WeighbridgeError,
)
from weighbridge.formats import Anomaly, FileIndex, Verdict, identify, sniff
from weighbridge.tensors import ByteSource, SliceSource

MAX_FILES = 20_000
# Where a file is called so and its bytes say otherwise, it is broken weights and not a side file.
_WEIGHT_SUFFIXES = (".safetensors", ".gguf", ".pt", ".pth", ".ckpt", ".npy", ".npz")
_WEIGHT_STEMS = ("pytorch_model", "model", "adapter_model", "diffusion_pytorch_model")


@dataclass
class _Contents:
    """What opening has sorted out so far."""

    files: list[OpenedFile] = field(default_factory=list)
    indexes: list[ShardIndex] = field(default_factory=list)
    broken: dict[str, WeighbridgeError] = field(default_factory=dict)
    side_files: dict[str, ByteSource] = field(default_factory=dict)

    def indexed(self) -> dict[str, FileIndex]:
        return {file.name: file.index for file in self.files}


@dataclass(frozen=True, slots=True)
class _Allowed:
    """What the caller takes in place of an error."""

    unsafe: bool
    empty: bool


def open(  # noqa: A001 (wb.open is the name that people expect)
    target: str | os.PathLike[str] | Mapping[str, ByteSource],
    *,
    allow_unsafe: bool = False,
    allow_empty: bool = False,
    name: str = "",
) -> Checkpoint:
    """Open a file, a folder, a shard index, or a mapping of relative names to sources, as one checkpoint.

    Costs the headers; tensor data is read when a tensor is asked for. In a folder, files that cannot be read are
    listed in `broken` and the rest is opened. Raises `WeighbridgeError` where nothing can be read, and `UnsafeError`
    where loading a pickle in it the usual way would run something dangerous, unless `allow_unsafe` (nothing is
    executed either way). With `allow_empty`, files of which nothing can be read are a checkpoint without tensors, so
    that the checks can tell what is wrong with them; only a path that leads nowhere still raises.
    """
    allowed = _Allowed(allow_unsafe, allow_empty)
    if isinstance(target, Mapping):
        named = {file_name: _named(source, file_name) for file_name, source in target.items()}
        return _open_sources(name or "checkpoint", named, {}, allowed, _nothing)
    path = Path(target)
    pool = FilePool()
    if _is_folder(path):
        found = list_folder(path)
        sources, refused = _open_paths(pool, found.paths)
        return _open_sources(name or path.resolve().name, sources, found.refused | refused, allowed, pool.close)
    if _shards.is_index(path.name):
        sources, refused = _open_index_file(pool, path)
        return _open_sources(name or path.name, sources, refused, allowed, pool.close)
    return _open_sources(name or path.name, {path.name: pool.file(path, str(path))}, {}, allowed, pool.close, only=True)


def _named(source: ByteSource, name: str) -> ByteSource:
    """The source under the name that the mapping gives it, so that errors and tensors speak of that name."""
    return source if source.name == name else SliceSource(source, 0, source.size, name)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name too long, a loop of links: opening it as a file tells why
        return False


def _open_paths(pool: FilePool, paths: Mapping[str, Path]) -> tuple[dict[str, ByteSource], dict[str, WeighbridgeError]]:
    sources: dict[str, ByteSource] = {}
    refused: dict[str, WeighbridgeError] = {}
    for name, path in paths.items():
        try:
            sources[name] = pool.file(path, name)
        except WeighbridgeError as error:
            refused[name] = error
    return sources, refused


def _open_index_file(pool: FilePool, path: Path) -> tuple[dict[str, ByteSource], dict[str, WeighbridgeError]]:
    """An index given by its own path: the shards beside it that it names, and nothing else."""
    index = _shards.read_index(pool.file(path, str(path)), path.name)
    found = pick_files(path.parent, index.shards)
    sources, refused = _open_paths(pool, found.paths)
    return {path.name: pool.file(path, path.name), **sources}, found.refused | refused


def _open_sources(
    name: str,
    sources: Mapping[str, ByteSource],
    refused: Mapping[str, WeighbridgeError],
    allowed: _Allowed,
    close: Callable[[], None],
    only: bool = False,
) -> Checkpoint:
    if len(sources) > MAX_FILES:
        raise LimitError(f"has {len(sources):,} files, more than the {MAX_FILES:,} that we read", where=name)
    contents = _Contents(broken=dict(refused))
    for file_name, source in sources.items():
        _sort_in(contents, check_name(file_name) if not only else file_name, source, only)
    if not only:  # whoever names one part of a series did not ask for the others
        _find_missing(contents)
    if not contents.files and not allowed.empty:
        raise _nothing_to_read(name, contents)
    if not allowed.unsafe:
        _refuse_dangerous(contents.files)
    assembly = assemble(contents.files, contents.indexes)
    return Checkpoint(
        name,
        assembly.tensors,
        files=contents.indexed(),
        sources={file.name: file.source for file in contents.files},
        broken=contents.broken,
        side_files=contents.side_files,
        given=sources,
        alternatives=assembly.alternatives,
        anomalies=tuple(_anomalies(contents)),
        close=close,
    )


def _sort_in(contents: _Contents, name: str, source: ByteSource, only: bool) -> None:
    """Put one file where it belongs: weights, broken weights, a shard index, or a side file."""
    try:
        if _shards.is_index(name):
            contents.indexes.append(_shards.read_index(source, name))
        reader = sniff(source)
        if reader is None and (only or _claims_weights(name)):
            reader = identify(source)  # raises, with what the bytes look like instead
        if reader is not None:
            contents.files.append(OpenedFile(name, source, reader, reader.index(source)))
        else:
            contents.side_files[name] = source
    except WeighbridgeError as error:
        contents.broken[name] = error.at(source.name)


def _claims_weights(name: str) -> bool:
    last = basename(name)
    return last.endswith(_WEIGHT_SUFFIXES) or (last.endswith(".bin") and last.startswith(_WEIGHT_STEMS))


def _find_missing(contents: _Contents) -> None:
    here = [file.name for file in contents.files] + list(contents.broken) + list(contents.side_files)
    for index in contents.indexes:
        contents.broken.update(_shards.missing_shards(index, here))
    for name, error in _shards.missing_parts(here):
        contents.broken.setdefault(name, error)


def _anomalies(contents: _Contents) -> Iterator[Anomaly]:
    files = contents.indexed()
    for index in contents.indexes:
        in_folder = {name: found for name, found in files.items() if dirname(name) == dirname(index.name)}
        yield from _shards.disagreements(index, in_folder)


def _refuse_dangerous(files: list[OpenedFile]) -> None:
    for file in files:
        for scan in file.index.pickles:
            worst = [item for item in scan.imports if item.verdict is Verdict.DANGEROUS]
            if worst:
                place = f"{file.source.name} {scan.member}".rstrip()
                arguments = worst[0].arguments if worst[0].called else ""
                raise UnsafeError(
                    f"loading it would use {worst[0].qualified}{arguments}, named at byte {worst[0].offset:,}: "
                    f"{worst[0].reason}",
                    where=place,
                )


def _nothing_to_read(name: str, contents: _Contents) -> WeighbridgeError:
    if contents.broken:
        return next(iter(contents.broken.values()))
    if contents.side_files:
        count = len(contents.side_files)
        return UnknownFormatError(f"none of its {count:,} files holds weights in a format that we read", where=name)
    return UsageError("there is no file in it", where=name)


def _nothing() -> None:
    """Sources that were handed in are closed by whoever opened them."""
