"""Which format a file has, told by its bytes."""

from __future__ import annotations

from weighbridge.errors import UnknownFormatError
from weighbridge.formats.base import SNIFF_BYTES, FileIndex, Format
from weighbridge.formats.compressed_pickle import COMPRESSED_PICKLE
from weighbridge.formats.gguf import GGUF
from weighbridge.formats.npy import NPY
from weighbridge.formats.npz import NPZ
from weighbridge.formats.pickle_file import PICKLE
from weighbridge.formats.safetensors import SAFETENSORS
from weighbridge.formats.torch_legacy import TORCH_LEGACY, TORCH_TAR
from weighbridge.formats.torch_zip import TORCH_ZIP
from weighbridge.tensors import ByteSource

# In the order in which they are asked; the most specific signature first.
FORMATS: tuple[Format, ...] = (
    GGUF,
    NPY,
    TORCH_ZIP,
    NPZ,
    TORCH_TAR,
    SAFETENSORS,
    TORCH_LEGACY,
    PICKLE,
    COMPRESSED_PICKLE,
)

# What people meet where they expected weights, and what to do about it.
_NOT_WEIGHTS = (
    (b"version https://git-lfs", "is a Git LFS pointer, not the file it stands for", "Run 'git lfs pull'."),
    (b"<!doctype html", "is a web page, not weights", "The download link probably asked for a login: get it again."),
    (b"<html", "is a web page, not weights", "The download link probably asked for a login: get it again."),
)


def sniff(source: ByteSource) -> Format | None:
    """The format of this file, or None where no format knows its first bytes."""
    head = source.read_at(0, min(SNIFF_BYTES, source.size))
    return next((candidate for candidate in FORMATS if candidate.sniff(head, source)), None)


def identify(source: ByteSource) -> Format:
    """The format of this file. Raises `UnknownFormatError` with what its first bytes look like instead."""
    found = sniff(source)
    if found is not None:
        return found
    head = source.read_at(0, min(32, source.size))
    if not head:
        raise UnknownFormatError("is empty", where=source.name)
    for beginning, message, hint in _NOT_WEIGHTS:
        if head.lower().startswith(beginning):
            raise UnknownFormatError(message, where=source.name, hint=hint)
    raise UnknownFormatError(f"no format that we read begins with {head[:16]!r}", where=source.name)


def index(source: ByteSource) -> FileIndex:
    """The structure of this file. Raises `UnknownFormatError`, or the `FormatError` that its format gives."""
    return identify(source).index(source)
