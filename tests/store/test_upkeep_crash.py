"""Collection and repacking beside writers and readers, killed at any moment: nothing acknowledged is ever lost."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from weighbridge.store import GcOptions, Store, _pack_writer
from weighbridge.tensors import BytesSource

NURSERY = Path(__file__).with_name("upkeep_nursery.py")
NOW = GcOptions(grace=0, waste=0)


@pytest.mark.parametrize("kills", [12, pytest.param(200, marks=pytest.mark.slow)])
def test_killing_writers_and_collectors_at_any_moment_loses_nothing(folder, kills):
    command = [sys.executable, str(NURSERY), str(folder), str(kills), "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    files, deleted = map(int, done.stdout.split())
    assert files >= kills
    assert deleted > 0


def test_collecting_all_the_time_hurts_neither_writers_nor_readers(store, folder, make, monkeypatch):
    monkeypatch.setattr(_pack_writer, "PACK_TARGET", 150_000)
    failures, stop, rounds = [], threading.Event(), []
    kept = make.weights(60_000, 999).tobytes()
    store.bind("kept", store.add(BytesSource(kept)).sha256)

    def guarded(work, *arguments):
        try:
            with Store.open(folder) as mine:
                work(mine, *arguments)
        except BaseException as error:
            failures.append(error)
            raise

    def write(mine, first):
        for seed in range(first, first + 12):
            data = make.weights(40_000, seed % 7).tobytes()  # the same content again and again, by several
            stored = mine.add(BytesSource(data))
            mine.bind(f"{first} {seed}", stored.sha256)
            assert b"".join(mine.file(stored.sha256).iter_range()) == data
            if seed % 2:
                mine.remove(f"{first} {seed}", keep_file=True)

    def drop(mine):
        """Files without a name go: those of nobody else, since every other seed is another's content."""
        for seed in range(100, 112):
            data = make.weights(40_000, seed).tobytes()
            mine.bind(f"{seed}", mine.add(BytesSource(data)).sha256)
            mine.remove(f"{seed}")

    def read(mine):
        while not stop.is_set():
            assert b"".join(mine.file(mine.resolve("kept")).iter_range()) == kept

    def collect(mine):
        while not stop.is_set():
            rounds.append(mine.gc(NOW))

    workers = [threading.Thread(target=guarded, args=work) for work in ((write, 0), (write, 1000), (drop,))]
    others = [threading.Thread(target=guarded, args=work) for work in ((read,), (collect,), (collect,))]
    for thread in (*others, *workers):
        thread.start()
    for thread in workers:
        thread.join()
    time.sleep(0.2)
    stop.set()
    for thread in others:
        thread.join()
    assert failures == []
    assert sum(one.deleted.packs for one in rounds) > 0
    store.gc(NOW)
    result = store.verify()
    assert result.ok, result.damage
    for seed in range(7):
        data = make.weights(40_000, seed).tobytes()
        assert store.file(make.sha256(data)).read_at(0, len(data)) == data
