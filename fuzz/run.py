"""Fuzz every decoder for some time: `python fuzz/run.py --seconds 60`, or `make fuzz SECONDS=60`.

Builds the kernel with the address and undefined-behaviour sanitizers and edge coverage (GCC and CMake), then mutates
the corpus in one process per target. An input that reaches something new, an edge of the kernel or another line that
refuses it, joins the corpus. A finding ends the run with status 1; the input is in fuzz/findings.

    --target NAME   one target alone
    --minimise      afterwards keep only the inputs that are needed to reach all that was reached
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import importlib.util
import os
import random
import resource
import subprocess
import sys
import sysconfig
import tempfile
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CORPUS = HERE / "corpus"
FINDINGS = HERE / "findings"
SLOWEST = 5.0
"""Seconds that one input of 4 KiB may take under the sanitizers."""
MOST_MEMORY = 2 << 30
_FLAGS = "-fsanitize=address,undefined -fno-sanitize-recover=undefined"
NAMES = ("payload", "both_paths", "pack", "manifest", "small_objects")


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz the decoders.")
    parser.add_argument("--seconds", type=float, default=60, help="for each target")
    parser.add_argument("--target", choices=NAMES)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--minimise", action="store_true")
    parser.add_argument("--build", type=Path, default=Path(tempfile.gettempdir()) / "weighbridge-fuzz")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        module, edges = options.child
        return _Fuzzer(options.target, module, edges, options.seed).run(options.seconds, options.minimise)
    module, edges = build(options.build)
    seed = options.seed if options.seed is not None else int(time.time())
    status = 0
    for name in [options.target] if options.target else NAMES:
        command = [sys.executable, __file__, "--target", name, "--seconds", str(options.seconds), "--seed", str(seed)]
        command += ["--child", str(module), str(edges), *(["--minimise"] if options.minimise else [])]
        done = subprocess.run(command, env=_environment(edges), check=False)
        if done.returncode:
            print(f"{name}: ended with status {done.returncode}; the input is {FINDINGS / name}", file=sys.stderr)
            status = 1
    return status


def build(folder: Path) -> tuple[Path, Path]:
    """The sanitized kernel, and the library that counts its edges."""
    folder.mkdir(parents=True, exist_ok=True)
    kernel, edges = folder / "kernel", folder / "edges.so"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", HERE / "edges.c", "-o", edges], check=True)
    settings = [
        f"-DPython_EXECUTABLE={sys.executable}",
        "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
        "-DCMAKE_CXX_COMPILER_WORKS=1",
    ]
    settings.append(f"-DCMAKE_CXX_FLAGS={_FLAGS} -fsanitize-coverage=trace-pc")
    subprocess.run(["cmake", "-S", ROOT, "-B", kernel, *settings], check=True, capture_output=True)
    subprocess.run(["cmake", "--build", kernel, "--target", "_native"], check=True, capture_output=True)
    (module,) = kernel.glob(f"_native*{sysconfig.get_config_var('SHLIB_SUFFIX')}")
    return module, edges


def _environment(edges: Path) -> dict[str, str]:
    runtimes = [_runtime("libasan.so"), _runtime("libubsan.so"), str(edges)]
    asan = "detect_leaks=0:allocator_may_return_null=1"
    return {**os.environ, "LD_PRELOAD": " ".join(runtimes), "ASAN_OPTIONS": asan, "PYTHONPATH": str(HERE)}


def _runtime(library: str) -> str:
    found = subprocess.run(["g++", f"-print-file-name={library}"], capture_output=True, text=True, check=True)
    return found.stdout.strip()


class _Fuzzer:
    """One target in this process. The input that runs is on disk, so that a crash leaves it."""

    def __init__(self, target: str, module: str, edges: str, seed: int) -> None:
        sys.meta_path.insert(0, _Sanitized(module))
        import targets

        from weighbridge.errors import WeighbridgeError

        self._refused = WeighbridgeError
        self._name = target
        self._decode = targets.TARGETS[target]
        self._edges = ctypes.CDLL(edges)
        self._places: set[str] = set()
        self._rng = random.Random(f"{seed} {target}")
        FINDINGS.mkdir(exist_ok=True)
        self._current = (FINDINGS / target).open("wb", buffering=0)
        kept = sorted((CORPUS / target).glob("*"), key=lambda path: path.stat().st_size)
        self._corpus = [path.read_bytes() for path in kept]
        self._corpus += [seed for seed in targets.seeds(target) if seed not in self._corpus]

    def run(self, seconds: float, minimise: bool) -> int:
        from mutate import mutate

        corpus = [data for data in self._corpus if self._reaches_more(data)]
        began, tried, sound = time.monotonic(), 0, len(corpus)
        while time.monotonic() < began + seconds:
            data = mutate(corpus, self._rng)
            tried += 1
            if self._reaches_more(data):
                corpus.append(data)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        print(f"{self._name}: {tried:,} inputs in {seconds:.0f} s, corpus {sound} -> {len(corpus)}, peak {peak} MiB")
        self._write(corpus, minimise)
        self._current.close()
        (FINDINGS / self._name).unlink()
        return 0

    def _reaches_more(self, data: bytes) -> bool:
        """Run one input. Whatever is not a `WeighbridgeError` ends this process: the input is in the findings."""
        self._current.truncate(0)
        self._current.seek(0)
        self._current.write(data)
        self._edges.edges_clear()
        began = time.monotonic()
        try:
            self._decode(data)
            place = ""
        except self._refused as error:
            place = " ".join(f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__))
        assert time.monotonic() - began < SLOWEST, "took too long"
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10 < MOST_MEMORY, "took too much memory"
        new = place not in self._places
        self._places.add(place)
        return bool(self._edges.edges_new()) or new

    def _write(self, corpus: list[bytes], minimise: bool) -> None:
        folder = CORPUS / self._name
        folder.mkdir(parents=True, exist_ok=True)
        if minimise:
            for path in folder.glob("*"):
                path.unlink()
            corpus = self._needed(corpus)
        for data in corpus:
            (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)

    def _needed(self, corpus: list[bytes]) -> list[bytes]:
        """Small inputs first, each only if it reaches what those before it did not."""
        self._edges.edges_forget()
        self._places.clear()
        return [data for data in sorted(corpus, key=len) if self._reaches_more(data)]


class _Sanitized:
    """Puts the sanitized kernel in the place of the installed one."""

    def __init__(self, module: str) -> None:
        self._module = module

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        return importlib.util.spec_from_file_location(name, self._module) if name == "weighbridge._native" else None


if __name__ == "__main__":
    sys.exit(main())
