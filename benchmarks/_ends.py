"""The commands from file to store and back, and the first byte of a range."""

from __future__ import annotations

import hashlib
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from _files import REPORTING, Cache
from weighbridge.store import Store
from weighbridge.tensors import FileSource

LARGE = 1 << 30
COMMAND = "import sys; from weighbridge.cli import main; main()"
SHA256 = "import hashlib, sys; hashlib.file_digest(open(sys.argv[1], 'rb'), 'sha256')"


@dataclass(frozen=True)
class EndToEnd:
    """Seconds of the whole command / seconds of hashlib.sha256 in a process of its own: at most `promised`."""

    file: str
    bytes: int
    where: str
    what: str
    to_sha256: float
    promised: float
    seconds: float
    sha256_seconds: float


@dataclass(frozen=True)
class FirstByte:
    """Milliseconds from asking a store that was just opened for one byte somewhere to having it."""

    file: str
    median_ms: float
    worst_ms: float
    promised_ms: float


def end_to_end(cache: Cache, scratch: Path, runs: int) -> Iterator[EndToEnd]:
    """On a file of 1 GiB: a model's bf16 tensors again and again, some bits turned so that no block comes twice."""
    file = scratch / "large.safetensors"
    _bf16_file(cache, file, LARGE)
    spent: dict[str, list[float]] = {"sha256": [], "pack": [], "unpack": []}
    for number in range(runs):
        store, out = scratch / f"end{number}", scratch / f"out{number}"
        spent["sha256"].append(_seconds([sys.executable, "-c", SHA256, str(file)]))
        spent["pack"].append(_seconds(_weigh("pack", str(file), "--store", str(store))))
        spent["unpack"].append(_seconds(_weigh("unpack", file.name, "--store", str(store), "--out", str(out))))
        if _digest(out / file.name) != _digest(file):
            sys.exit(f"{file.name} came back as other bytes")
        shutil.rmtree(store)
        shutil.rmtree(out)
    medians = {what: statistics.median(seconds) for what, seconds in spent.items()}
    where = subprocess.run(
        ["stat", "-f", "-c", "%T", scratch], capture_output=True, text=True, check=True
    ).stdout.strip()
    for what, promised in (("pack", 1.5), ("unpack", 1.2)):
        yield EndToEnd(
            "bf16", LARGE, where, what, medians[what] / medians["sha256"], promised, medians[what], medians["sha256"]
        )
    file.unlink()


def first_byte(cache: Cache, scratch: Path) -> Iterator[FirstByte]:
    file = cache.file(next(file for file in REPORTING if file.dtype == "bf16"))
    folder = scratch / "ranges"
    with Store.open(folder, create=True) as store:
        stored = store.add(FileSource(file))
    spent = []
    for offset in np.random.default_rng(0).integers(0, stored.size, 50).tolist():
        with Store.open(folder) as store:
            began = time.perf_counter()
            store.file(stored.sha256).read_at(offset, 1)
            spent.append(1000 * (time.perf_counter() - began))
    yield FirstByte(file.name, statistics.median(spent), max(spent), 20)


def _bf16_file(cache: Cache, to: Path, size: int) -> None:
    from _peers import main_tensors

    tensors = to.with_suffix(".tensors")
    main_tensors(cache.file(next(file for file in REPORTING if file.dtype == "bf16")), tensors)
    words = np.fromfile(tensors, np.uint16)
    tensors.unlink()
    count = size // 2
    header = b'{"weight":{"dtype":"BF16","shape":[%d],"data_offsets":[0,%d]}}' % (count, 2 * count)
    with to.open("wb") as out:
        out.write(len(header).to_bytes(8, "little") + header)
        for turn in range(-(-count // len(words))):
            out.write((words ^ np.uint16(turn))[: count - turn * len(words)].tobytes())


def _weigh(*arguments: str) -> list[str]:
    return [sys.executable, "-c", COMMAND, *arguments]


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
