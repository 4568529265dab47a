"""One packer on one file in a process of its own: `python _packers.py PACKER DTYPE FILE [BASE]` prints its figures.

It runs under another interpreter, too, so it imports nothing that its packer does not need. Figures are JSON:
`packed` bytes, seconds `in` and `out` (the best of four round trips after one that warms memory and tables; each is
compared with the original), or `missing`, where the packer is not installed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BLOCK = 2 << 20
TABLES = 56 + 40  # bytes of a block's entry in a pack's footer, and of its line in a manifest
DELTA_TABLES = TABLES + 32
THREADED = ("weighbridge-2",)
ZIPNN_DTYPES = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}

Pack = Callable[[bytearray], tuple[object, int]]
Unpack = Callable[[object], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packer", choices=sorted(PACKERS))
    parser.add_argument("dtype")
    parser.add_argument("file", type=Path)
    parser.add_argument("base", type=Path, nargs="?")
    options = parser.parse_args()
    base = options.base.read_bytes() if options.base else b""
    try:
        pack, unpack = PACKERS[options.packer](options.dtype, base)
    except ModuleNotFoundError as error:
        print(json.dumps({"missing": error.name}))
        return
    print(json.dumps(_timed(pack, unpack, options.file.read_bytes(), options.packer)))


def _timed(pack: Pack, unpack: Unpack, data: bytes, packer: str) -> dict[str, float]:
    clock = time.perf_counter if packer in THREADED else time.process_time
    best_in = best_out = float("inf")
    for number in range(5):
        given = bytearray(data)  # zipnn overwrites what it is given
        began = clock()
        packed, size = pack(given)
        middle = clock()
        back = unpack(packed)
        ended = clock()
        if bytes(back) != data:  # type: ignore[call-overload]
            sys.exit(f"{packer} gave back other bytes")
        if number > 0:
            best_in, best_out = min(best_in, middle - began), min(best_out, ended - middle)
        del packed, back
    return {"packed": size, "in": best_in, "out": best_out}


def _memcpy(_dtype: str, _base: bytes) -> tuple[Pack, Unpack]:
    """The same bytes into memory that was used before, as every packer here reuses some."""

    def copier():
        kept = bytearray()

        def copy(data):
            if len(kept) != len(data):
                kept.extend(bytes(len(data)))
            memoryview(kept)[:] = data
            return kept

        return copy

    into, out = copier(), copier()  # bytes that are copied onto themselves are not copied at all
    return lambda data: (into(data), len(data)), out


def _zstd(_dtype: str, _base: bytes) -> tuple[Pack, Unpack]:
    import zstandard

    def pack(data):
        packed = zstandard.ZstdCompressor(level=3).compress(data)
        return packed, len(packed)

    return pack, zstandard.ZstdDecompressor().decompress


def _zipnn(dtype: str, _base: bytes) -> tuple[Pack, Unpack]:
    from zipnn import ZipNN

    packer = ZipNN(input_format="byte", bytearray_dtype=ZIPNN_DTYPES[dtype], threads=1)

    def pack(data):
        packed = packer.compress(data)
        return packed, len(packed)

    return pack, packer.decompress


def _zipnn_delta(dtype: str, base: bytes) -> tuple[Pack, Unpack]:
    from zipnn import ZipNN

    kind = ZIPNN_DTYPES[dtype]
    packer = ZipNN(input_format="byte", bytearray_dtype=kind, threads=1, delta_compressed_type="byte")

    def pack(data):
        packed = packer.compress(data, delta_second_data=base)
        return packed, len(packed)

    return pack, lambda packed: packer.decompress(packed, delta_second_data=base)


def _xor_zstd(dtype: str, base: bytes) -> tuple[Pack, Unpack]:
    """XOR, byte planes, zstd -3: what BitX of ZipLLM does."""
    import numpy as np
    import zstandard

    width = {"BF16": 2, "F16": 2, "F32": 4}[dtype]
    other = np.frombuffer(base, np.uint8)

    def pack(data):
        planes = (np.frombuffer(data, np.uint8) ^ other).reshape(-1, width).T
        packed = [zstandard.ZstdCompressor(level=3).compress(np.ascontiguousarray(plane)) for plane in planes]
        return packed, sum(map(len, packed))

    def unpack(packed):
        planes = [np.frombuffer(zstandard.ZstdDecompressor().decompress(plane), np.uint8) for plane in packed]
        return (np.stack(planes, 1).reshape(-1) ^ other).tobytes()

    return pack, unpack


def _ours(threads: int) -> Callable[[str, bytes], tuple[Pack, Unpack]]:
    """Blocks of 2 MiB through the store's choice of codecs, without its hashing; payloads gathered as a pack does."""

    def make(dtype: str, _base: bytes) -> tuple[Pack, Unpack]:
        from weighbridge.store.codecs import decode_into, encode, layout_of

        layout, pool = layout_of(dtype), ThreadPoolExecutor(threads)
        run = map if threads == 1 else pool.map
        kept, gathered = bytearray(), bytearray()

        def pack(data):
            view = memoryview(data)
            blocks = [view[start : start + BLOCK] for start in range(0, len(view), BLOCK)]
            if len(gathered) != len(data):  # no payload is longer than its block
                gathered.extend(bytes(len(data)))
            coded, at, room = [], 0, memoryview(gathered)
            for raw, (codec, payload) in zip(blocks, run(lambda raw: encode(raw, layout), blocks), strict=True):
                room[at : at + len(payload)] = payload
                coded.append((len(raw), codec, room[at : at + len(payload)]))
                at += len(payload)
            return coded, at + len(coded) * TABLES

        def unpack(coded):
            total = sum(length for length, _, _ in coded)
            if len(kept) != total:
                kept.extend(bytes(total))
            at, view, places = 0, memoryview(kept), []
            for length, codec, payload in coded:
                places.append((codec, payload, view[at : at + length]))
                at += length
            for _ in run(lambda one: decode_into(one[0].id, one[0].version, one[1], one[2]), places):
                pass
            return kept

        return pack, unpack

    return make


def _ours_delta(dtype: str, base: bytes) -> tuple[Pack, Unpack]:
    """Blocks of 2 MiB against those at the same place of the base, plain where that is shorter; else as `_ours`."""
    from weighbridge.store.codecs import RAW, decode_into, layout_of
    from weighbridge.store.codecs.delta import Delta
    from weighbridge.store.codecs.predictors.same import Same

    layout, codec, recipe = layout_of(dtype), Delta(), Same().recipe()
    bases = [memoryview(base)[start : start + BLOCK] for start in range(0, len(base), BLOCK)]
    kept, gathered = bytearray(), bytearray()

    def pack(data):
        view = memoryview(data)
        if len(gathered) != len(data):  # no payload is longer than its block
            gathered.extend(bytes(len(data)))
        coded, at, room = [], 0, memoryview(gathered)
        for number, start in enumerate(range(0, len(view), BLOCK)):
            raw = view[start : start + BLOCK]
            payload = codec.encode(raw, layout, [bases[number]], recipe)
            stored = raw if payload is None else payload
            room[at : at + len(stored)] = stored
            coded.append((len(raw), codec if payload is not None else RAW, room[at : at + len(stored)]))
            at += len(stored)
        return coded, at + len(coded) * DELTA_TABLES

    def unpack(coded):
        total = sum(length for length, _, _ in coded)
        if len(kept) != total:
            kept.extend(bytes(total))
        at, view = 0, memoryview(kept)
        for number, (length, made_by, payload) in enumerate(coded):
            references = [bases[number]] if made_by is codec else ()
            decode_into(made_by.id, made_by.version, payload, view[at : at + length], references)
            at += length
        return kept

    return pack, unpack


PACKERS: dict[str, Callable[[str, bytes], tuple[Pack, Unpack]]] = {
    "memcpy": _memcpy,
    "zstd": _zstd,
    "zipnn": _zipnn,
    "zipnn-delta": _zipnn_delta,
    "xor-zstd": _xor_zstd,
    "weighbridge": _ours(1),
    "weighbridge-2": _ours(2),
    "weighbridge-delta": _ours_delta,
}


if __name__ == "__main__":
    main()
