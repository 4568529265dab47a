"""Reading every tensor of a file with pread, as Weighbridge does, beside mapping it; and what a mapping does to its
process when the file is cut short (docs/design/0008-reading-without-mmap.md).

    python benchmarks/reading.py [--megabytes 1024] [--runs 5] [--json]

The file is in the page cache. Every byte is touched: each tensor is added up as 64-bit integers. Ways alternate, so
that a machine whose speed drifts hurts all alike; figures are medians.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import weighbridge as wb
from weighbridge.checkpoint import Checkpoint
from weighbridge.formats.safetensors import write

CUT_SHORT = """
import os, sys, mmap
path = sys.argv[1]
with open(path, "r+b") as file:
    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    file.truncate(4096)
    mapped[1 << 20]
"""


def whole(model: Checkpoint, _: Path) -> int:
    return sum(int(tensor.numpy().view(np.uint64).sum()) for tensor in model.values())


def in_chunks(model: Checkpoint, _: Path) -> int:
    return sum(int(chunk.view(np.uint64).sum()) for tensor in model.values() for chunk in tensor.chunks())


def mapped(model: Checkpoint, path: Path) -> int:
    memory = np.memmap(path, np.uint8, "r")
    extents = [tensor.info.extent for tensor in model.values()]
    return sum(int(memory[extent.offset : extent.end].view(np.uint64).sum()) for extent in extents if extent)


WAYS: dict[str, Callable[[Checkpoint, Path], int]] = {
    "pread, a tensor at a time": whole,
    "pread, 8 MiB at a time": in_chunks,
    "mmap": mapped,
}


def measure(path: Path, runs: int) -> dict[str, float]:
    """Median seconds of each way, all of which must find the same sum."""
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    sums = set()
    for _ in range(runs):
        for name, way in WAYS.items():
            with wb.open(path) as model:
                began = time.perf_counter()
                sums.add(way(model, path) % 2**64)
                seconds[name].append(time.perf_counter() - began)
    if len(sums) != 1:
        raise SystemExit("the ways of reading disagree")
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def cut_short(path: Path) -> str:
    """How a process ends that touches a mapping of a file which was truncated meanwhile."""
    ended = subprocess.run([sys.executable, "-c", CUT_SHORT, str(path)], check=False, capture_output=True)
    return signal.Signals(-ended.returncode).name if ended.returncode < 0 else f"status {ended.returncode}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        count = max(1, options.megabytes // 16)
        layer = np.random.default_rng(0).integers(0, 2**16, (4096, 2048), np.uint16)
        write(path, {f"layers.{number}.weight": layer for number in range(count)})
        size = path.stat().st_size
        seconds = measure(path, options.runs)
        ending = cut_short(path)
    if options.json:
        print(json.dumps({"bytes": size, "seconds": seconds, "mapping_cut_short": ending}))
        return
    print(f"{size / 2**20:,.0f} MiB in {count} tensors, median of {options.runs} runs")
    for name, taken in seconds.items():
        print(f"  {name:<28}{taken:7.2f} s {size / taken / 1e9:7.2f} GB/s")
    print(f"  a mapping of a file that is cut short ends its process with {ending}")


if __name__ == "__main__":
    main()
