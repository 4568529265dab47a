"""Speed in memory, as ratios of packers that ran in turn."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from _files import REPORTING, Cache, File, MissingError
from _peers import Measured, interleaved, main_tensors

PLAIN = ("memcpy", "zstd", "zipnn", "weighbridge", "weighbridge-2")
DELTA = ("zipnn-delta", "weighbridge-delta")
FINE_TUNE = ("base-bf16", "tuned-bf16")


@dataclass(frozen=True)
class Speed:
    """How many times as fast `ours` is as `other`: at least `promised`."""

    file: str
    what: str
    other: str
    ratio: float
    promised: float | None
    ours_mb_s: float
    other_mb_s: float


def speeds(cache: Cache, family: Path, scratch: Path, runs: int, peers: str) -> Iterator[Speed]:
    data = scratch / "tensors"
    for file in (file for file in REPORTING if file.dtype == "bf16"):
        try:
            dtype, _ = main_tensors(cache.file(file), data)
        except MissingError as missing:
            print(f"{file.name}: {missing}", file=sys.stderr)
            continue
        yield from _plain(file, data.stat().st_size, interleaved(PLAIN, dtype, data, None, runs, peers))
    base, tuned = (family / "efficientnet" / f"{name}.safetensors" for name in FINE_TUNE)
    if not tuned.exists():
        print(f"needs {tuned}: python benchmarks/_families.py {family} --model efficientnet", file=sys.stderr)
        return
    base_data = scratch / "base"
    main_tensors(base, base_data)
    dtype, _ = main_tensors(tuned, data)
    measured = interleaved(DELTA, dtype, data, base_data, runs, peers)
    ours, size = measured["weighbridge-delta"], data.stat().st_size
    yield from _beside("fine-tune", "delta", size, ours, "zipnn-delta", measured.get("zipnn-delta"), 2, 2)


def _plain(file: File, size: int, measured: dict[str, Measured]) -> Iterator[Speed]:
    ours = measured["weighbridge"]
    yield from _beside(file.name, "one core", size, ours, "zipnn", measured.get("zipnn"), 4, 4)
    yield from _beside(file.name, "one core", size, ours, "memcpy", measured["memcpy"], None, 0.35)
    yield from _beside(file.name, "one core", size, ours, "zstd", measured["zstd"], None, None)
    yield from _beside(file.name, "two threads", size, measured["weighbridge-2"], "one thread", ours, 1.8, 1.8)


def _beside(
    file: str,
    what: str,
    size: int,
    ours: Measured,
    other: str,
    theirs: Measured | None,
    promised_in: float | None,
    promised_out: float | None,
) -> Iterator[Speed]:
    if theirs is None:
        return
    for way, mine, their, promised in (
        ("pack", ours.seconds_in, theirs.seconds_in, promised_in),
        ("unpack", ours.seconds_out, theirs.seconds_out, promised_out),
    ):
        yield Speed(file, f"{way}, {what}", other, their / mine, promised, size / mine / 1e6, size / their / 1e6)
