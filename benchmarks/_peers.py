"""Running packers in fresh processes, and reading the tensors that they are given."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PACKERS = Path(__file__).with_name("_packers.py")
ELSEWHERE = ("zipnn", "zipnn-delta")  # what --peers can import


@dataclass(frozen=True)
class Measured:
    """Bytes packed, and the median seconds in and out."""

    packed: int
    seconds_in: float
    seconds_out: float


def interleaved(
    packers: tuple[str, ...], dtype: str, data: Path, base: Path | None, runs: int, peers: str
) -> dict[str, Measured]:
    """Every packer in turn, `runs` times, so that a drift of speed hurts all alike; missing ones are left out."""
    told: dict[str, list[dict[str, float]]] = {packer: [] for packer in packers}
    for _ in range(runs):
        for packer in packers:
            python = peers if packer in ELSEWHERE else sys.executable
            arguments = [python, str(PACKERS), packer, dtype, str(data), *([str(base)] if base else [])]
            done = subprocess.run(arguments, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"{packer} failed on {data.name}:\n{done.stderr}")
            figures = json.loads(done.stdout.splitlines()[-1])
            if "missing" in figures:
                print(f"{packer}: {python} has no {figures['missing']} (see --peers)", file=sys.stderr)
                continue
            told[packer].append(figures)
    return {packer: _median(figures) for packer, figures in told.items() if figures}


def _median(told: list[dict[str, float]]) -> Measured:
    into, out = (statistics.median(figures[key] for figures in told) for key in ("in", "out"))
    return Measured(int(told[0]["packed"]), into, out)


def main_tensors(file: Path, to: Path) -> tuple[str, int]:
    """Writes the tensors of the dtype that has most of the file; returns it, and how many bytes are left."""
    from weighbridge.errors import WeighbridgeError
    from weighbridge.formats import index
    from weighbridge.tensors import FileSource

    source = FileSource(file)
    try:
        extents = index(source).extents
    except WeighbridgeError:
        extents = ()
    sizes: dict[str, int] = {}
    for extent in extents:
        sizes[extent.dtype.name] = sizes.get(extent.dtype.name, 0) + extent.nbytes
    dtype = max(sizes, key=lambda name: sizes[name], default="")
    with to.open("wb") as out:
        for extent in extents:
            if extent.dtype.name == dtype:
                out.write(source.read_at(extent.offset, extent.nbytes))
    return dtype, file.stat().st_size - to.stat().st_size
