"""What a command imports before it works: the start of a process is a large part of packing a file of 1 GB."""

import json
import os
import subprocess
import sys

import pytest

# Each of these takes from a tenth of a second to as long as reading and hashing a quarter of a gigabyte.
HEAVY = ("fastapi", "huggingface_hub", "ml_dtypes", "numpy", "plotly", "rich", "sqlalchemy", "torch")

RUN = """
import json, sys
from weighbridge.cli.main import run
status = run(sys.argv[1:])
print(json.dumps([status, sorted(sys.modules)]), file=sys.stderr)
"""


def _modules_of(*arguments: str) -> set[str]:
    """The modules that a process has imported when this command is done."""
    done = subprocess.run([sys.executable, "-c", RUN, *arguments], capture_output=True, text=True, check=True)
    status, modules = json.loads(done.stderr.splitlines()[-1])
    assert status == 0
    return set(modules)


@pytest.fixture
def model(tmp_path):
    """A file with one bf16 tensor of 3 MB, in which no two blocks are alike."""
    data = os.urandom(3 << 20)
    header = json.dumps({"w": {"dtype": "BF16", "shape": [3 << 19], "data_offsets": [0, len(data)]}}).encode()
    file = tmp_path / "model.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header + data)
    return file


def test_packing_and_unpacking_import_nothing_heavy(model, tmp_path):
    store = ("--store", str(tmp_path / "store"))
    packing = _modules_of("pack", str(model), *store)
    unpacking = _modules_of("unpack", model.name, *store, "--out", str(tmp_path / "out"))
    assert (tmp_path / "out" / model.name).read_bytes() == model.read_bytes()
    assert packing.intersection(HEAVY) == set()
    assert unpacking.intersection(HEAVY) == set()
    assert "weighbridge.store.backends.local" in packing & unpacking
