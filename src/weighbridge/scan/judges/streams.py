"""Compressed streams: gzip, zlib, bzip2, xz, lzma, lz4 and zstd. What is inside goes back to every judge."""

from __future__ import annotations

from collections.abc import Iterator

from weighbridge.scan.inflating import inflate
from weighbridge.scan.item import Inside, Item
from weighbridge.scan.model import Found

_MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"]\x00\x00", "lzma"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"x\x01", "zlib"),
    (b"x^", "zlib"),
    (b"x\x9c", "zlib"),
    (b"x\xda", "zlib"),
)
# Two bytes are little to go by: random data begins so now and then, and is then no stream.
_WEAK = ("zlib", "lzma")
_ENOUGH = 1 << 16
_OLD_JOBLIB = b"ZF"
_OLD_JOBLIB_HEADER = 2 + 19  # "ZF", the length in hexadecimal padded by blanks; then a zlib stream


def codec_of(item: Item) -> tuple[str, int]:
    """The stream's kind and where it begins; ("", 0) for none."""
    if item.head.startswith(_OLD_JOBLIB + b"0x"):
        return "zlib", _OLD_JOBLIB_HEADER
    return next(((codec, 0) for magic, codec in _MAGIC if item.head.startswith(magic)), ("", 0))


class Streams:
    """See the module."""

    name = "compressed-stream"
    rules = ()

    def recognises(self, item: Item) -> bool:
        return bool(codec_of(item)[0])

    def judge(self, item: Item) -> Iterator[Found | Inside]:
        codec, start = codec_of(item)
        opened = inflate(codec, item.source, start, item.source.size - start, item.source.name)
        name = _inner_name(item)
        if opened.size:
            yield item.inside(name, opened)
        if opened.rest:
            yield item.slice("behind the stream", item.source.size - opened.rest)
        if opened.fault is not None and (codec not in _WEAK or opened.size > _ENOUGH):
            raise opened.fault


def _inner_name(item: Item) -> str:
    """The file's name without the ending that says how it is compressed: ``model.pkl`` of ``model.pkl.gz``."""
    stem, dot, ending = item.basename.rpartition(".")
    packed = ending.lower() in ("gz", "gzip", "z", "zz", "bz2", "xz", "lzma", "lz4", "zst", "zstd")
    return stem if dot and packed and stem else item.basename


STREAMS = Streams()
