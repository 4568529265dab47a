"""Raises writers and kills them: run by test_crash.py in a process of its own, since only one without threads may fork.

    python crash_nursery.py FOLDER KILLS SEED

Each writer adds files to one store and tells each acknowledgement. After each kill, another child opens the store,
verifies it, and reads back every file that was ever acknowledged. Prints the number of acknowledged files.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from itertools import count

import numpy as np

from weighbridge.store import Store, _pack_writer
from weighbridge.tensors import BytesSource

SIZES = (10, 5_000, 60_000, 300_000)


def content(seed: int) -> bytes:
    size = SIZES[seed % len(SIZES)]
    return np.random.default_rng(seed).normal(0, 0.02, size // 4 + 1).astype("float32").tobytes()


def write(folder: str, first: int, tell: int) -> None:
    _pack_writer.PACK_TARGET = 100_000  # so that files span packs, as large ones do
    with Store.open(folder, create=True) as store:
        for seed in count(first):
            stored = store.add(BytesSource(content(seed)))
            store.bind(f"file {seed}", stored.sha256)
            os.write(tell, f"{seed}\n".encode())


def judge(folder: str, acknowledged: list[int]) -> None:
    with Store.open(folder, create=True) as store:
        result = store.verify()
        assert result.ok, result.damage
        names = store.names()
        for seed in acknowledged:
            file = store.file(names[f"file {seed}"])
            assert b"".join(file.iter_range()) == content(seed), seed


def fork(work, *arguments) -> int:
    child = os.fork()
    if child == 0:
        try:
            work(*arguments)
        except BaseException:  # noqa: BLE001 - told, and turned into a status
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    return child


def kill_one(folder: str, first: int, after: int, delay: float) -> list[int]:
    """The files that a writer acknowledged, which died `delay` seconds after it had told of `after` of them."""
    read, tell = os.pipe()
    writer = fork(write, folder, first, tell)
    os.close(tell)
    with os.fdopen(read) as told:
        lines = [told.readline() for _ in range(after)]
        time.sleep(delay)
        os.kill(writer, signal.SIGKILL)
        _, status = os.waitpid(writer, 0)
        assert os.WIFSIGNALED(status), "the writer ended by itself"
        lines += told.readlines()
    return [int(line) for line in lines if line.endswith("\n")]


def main(folder: str, kills: int, seed: int) -> None:
    rng = random.Random(seed)
    acknowledged: list[int] = []
    for number in range(kills):
        acknowledged += kill_one(folder, 10_000 * number, number % 4, rng.uniform(0, 0.06))
        _, status = os.waitpid(fork(judge, folder, acknowledged), 0)
        assert status == 0, f"after kill {number}"
    print(len(acknowledged))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
