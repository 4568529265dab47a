"""Writers die at any moment, and two write at once: the store opens, verifies, and holds all that it acknowledged."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from weighbridge.store import Store, _pack_writer
from weighbridge.tensors import BytesSource

NURSERY = Path(__file__).with_name("crash_nursery.py")


@pytest.mark.parametrize("kills", [30, pytest.param(200, marks=pytest.mark.slow)])
def test_killing_the_writer_at_any_moment_loses_nothing_that_it_acknowledged(folder, kills):
    command = [sys.executable, str(NURSERY), str(folder), str(kills), "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= kills


def test_what_a_killed_writer_left_is_swept_after_a_day(folder):
    Store.open(folder, create=True).close()
    old, new = folder / "tmp" / "old", folder / "tmp" / "new"
    for path in (old, new):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half of a pack")
    yesterday = time.time() - 25 * 3600
    os.utime(old, (yesterday, yesterday))
    with Store.open(folder) as store:
        assert store.verify().strays == ()
    assert (old.exists(), new.exists()) == (False, True)


WRITER = """
import sys
import numpy as np
from weighbridge.store import Store
from weighbridge.tensors import BytesSource
with Store.open(sys.argv[1], create=True) as store:
    for seed in range(int(sys.argv[2]), int(sys.argv[2]) + 15):
        stored = store.add(BytesSource(np.random.default_rng(seed).normal(0, 1, 20_000).astype("float32").tobytes()))
        store.bind(str(seed), stored.sha256)
"""


def test_processes_that_write_at_once_do_not_hurt_each_other(folder):
    commands = [[sys.executable, "-c", WRITER, str(folder), first] for first in ("0", "0", "8")]
    writers = [subprocess.Popen(command) for command in commands]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    with Store.open(folder) as store:
        assert store.verify().ok
        assert sorted(map(int, store.names())) == list(range(23))


def test_threads_that_write_at_once_do_not_hurt_each_other(store, make, monkeypatch):
    monkeypatch.setattr(_pack_writer, "PACK_TARGET", 200_000)
    contents = [make.weights(50_000, seed).tobytes() for seed in range(6)]
    failures = []

    def write(order):
        try:
            for number in order:
                stored = store.add(BytesSource(contents[number]))
                assert b"".join(store.file(stored.sha256).iter_range()) == contents[number]
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=write, args=(order,)) for order in (range(6), reversed(range(6)), (3, 3, 3))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert store.verify().ok
    assert store.stat().files == 6
