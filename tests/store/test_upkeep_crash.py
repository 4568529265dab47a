"""Collection and repacking beside writers and readers, killed at any moment: nothing acknowledged is ever lost."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from weighbridge.store import GcOptions, Store, _pack_writer
from weighbridge.tensors import BytesSource

NURSERY = Path(__file__).with_name("upkeep_nursery.py")
NOW = GcOptions(grace=0, waste=0)


@pytest.mark.parametrize("kind", ["plain", "families"])
@pytest.mark.parametrize("kills", [8, pytest.param(200, marks=pytest.mark.slow)])
def test_killing_writers_and_collectors_at_any_moment_loses_nothing(folder, kills, kind):
    command = [sys.executable, str(NURSERY), str(folder), str(kills), "1", kind]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    files, deleted, referring = map(int, done.stdout.split())
    assert files >= kills
    assert deleted > 0
    assert (referring > kills) == (kind == "families")


def weights(seed):
    return np.random.default_rng(seed).normal(0, 0.02, 40_000).astype("float32").tobytes()


KEPT = weights(999)


def write(mine, stop, first):
    """The same content again and again, by several; half of it loses its name again."""
    for seed in range(first, first + 12):
        data = weights(seed % 7)
        stored = mine.add(BytesSource(data))
        mine.bind(f"{first} {seed}", stored.sha256)
        assert b"".join(mine.file(stored.sha256).iter_range()) == data
        if seed % 2:
            mine.remove(f"{first} {seed}", keep_file=True)


def drop(mine, stop, first):
    for seed in range(first, first + 12):
        mine.bind(f"{seed}", mine.add(BytesSource(weights(seed))).sha256)
        assert mine.remove(f"{seed}")


def read(mine, stop):
    while not stop.is_set():
        assert b"".join(mine.file(mine.resolve("kept")).iter_range()) == KEPT


def collect(mine, stop, rounds):
    while not stop.is_set():
        rounds.append(mine.gc(NOW))
        rounds.append(mine.repack(NOW))


def at_once(folder, busy, until_these_end):
    """Run each of these with a store of its own, in threads; raises what any of them raised."""
    stop = threading.Event()

    def run(work, *arguments):
        with Store.open(folder) as mine:
            work(mine, stop, *arguments)

    with ThreadPoolExecutor(len(busy) + len(until_these_end)) as pool:
        others = [pool.submit(run, *work) for work in busy]
        try:
            for future in [pool.submit(run, *work) for work in until_these_end]:
                future.result()
        finally:
            stop.set()
        for future in others:
            future.result()


def test_collecting_all_the_time_hurts_neither_writers_nor_readers(store, folder, make, monkeypatch):
    monkeypatch.setattr(_pack_writer, "PACK_TARGET", 150_000)
    store.bind("kept", store.add(BytesSource(KEPT)).sha256)
    rounds = []
    busy = [(read,), (collect, rounds), (collect, rounds)]
    at_once(folder, busy, [(write, 0), (write, 1000), (drop, 100)])
    assert sum(one.deleted.packs for one in rounds) > 0
    store.gc(NOW)
    result = store.verify()
    assert result.ok, result.damage
    for seed in range(7):
        assert store.file(make.sha256(weights(seed))).read_at(0, len(weights(seed))) == weights(seed)
