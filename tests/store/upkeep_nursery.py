"""Raises writers and collectors on one store and kills them at any moment: run by test_upkeep_crash.py.

    python upkeep_nursery.py FOLDER KILLS SEED plain|families

A writer adds, names and removes files, and tells of each; a collector without any grace collects and repacks all the
time. Both are killed together. Then another child opens the store, verifies it, and reads back every file that was
acknowledged and whose removal was not announced. At the end a collection must leave nothing that is not needed.
Files are plain ones, all different, or those of a few families (a base, a fine-tune, a merge of an adapter), which come
again and again: their blocks refer to each other, and bases are condemned while others are coded against them.
Prints the number of files that were acknowledged, of packs that collectors deleted, and of blocks with
references that were in the store, summed over all looks at it.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from functools import cache
from itertools import count
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as in a process of weigh: its threads wait in a loop
sys.path.insert(0, str(Path(__file__).parent))
import crash_nursery
import models
from crash_nursery import fork

from weighbridge.store import GcOptions, Store, _gc, _pack_writer
from weighbridge.store._families import Families
from weighbridge.store._reachable import Packs, needed
from weighbridge.tensors import BytesSource

NOW = GcOptions(grace=0, waste=0)
MOST_FILES = 8
"""Files that a writer leaves in the store, so that nothing is needed for ever."""
FAMILIES = 4
KINDS = ("base", "tuned", "merged")


@cache
def family(seed: int) -> dict[str, bytes]:
    return models.family(seed)


def relative(seed: int) -> bytes:
    return family(seed // len(KINDS) % FAMILIES)[KINDS[seed % len(KINDS)]]


CONTENTS = {"plain": crash_nursery.content, "families": relative}
LONGEST = {"plain": 0.4, "families": 1.2}
"""Seconds for which children live after one of them said something."""
_relatives = Families.relatives
content, longest = CONTENTS[sys.argv[4]], LONGEST[sys.argv[4]]


def _blind(*_arguments: object) -> list:
    return []


def write(folder: str, first: int, tell: int) -> None:
    _pack_writer.PACK_TARGET = 100_000
    rng = random.Random(first)
    with Store.open(folder) as store:
        kept = [int(name.removeprefix("file ")) for name in store.names()]
        for seed in count(first):
            Families.relatives = _blind if rng.random() < 0.4 else _relatives  # a repack finds what it did not see
            stored = store.add(BytesSource(content(seed)))
            store.bind(f"file {seed}", stored.sha256)
            os.write(tell, f"+{seed}\n".encode())
            kept.append(seed)
            while len(kept) > MOST_FILES or (len(kept) > 2 and rng.random() < 0.5):
                gone = kept.pop(rng.randrange(len(kept)))
                os.write(tell, f"-{gone}\n".encode())
                store.remove(f"file {gone}")


def look_after(folder: str, first: int, tell: int) -> None:
    with Store.open(folder) as store:
        for number in count():
            deleted = store.gc(NOW).deleted.packs
            os.write(tell, f"={deleted}\n".encode())
            if number % 3 == 2:
                deleted = store.repack(NOW, newer_bases=bool(number % 2)).deleted.packs
                os.write(tell, f"={deleted}\n".encode())


def judge(folder: str, acknowledged: list[int], tell: int) -> None:
    with Store.open(folder) as store:
        result = store.verify()
        assert result.ok, result.damage
        names = store.names()
        seeds = {names[f"file {seed}"]: seed for seed in acknowledged}
        for sha256, seed in seeds.items():
            assert b"".join(store.file(sha256).iter_range()) == content(seed), seed
        assert all(content(seed) == content(seeds[names[f"file {seed}"]]) for seed in acknowledged)
        entries = [entry for entries in store._catalog.copies().values() for entry in entries]
        os.write(tell, f"{sum(bool(entry.references) for entry in entries)}\n".encode())


def judge_end(folder: str, acknowledged: list[int], tell: int) -> None:
    with Store.open(folder) as store:
        sha256s = set(store.names().values())
        for path in (Path(folder) / "files").rglob("*/*"):  # stored, but killed before it got its name
            if path.name not in sha256s:
                store.remove_file(path.name)
        _gc.HOLD_SECONDS = 0  # nobody lives who could hold anything
        for _ in range(2):
            store.gc(NOW)
        packs = Packs()
        packs.read(store._backend, store._pool)
        held = [entry for entries in packs.entries.values() for entry in entries if not _gc._may_be_salt(entry)]
        references = {base for entry in held for base in entry.references}
        assert {entry.digest for entry in held} == needed(store._backend) | references
        assert len(held) == len({entry.digest for entry in held})
        assert not [path for path in (Path(folder) / "holds").rglob("*") if path.is_file()]
    judge(folder, acknowledged, tell)


def live_and_die(folder: str, first: int, delay: float) -> list[str]:
    """What the children told before they were killed, `delay` seconds after the first of them said something."""
    read, tell = os.pipe()
    children = [fork(work, folder, first, tell) for work in (write, look_after)]
    os.close(tell)
    with os.fdopen(read) as told:
        lines = [told.readline()]
        time.sleep(delay)
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            assert os.WIFSIGNALED(os.waitpid(child, 0)[1]), "a child ended by itself"
        lines += told.readlines()
    return [line for line in lines if line.endswith("\n")]


def run(work, *arguments) -> list[int]:
    """What a child told, one number a line, that must have ended well."""
    read, tell = os.pipe()
    child = fork(work, *arguments, tell)
    os.close(tell)
    with os.fdopen(read) as told:
        lines = list(map(int, told))
    _, status = os.waitpid(child, 0)
    assert status == 0, work.__name__
    return lines


def create(folder: str, _tell: int) -> None:
    Store.open(folder, create=True).close()


def main(folder: str, kills: int, seed: int) -> None:
    rng = random.Random(seed)
    acknowledged: set[int] = set()
    added = deleted = referring = 0
    run(create, folder)
    for number in range(kills):
        for line in live_and_die(folder, 10_000 * number, rng.uniform(0, longest)):
            value = int(line[1:])
            if line[0] == "+":
                acknowledged.add(value)
                added += 1
            elif line[0] == "-":
                acknowledged.discard(value)
            else:
                deleted += value
        referring += sum(run(judge, folder, sorted(acknowledged)))
    referring += sum(run(judge_end, folder, sorted(acknowledged)))
    print(added, deleted, referring)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
