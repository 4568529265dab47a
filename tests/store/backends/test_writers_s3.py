"""Writers to one bucket that die or work at the same time: nothing corrupt, nothing lost that was acknowledged."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from weighbridge.store import Store
from weighbridge.store.backends import connect

from .s3_writer import content

WRITER = Path(__file__).with_name("s3_writer.py")


@pytest.fixture
def writer(s3, tmp_path):
    """Starts processes that write the files from one number up to another, each with a cache of its own."""
    started = []

    def start(first, end):
        environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / f"cache of writer {len(started)}")}
        command = [sys.executable, str(WRITER), s3, str(first), str(end)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def read(store, name):
    return b"".join(store.file(store.resolve(name)).iter_range())


@pytest.mark.parametrize("kills", [3, pytest.param(40, marks=pytest.mark.slow)])
def test_a_killed_writer_leaves_a_sound_store_with_all_that_it_acknowledged(s3, writer, kills):
    acknowledged = []
    for number in range(kills):
        process = writer(1000 * number, 1000 * number + 1000)
        process.stdout.readline()
        acknowledged += [process.stdout.readline().strip() for _ in range(number % 2)]
        time.sleep(0.05 * (number % 7))
        process.send_signal(signal.SIGKILL)
        acknowledged += [line.strip() for line in process.stdout if line.endswith("\n")]
        assert process.wait() == -signal.SIGKILL
        with Store.open(s3) as store:
            result = store.verify()
            assert result.ok, result.damage
    with Store.open(s3) as store:
        for name in acknowledged:
            assert read(store, name) == content(int(name))


def test_processes_that_write_the_same_and_overlapping_files_at_once(s3, writer):
    processes = [writer(0, 6), writer(0, 6), writer(3, 9)]
    told = [process.communicate()[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    with Store.open(s3) as store:
        assert {one[1] for one in told} == {store.id}  # they created it at the same moment
        result = store.verify()
        assert result.ok, result.damage
        assert sorted(store.names()) == [str(seed) for seed in range(9)]
        for seed in range(9):
            assert read(store, str(seed)) == content(seed)
        assert store.stat().unique_bytes == sum(len(content(seed)) for seed in range(9))
    assert not list(connect(s3).list("tmp/"))
