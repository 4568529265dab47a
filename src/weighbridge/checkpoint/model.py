"""The checkpoint itself: a read-only mapping, and what was found beside the tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType, TracebackType
from typing import Self, final

from weighbridge.checkpoint.tensor import Tensor
from weighbridge.errors import WeighbridgeError
from weighbridge.formats import Anomaly, FileIndex
from weighbridge.formats.base import Json
from weighbridge.tensors import ByteSource


@final
class Checkpoint(Mapping[str, Tensor]):
    """Tensors by name, in the order of their files.

    `files`         every file of weights that could be read, and what its structure says
    `sources`       the bytes of those files
    `given`         the bytes of every file that was there, weights or not, readable or not
    `broken`        files that should hold weights and could not be read, and why
    `side_files`    everything else: configuration, tokenizer, card
    `alternatives`  files that hold the same tensors in another format, with those tensors; not in the mapping
    `anomalies`     what is wrong between files (an index that disagrees with its shards, say)
    `metadata`      what the files keep beside tensors, merged; where files disagree the first one wins
    """

    def __init__(
        self,
        name: str,
        tensors: Mapping[str, Tensor],
        *,
        files: Mapping[str, FileIndex],
        sources: Mapping[str, ByteSource],
        broken: Mapping[str, WeighbridgeError],
        side_files: Mapping[str, ByteSource],
        given: Mapping[str, ByteSource],
        alternatives: Mapping[str, tuple[Tensor, ...]],
        anomalies: tuple[Anomaly, ...],
        close: Callable[[], None],
    ) -> None:
        self.name = name
        self._tensors = dict(tensors)
        self.files = MappingProxyType(dict(files))
        self.sources = MappingProxyType(dict(sources))
        self.broken = MappingProxyType(dict(broken))
        self.side_files = MappingProxyType(dict(side_files))
        self.given = MappingProxyType(dict(given))
        self.alternatives = MappingProxyType(dict(alternatives))
        self.anomalies = anomalies
        self._close = close

    @property
    def metadata(self) -> Mapping[str, Json]:
        merged: dict[str, Json] = {}
        for index in self.files.values():
            for key, value in index.metadata.items():
                merged.setdefault(key, value)
        return MappingProxyType(merged)

    @property
    def parameters(self) -> int:
        """Elements of all tensors; shared ones count for each name."""
        return sum(tensor.info.items for tensor in self._tensors.values())

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors; shared ones count for each name."""
        return sum(tensor.nbytes for tensor in self._tensors.values())

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __repr__(self) -> str:
        formats = ", ".join(dict.fromkeys(index.format for index in self.files.values()))
        count = f"{len(self.files)} file" + ("s" if len(self.files) != 1 else "")
        broken = f", {len(self.broken)} broken" if self.broken else ""
        return (
            f"<Checkpoint {self.name!r}: {len(self):,} tensors, {self.parameters:,} parameters, "
            f"{count} ({formats}){broken}>"
        )

    def close(self) -> None:
        """Close the files. Tensors that are asked for afterwards open them again."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
