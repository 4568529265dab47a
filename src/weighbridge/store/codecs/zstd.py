"""Codec 1: one Zstandard frame, which finds repeats as well as frequent bytes."""

from __future__ import annotations

import threading

import zstandard

from weighbridge.store.codecs.base import Buffer, Layout, damaged

LEVEL = 3

# Byte planes of floats have frequent values and no repeats. A hash table of 64 entries makes the match finder of the
# fastest strategy give up at once, so that nearly all the time goes to the Huffman coder: several times faster than
# levels 1 and 3, and smaller, since chance matches cost more than they save (benchmarks/entropy_settings.py).
_ENTROPY_ONLY = zstandard.ZstdCompressionParameters(
    strategy=zstandard.STRATEGY_FAST, min_match=7, hash_log=6, chain_log=6, search_log=1, target_length=0, window_log=17
)


class _Contexts(threading.local):
    """zstd's contexts, one of each for a thread: they must not be shared while they work, and cost much to make."""

    def __init__(self) -> None:
        self.matching = zstandard.ZstdCompressor(level=LEVEL)
        self.entropy = zstandard.ZstdCompressor(compression_params=_ENTROPY_ONLY)
        self.reader = zstandard.ZstdDecompressor()


_contexts = _Contexts()


def compress(raw: Buffer, *, matches: bool) -> bytes:
    """A frame that states its content size; without `matches` it only codes frequent bytes shorter."""
    return (_contexts.matching if matches else _contexts.entropy).compress(raw)


class Zstd:
    id = 1
    version = 1
    name = "zstd"

    def encode(self, raw: Buffer, layout: Layout, repeats: bool) -> bytes | None:
        payload = compress(raw, matches=repeats)
        return payload if len(payload) < len(raw) else None

    def decode(self, payload: Buffer, raw_length: int) -> bytes:
        try:
            # Checked before anything is allocated: the library believes what a frame says of its own size.
            stated = zstandard.frame_content_size(payload)
            if stated != raw_length:
                raise damaged(self.name, f"expected a frame of {raw_length:,} bytes, found one of {stated:,}")
            raw = _contexts.reader.decompress(payload, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise damaged(self.name, str(error)) from None
        if len(raw) != raw_length:
            raise damaged(self.name, f"expected {raw_length:,} bytes, found {len(raw):,}")
        return raw
