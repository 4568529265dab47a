"""What every format gives: a `FileIndex`, and the values of one tensor when asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from weighbridge.tensors import ByteSource, Extent, TensorInfo

if TYPE_CHECKING:
    import numpy as np

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

SNIFF_BYTES = 4096
_SHOWN = 120


def shown(text: str) -> str:
    """A name from a file as messages show it: quoted, escaped, and short enough for a terminal and a log."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


class Verdict(StrEnum):
    """What we know of a callable that a pickle names. Unknown is never safe."""

    ALLOWED = "allowed"
    UNKNOWN = "unknown"
    DANGEROUS = "dangerous"


@dataclass(frozen=True, slots=True)
class PickleImport:
    """One import that a pickle asks for, at the first place where it does.

    `called` tells whether the pickle also calls it, `arguments` what with (shortened); `made`, whether all of its calls
    only make an instance without running ``__init__``; `reason` why the verdict.
    """

    module: str
    name: str
    verdict: Verdict
    reason: str
    opcode: str
    offset: int
    called: bool = False
    arguments: str = ""
    made: bool = False

    @property
    def qualified(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, slots=True)
class PickleScan:
    """What loading one pickle would do. `member` is its place in an archive, "" for the file itself.

    `broken` says where a real unpickler would fail, "" where it would not; `imports` then are those it reaches before.
    """

    member: str
    offset: int
    nbytes: int
    protocol: int
    imports: tuple[PickleImport, ...]
    broken: str = ""

    @property
    def verdict(self) -> Verdict:
        found = {item.verdict for item in self.imports}
        for worst in (Verdict.DANGEROUS, Verdict.UNKNOWN):
            if worst in found:
                return worst
        return Verdict.UNKNOWN if self.broken else Verdict.ALLOWED


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something wrong with the structure that did not keep us from reading the file.

    `severe` marks what an honest writer never produces; the rest is untidiness.
    """

    code: str
    message: str
    where: str = ""
    severe: bool = True


@dataclass(frozen=True, slots=True)
class FileIndex:
    """Everything that a file's structure says, without its tensor data.

    `extents` are the raw ranges of element bytes, sorted and disjoint: where a store may cut. `metadata` is what the
    format keeps beside tensors (safetensors' ``__metadata__``, GGUF's key-values, a checkpoint's scalars), shortened
    where it is long.
    """

    format: str
    tensors: tuple[TensorInfo, ...]
    extents: tuple[Extent, ...] = ()
    metadata: Mapping[str, Json] = field(default_factory=lambda: MappingProxyType({}))
    anomalies: tuple[Anomaly, ...] = ()
    pickles: tuple[PickleScan, ...] = ()


class Format(Protocol):
    """One file format. Stateless: everything it learns is in the index it returns."""

    @property
    def name(self) -> str: ...

    def sniff(self, head: bytes, source: ByteSource) -> bool:
        """Whether a file beginning with `head` (up to `SNIFF_BYTES`) is of this format. Cheap, and never raises."""
        ...

    def index(self, source: ByteSource) -> FileIndex:
        """The file's structure. Raises `FormatError` where the format's rules are broken beyond reading."""
        ...

    def read(self, source: ByteSource, info: TensorInfo) -> np.ndarray:
        """One tensor's values, read-only, in native byte order; block-quantised types dequantised to float32.

        Raises `UnsupportedError` where we list a type but cannot decode it.
        """
        ...
