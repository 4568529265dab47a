"""Memory does not grow with the file on S3 either."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

LIMIT = 300 << 20

# A process of its own, so that its peak is its own.
SCRIPT = """
import json, sys
import numpy as np
from pathlib import Path
from weighbridge.store import Store

class Generated:
    name = "generated"
    size = int(sys.argv[2]) << 20
    def read_at(self, offset, length):
        first, last = offset >> 20, (offset + length - 1) >> 20
        chunks = (np.random.default_rng(number).bytes(1 << 20) for number in range(first, last + 1))
        return b"".join(chunks)[offset - (first << 20) :][:length]

with Store.open(sys.argv[1], create=True) as store:
    stored = store.add(Generated())
    store.file(stored.sha256).save(Path(sys.argv[3]))
    assert store.verify().ok
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"peak": peak * 1024, "new": stored.new_bytes}))
"""


@pytest.mark.slow
def test_packing_reading_and_verifying_stay_within_bounded_memory(s3, tmp_path):
    command = [sys.executable, "-c", SCRIPT, s3, "600", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (tmp_path / "out").unlink(missing_ok=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["new"] > 600 << 20
    assert told["peak"] < LIMIT, told
