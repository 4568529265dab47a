"""Memory does not grow with the file."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

LIMIT = 300_000_000

# A process of its own, so that its peak is its own. The file is made on the fly: numbers that compress like weights,
# different in every block, behind a safetensors header.
SCRIPT = """
import hashlib, json, sys
from pathlib import Path
import numpy as np
from weighbridge.store import Store

class Generated:
    name = "generated"
    def __init__(self, nbytes):
        header = {"w": {"dtype": "F32", "shape": [nbytes // 4], "data_offsets": [0, nbytes]}}
        encoded = json.dumps(header).encode()
        encoded += b" " * (-len(encoded) % 4096)
        self.head = len(encoded).to_bytes(8, "little") + encoded
        self.size = len(self.head) + nbytes
        self.base = np.random.default_rng(0).normal(0, 0.02, 1 << 20).astype(np.float32)
    def chunk(self, number):
        return (self.base * np.float32(1 + number / 1024)).tobytes()
    def read_at(self, offset, length):
        if offset < len(self.head):
            part = self.head[offset : offset + length]
            return part + (self.read_at(len(self.head), length - len(part)) if length > len(part) else b"")
        at = offset - len(self.head)
        first, last = at >> 22, (at + length - 1) >> 22
        data = b"".join(self.chunk(n) for n in range(first, last + 1)) if length else b""
        return data[at - (first << 22) :][:length]

source = Generated(int(sys.argv[2]))
with Store.open(sys.argv[1], create=True) as store:
    stored = store.add(source)
    digest = hashlib.sha256()
    for piece in store.file(stored.sha256).iter_range():
        digest.update(piece)
    assert digest.hexdigest() == stored.sha256
    store.file(stored.sha256).save(Path(sys.argv[3]))
    assert store.verify().ok
# Not getrusage: its peak survives exec, so it would count the process that started this one.
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"peak": peak * 1024, "new": stored.new_bytes}))
"""


@pytest.mark.parametrize("nbytes", [400 << 20, pytest.param(10_000_000_000, marks=pytest.mark.slow)])
def test_packing_reading_and_verifying_stay_within_bounded_memory(folder, tmp_path, nbytes):
    try:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(folder), str(nbytes), str(tmp_path / "out")],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:  # pytest keeps the folders of its last runs
        shutil.rmtree(folder, ignore_errors=True)
        (tmp_path / "out").unlink(missing_ok=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["new"] > nbytes / 2
    assert told["peak"] < LIMIT, told
