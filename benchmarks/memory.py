"""Peak memory of `weigh pack`, `weigh unpack` and `weigh store verify` on a file of any size, as JSON.

    python benchmarks/memory.py [--gigabytes 10] [--tuned] [--rclone] [--scratch FOLDER]

The file is a bf16 safetensors of normal numbers, all drawn anew, in tensors of 64 MiB. With --tuned, a fine-tune of
it is packed and unpacked too, beside its base. With --rclone, the store is in a bucket of `rclone serve s3`. What
comes back is compared by its SHA-256. Each command is a process of its own, which tells the peak of its resident
memory when it ends (VmHWM, so Linux only). Needs 1.7 times the size on disk, 2.2 times with --tuned. Exits with 1
where a peak is over the promised one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

PROMISED = 300
_TENSOR = 1 << 25  # elements
_DRAWN = 1 << 22  # elements at a time
_SERVER = Path(__file__).parents[1] / "tests" / "store" / "backends"
# Not getrusage: that peak survives exec, so it would count the process that started this one.
_COMMAND = """
import atexit, os
def tell():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    open(os.environ["WEIGHBRIDGE_PEAK"], "w").write(line.split()[1])
atexit.register(tell)
from weighbridge.cli import main
main()
"""


@dataclass(frozen=True)
class Memory:
    """Peak resident MB (10⁶ bytes) of the whole command: at most `promised`."""

    what: str
    bytes: int
    peak_mb: float
    promised: float


def peak_memory(scratch: Path, size: int, store: str = "", *, tuned: bool = False) -> Iterator[Memory]:
    """Of packing, unpacking and verifying about `size` bytes in a store, which may lie elsewhere than in `scratch`."""
    store = store or str(scratch / "store")
    for name, noise in (("base", 0.0), ("tuned", 1e-4))[: 1 + tuned]:
        file, out = scratch / f"{name}.safetensors", scratch / "out"
        digest = write(file, size, noise)
        nbytes = file.stat().st_size
        yield _peak(f"pack {name}", nbytes, scratch, "pack", str(file), "--store", store)
        file.unlink()
        yield _peak(f"unpack {name}", nbytes, scratch, "unpack", file.name, "--store", store, "--out", str(out))
        with (out / file.name).open("rb") as back:
            if hashlib.file_digest(back, "sha256").hexdigest() != digest:
                sys.exit(f"{file.name} came back as other bytes")
        (out / file.name).unlink()
    yield _peak("verify", (1 + tuned) * nbytes, scratch, "store", "verify", "--store", store)


def write(to: Path, size: int, noise: float) -> str:
    """Write a file whose numbers are always the same, but for the noise. Returns its SHA-256."""
    header, at = {}, 0
    for number in range(max(1, size // (2 * _TENSOR))):
        header[f"layers.{number}.weight"] = {
            "dtype": "BF16",
            "shape": [_TENSOR >> 12, 1 << 12],
            "data_offsets": [at, at := at + 2 * _TENSOR],
        }
    encoded = json.dumps(header).encode()
    digest = hashlib.sha256()
    weights, changes = np.random.default_rng(0), np.random.default_rng(1)
    with to.open("wb") as out:
        for part in _parts(len(encoded).to_bytes(8, "little") + encoded, at // 2, weights, changes, noise):
            out.write(part)
            digest.update(part)
    return digest.hexdigest()


def _parts(
    head: bytes, count: int, weights: np.random.Generator, changes: np.random.Generator, noise: float
) -> Iterator[bytes]:
    yield head
    for _ in range(count // _DRAWN):
        numbers = weights.standard_normal(_DRAWN, np.float32) * np.float32(0.02)
        if noise:
            numbers += changes.standard_normal(_DRAWN, np.float32) * np.float32(noise)
        yield (numbers.view(np.uint32) >> 16).astype("<u2").tobytes()


def _peak(what: str, nbytes: int, scratch: Path, *arguments: str) -> Memory:
    told = scratch / "peak"
    environment = os.environ | {"WEIGHBRIDGE_PEAK": str(told)}
    command = [sys.executable, "-c", _COMMAND, *arguments]
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return Memory(what, nbytes, int(told.read_text()) * 1024 / 1e6, PROMISED)


@contextmanager
def _rclone(scratch: Path) -> Iterator[str]:
    """The location of a store in the bucket of a server that lives as long as this does."""
    sys.path.insert(0, str(_SERVER))
    import rclone_server

    server, process = rclone_server.start(scratch / "s3")
    os.environ |= server.environment() | {"XDG_CACHE_HOME": str(scratch / "cache")}
    try:
        yield f"s3://{rclone_server.BUCKET}/store"
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--gigabytes", type=float, default=10)
    options.add_argument("--tuned", action="store_true", help="pack a fine-tune beside it, too")
    options.add_argument("--rclone", action="store_true", help="the store is on S3, served by rclone")
    options.add_argument("--scratch", type=Path, help="a folder with room")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.scratch) as name:
        scratch = Path(name)
        with _rclone(scratch) if given.rclone else nullcontext("") as store:
            told = []
            for each in peak_memory(scratch, int(given.gigabytes * 1e9), store, tuned=given.tuned):
                print(f"{each.what}: {each.peak_mb:.0f} MB", file=sys.stderr)
                told.append(asdict(each))
    print(json.dumps(told, indent=2))
    sys.exit(any(each["peak_mb"] > each["promised"] for each in told))


if __name__ == "__main__":
    main()
