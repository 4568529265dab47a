"""Ctrl-C in the middle: a line that says what is kept, and the same command goes on."""

import json
import subprocess
import sys

import numpy as np
import pytest

WEIGH = [sys.executable, "-m", "weighbridge"]
# `weigh`, to which the terminal sends SIGINT when this function has been called so many times.
INTERRUPTED = """
import os, signal, sys
from importlib import import_module
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background hands down that it is ignored
module, owner, name, times, *arguments = sys.argv[1:]
where = import_module(module)
where = getattr(where, owner) if owner else where
whole, calls = getattr(where, name), []
def counted(*given, **options):
    done = whole(*given, **options)
    calls.append(name)
    if len(calls) == int(times):
        os.kill(os.getpid(), signal.SIGINT)
    return done
setattr(where, name, counted)
sys.argv = ["weigh", *arguments]
from weighbridge.cli.main import main
main()
"""


@pytest.fixture
def files(tmp_path):
    """Some files of random numbers, each too large to be packed together with another."""
    folder = tmp_path / "files"
    folder.mkdir()
    random = np.random.default_rng(5)
    for number in range(4):
        (folder / f"{number}.bin").write_bytes(random.standard_normal(6_000_000, np.float32).tobytes())
    return folder


def interrupted(module, owner, name, times, *arguments):
    command = [sys.executable, "-c", INTERRUPTED, module, owner, name, str(times), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 130, done.stderr
    return done.stderr.splitlines()


def weigh(*arguments):
    done = subprocess.run([*WEIGH, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_packing_and_unpacking_go_on(files, tmp_path):
    store, out = tmp_path / "store", tmp_path / "out"
    told = interrupted("weighbridge.store", "Store", "bind", 2, "pack", files, "--store", store)
    assert told == [
        "weigh: interrupted",
        "       What is stored already is kept and will not be coded again: the same command goes on.",
    ]
    again = json.loads(weigh("pack", files, "--store", store, "--json"))["files"]
    assert again[0]["new_bytes"] == again[1]["new_bytes"] == 0, "they were stored before the interruption"
    assert again[3]["new_bytes"] > 0
    told = interrupted("weighbridge.cli.unpack", "", "_write", 2, "unpack", "--all", "--store", store, "--out", out)
    assert told[1].strip().startswith("Files that were whole are kept")
    done = json.loads(weigh("unpack", "--all", "--store", store, "--out", out, "--json"))["files"]
    assert [one["already_there"] for one in sorted(done, key=lambda one: one["name"])] == [True, True, False, False]
    assert all((out / path.name).read_bytes() == path.read_bytes() for path in files.iterdir())
