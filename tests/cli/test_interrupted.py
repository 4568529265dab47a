"""Ctrl-C in the middle: a line that says what is kept, and the same command goes on."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

WEIGH = [sys.executable, "-m", "weighbridge"]


@pytest.fixture
def files(tmp_path):
    """Some files of random numbers that take a while to pack."""
    folder = tmp_path / "files"
    folder.mkdir()
    random = np.random.default_rng(5)
    for number in range(12):
        (folder / f"{number:02}.bin").write_bytes(random.standard_normal(4_000_000, np.float32).tobytes())
    return folder


def interrupted(command, ready):
    """Run, send SIGINT as a terminal would once `ready()`, and give what was said; None if it was done before."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not ready():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    return told if process.returncode == 130 else None


def weigh(*arguments):
    done = subprocess.run([*WEIGH, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_packing_and_unpacking_go_on(files, tmp_path):
    store, out = tmp_path / "store", tmp_path / "out"
    packing = [*WEIGH, "pack", str(files), "--store", str(store)]
    told = interrupted(packing, lambda: len(list(store.glob("names/**/*"))) > 2)
    assert told is not None, "it ended before it could be interrupted"
    assert told.splitlines()[:2] == [
        "weigh: interrupted",
        "       What is stored already is kept and will not be coded again: the same command goes on.",
    ]
    again = json.loads(weigh("pack", files, "--store", store, "--json"))
    assert again["files"][0]["new_bytes"] == 0, "the first file was stored before the interruption"
    unpacking = [*WEIGH, "unpack", "--all", "--store", str(store), "--out", str(out)]
    told = interrupted(unpacking, lambda: (out / "00.bin").exists())
    assert told is not None, "it ended before it could be interrupted"
    assert "Files that were whole are kept" in told
    files_again = json.loads(weigh("unpack", "--all", "--store", store, "--out", out, "--json"))["files"]
    assert any(one["already_there"] for one in files_again)
    assert all((out / path.name).read_bytes() == path.read_bytes() for path in files.iterdir())
