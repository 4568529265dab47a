"""Opening a 1 GB checkpoint and listing its tensors, beside the readers that people use today.

    python benchmarks/opening.py [--gigabytes 1] [--runs 5] [--json]

Each reader lists every tensor's name, dtype and shape, in a fresh process, with the files in the page cache. "open" is
the call alone, "process" also starting Python and importing the reader; "memory" is the peak of the whole process.
Readers alternate, so that a machine whose speed drifts hurts all alike; figures are medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

SAFETENSORS = """
with safe_open(path, "np") as file:
    slices = {name: file.get_slice(name) for name in file.keys()}
    listed = [(name, part.get_dtype(), tuple(part.get_shape())) for name, part in slices.items()]
"""
TORCH = """
state = torch.load(path, map_location="cpu", weights_only=True{options})
listed = [(name, str(tensor.dtype), tuple(tensor.shape)) for name, tensor in state.items()]
"""
OURS = "listed = [(name, str(tensor.dtype), tensor.shape) for name, tensor in wb.open(path).items()]"
READERS = {  # what to import, and the work that is timed
    "weighbridge": ("import weighbridge as wb; wb.open", OURS),
    "safetensors": ("from safetensors import safe_open", SAFETENSORS),
    "torch": ("import torch", TORCH.format(options="")),
    "torch mmap": ("import torch", TORCH.format(options=", mmap=True")),
}
CASES = {
    "model.safetensors": ("weighbridge", "safetensors"),
    "model.pth": ("weighbridge", "torch", "torch mmap"),
}
PROBE = """
import json, sys, time
path = sys.argv[1]
{imports}
began = time.perf_counter()
{work}
seconds = time.perf_counter() - began
# Not getrusage: its peak survives exec, so it would count the parent that started us.
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps(dict(open=seconds, tensors=len(listed), memory=peak * 1024)))
"""


@dataclass(frozen=True)
class Row:
    """Medians over all runs: seconds, and bytes of peak memory."""

    file: str
    reader: str
    tensors: int
    open_seconds: float
    process_seconds: float
    peak_bytes: int


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        _write_files(Path(folder), options.gigabytes)
        rows = [row for file in CASES for row in _measure(Path(folder) / file, CASES[file], options.runs)]
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        _print_table(rows)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--scratch", help="where to write the files; the system's temporary folder by default")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _write_files(folder: Path, gigabytes: float) -> None:
    """The same transformer-like state dict in both formats: fp16, 64 layers of four matrices each."""
    import torch
    from safetensors.torch import save_file

    rng = np.random.default_rng(0)
    rows = int(gigabytes * 1e9 / (64 * 4 * 1024 * 2))
    block = torch.from_numpy(rng.standard_normal((rows, 1024), dtype=np.float32)).half()
    names = [f"layers.{layer}.{part}.weight" for layer in range(64) for part in ("q", "k", "v", "o")]
    state = {name: block.clone() for name in names}
    save_file(state, folder / "model.safetensors")
    torch.save(state, folder / "model.pth")


def _measure(path: Path, readers: tuple[str, ...], runs: int) -> list[Row]:
    samples: dict[str, list[dict[str, float]]] = {reader: [] for reader in readers}
    for run in range(runs + 1):
        for reader in readers:
            sample = _probe(path, reader)
            if run:  # the first round only warms the page cache
                samples[reader].append(sample)
    return [_row(path.name, reader, samples[reader]) for reader in readers]


def _probe(path: Path, reader: str) -> dict[str, float]:
    imports, work = READERS[reader]
    began = time.perf_counter()
    command = [sys.executable, "-c", PROBE.format(imports=imports, work=work), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {**json.loads(done.stdout), "process": time.perf_counter() - began}


def _row(file: str, reader: str, samples: list[dict[str, float]]) -> Row:
    def median(key: str) -> float:
        return statistics.median(sample[key] for sample in samples)

    return Row(file, reader, int(median("tensors")), median("open"), median("process"), int(median("memory")))


def _print_table(rows: list[Row]) -> None:
    print(f"{'file':<18} {'reader':<12} {'tensors':>7} {'open':>10} {'process':>9} {'memory':>9}  open, peer / ours")
    ours = {row.file: row for row in rows if row.reader == "weighbridge"}
    for row in rows:
        ratio = row.open_seconds / ours[row.file].open_seconds
        print(
            f"{row.file:<18} {row.reader:<12} {row.tensors:>7} {row.open_seconds * 1e3:>7.1f} ms "
            f"{row.process_seconds:>7.2f} s {row.peak_bytes / 1e6:>6.0f} MB  {ratio:>6.2f}"
        )


if __name__ == "__main__":
    main()
