"""What a codec is, and the limits that every codec keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from weighbridge.errors import CorruptError

MAX_BLOCK = 16 << 20
"""No block has more raw bytes, so no decoder allocates more than a few times this."""

Buffer = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Layout:
    """What the writer knows of a block's elements: words of `width` bytes, or records with `columns`.

    `rotate` for words with a sign and an exponent at the top; `number` names their float format, as a dtype does ("F32"
    for the parts of a C64 too), or an integer of one byte; `record` names the records whose numbers the kernel knows.
    The default says nothing: bytes.
    """

    width: int = 1
    rotate: bool = False
    columns: tuple[int, ...] = ()
    number: str = ""
    record: str = ""


OPAQUE = Layout()


class Codec(Protocol):
    """One way to write a block. Pure, stateless, and safe from several threads.

    ``decode(encode(raw, layout, repeats), len(raw)) == raw`` for every block that `encode` does not decline.
    """

    @property
    def id(self) -> int: ...
    @property
    def version(self) -> int: ...
    @property
    def name(self) -> str: ...

    def encode(self, raw: Buffer, layout: Layout, repeats: bool) -> bytes | None:
        """The payload, or None where this codec does not apply or would not be shorter than the block.

        `repeats` tells that words of the block come again, so that looking for matches is worth its time.
        """
        ...

    def decode(self, payload: Buffer, raw_length: int) -> bytes:
        """The block. Raises `CorruptError` for any payload that no encoder wrote."""
        ...


class DeltaCodec(Protocol):
    """A way to write a block by what it has in common with others. Pure, as a `Codec` is.

    ``decode(encode(raw, layout, references), len(raw), references) == raw`` where `encode` does not decline.
    """

    @property
    def id(self) -> int: ...
    @property
    def version(self) -> int: ...
    @property
    def name(self) -> str: ...

    def decode(self, payload: Buffer, raw_length: int, references: Sequence[Buffer]) -> bytes:
        """The block. `references` are raw blocks, in the order of the entry. Raises as a `Codec` does."""
        ...


def damaged(codec: str, message: str) -> CorruptError:
    return CorruptError(f"the {codec} payload is damaged: {message}")
