"""The kernel under the address and undefined-behaviour sanitizers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLAGS = "-fsanitize=address,undefined -fno-sanitize-recover=undefined"

# Puts the sanitized build in the place of the installed one, then runs the tests that drive the kernel.
RUN = """
import importlib.util, pytest, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_file_location(name, sys.argv[1]) if name == "weighbridge._native" else None

sys.meta_path.insert(0, Finder())
import weighbridge._native
assert weighbridge._native.__file__ == sys.argv[1]
sys.exit(pytest.main(["-q", "-n", "0", "-p", "no:cacheprovider", *sys.argv[2:]]))
"""


def runtime(library):
    found = subprocess.run(["g++", f"-print-file-name={library}"], capture_output=True, text=True, check=True)
    return found.stdout.strip()


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("cmake") and shutil.which("g++")), reason="needs cmake and g++")
def test_the_kernel_touches_nothing_that_is_not_its_own(tmp_path):
    build = [f"-DPython_EXECUTABLE={sys.executable}", "-DCMAKE_BUILD_TYPE=RelWithDebInfo", f"-DCMAKE_CXX_FLAGS={FLAGS}"]
    subprocess.run(["cmake", "-S", ROOT, "-B", tmp_path, *build], check=True, capture_output=True)
    subprocess.run(["cmake", "--build", tmp_path, "--target", "_native"], check=True, capture_output=True)
    (module,) = tmp_path.glob("_native*.so")
    tests = [
        ROOT / "tests" / name
        for name in (
            "native/test_kernel.py",
            "native/test_huffman.py",
            "native/test_lowrank.py",
            "spec/test_delta.py",
            "store/test_delta.py",
            "native/test_quantised.py",
            "store/test_codecs.py",
            "store/test_low_rank.py",
        )
    ]
    preload = f"{runtime('libasan.so')} {runtime('libubsan.so')}"
    done = subprocess.run(
        [sys.executable, "-c", RUN, module, *tests],
        env={**os.environ, "LD_PRELOAD": preload, "ASAN_OPTIONS": "detect_leaks=0"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
