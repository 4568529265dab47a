"""Every long job on a disk that fails at any of its writes: a clear error, nothing lost, and the next run goes through.

The store holds a family, so that blocks refer to each other, and one that is collected still has what others need.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from dataclasses import dataclass, field

import pytest

from weighbridge.errors import ObjectNotFoundError, StorageFullError, StoreError
from weighbridge.store import GcOptions, Store, VerifyOptions, _gc, _pack_writer
from weighbridge.store._reachable import Packs, needed
from weighbridge.tensors import BytesSource

from . import models
from .damaging import flip, objects
from .failing import Killed, put_between

NOW = GcOptions(grace=0, waste=0)
EXPECTED = {errno.ENOSPC: StorageFullError, errno.EROFS: StoreError, Killed: Killed}
FAULTS = [pytest.param(error, id=getattr(error, "__name__", None) or errno.errorcode[error]) for error in EXPECTED]
FILES = {
    **models.family(),
    "plain": models.weights(30_000, 5).tobytes(),
    "gone": models.weights(20_000, 6).tobytes(),
    "small": b"small",
}
OTHERS = models.family(seed=2)
SHA256 = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}


@pytest.fixture
def disk(monkeypatch):
    monkeypatch.setattr(_pack_writer, "PACK_TARGET", 60_000)
    monkeypatch.setattr(_gc, "HOLD_SECONDS", -1)  # nobody else writes: every hold is a dead writer's
    return put_between(monkeypatch)


def pack(folder):
    with Store.open(folder) as store:
        for one in store.add_many(BytesSource(data, f"other {name}") for name, data in OTHERS.items()):
            store.bind(one.name, one.sha256)


def collect(folder):
    with Store.open(folder) as store:
        store.gc(NOW)


def repack(folder):
    with Store.open(folder) as store:
        store.repack(NOW)


def remove(folder):
    """Also what an earlier run took the name of, and no more."""
    with Store.open(folder) as store:
        for name in ("base", "gone"):
            try:
                store.remove(name)
            except ObjectNotFoundError:
                store.remove_file(SHA256[name])


def repair(folder):
    with Store.open(folder, damaged=True) as store, Store.open(folder.with_name("twin")) as other:
        store.repair(other, store.verify())


@dataclass(frozen=True)
class Job:
    """A job, what makes it necessary, and what is named when it is done."""

    run: object
    prepare: object = lambda folder: None
    adds: dict[str, bytes] = field(default_factory=dict)
    removes: tuple[str, ...] = ()


def harm(folder):
    """Damage in a base, a manifest, a binding and the configuration."""
    for prefix in ("packs", "files", "names", "weighbridge-store"):
        path = max(objects(folder, prefix) or [folder / prefix], key=lambda path: path.stat().st_size)
        flip(path, 8 * (path.stat().st_size // 2))


JOBS = {
    "pack": Job(pack, adds={f"other {name}": data for name, data in OTHERS.items()}),
    "remove": Job(remove, removes=("base", "gone")),
    "gc": Job(collect, remove, removes=("base", "gone")),
    "repack": Job(repack, remove, removes=("base", "gone")),
    "repair": Job(repair, harm),
}


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """A folder for each job with a store that is ready for it, and an undamaged twin of that."""
    root = tmp_path_factory.mktemp("jobs")
    with pytest.MonkeyPatch.context() as patched, Store.open(root / "twin", create=True) as store:
        patched.setattr(_pack_writer, "PACK_TARGET", 60_000)
        for one in store.add_many(BytesSource(data, name) for name, data in FILES.items()):
            store.bind(one.name, one.sha256)
    for name, job in JOBS.items():
        shutil.copytree(root / "twin", root / name / "store")
        shutil.copytree(root / "twin", root / name / "twin")
        job.prepare(root / name / "store")
    return root


def ensure_kept(folder, files):
    """Every file is there, bit for bit, under its name, and nothing is damaged."""
    with Store.open(folder) as store:
        result = store.verify(VerifyOptions(files=True))
        assert result.ok, result.damage
        names = store.names()
        for name, data in files.items():
            assert b"".join(store.file(names[name]).iter_range()) == data


def ensure_clean(folder):
    """After a collection nothing is left but what is needed, once, and what was half-written goes after a day."""
    old = time.time() - 2 * 24 * 3600
    for path in (folder / "tmp").glob("*"):
        os.utime(path, (old, old))
    with Store.open(folder) as store:
        for _ in range(2):
            store.gc(NOW)
        packs = Packs()
        packs.read(store._backend, store._pool)
        held = [entry for entries in packs.entries.values() for entry in entries if not _gc._may_be_salt(entry)]
        references = {base for entry in held for base in entry.references}
        assert {entry.digest for entry in held} == needed(store._backend) | references
    assert not [path for name in ("tmp", "holds") for path in (folder / name).rglob("*") if path.is_file()]


def goes_through(job, folder, disk, fault, room):
    """Whether the job is done after so many writes. A failure says what the system said."""
    disk.fail(fault, room)
    told = None
    try:
        job.run(folder)
    except EXPECTED[fault] as error:
        told = str(error)
    finally:
        disk.mend()
    assert told is None or fault is Killed or os.strerror(fault) in told
    return told is None


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", JOBS)
def test_a_disk_that_fails_at_any_write_loses_nothing_and_the_next_run_goes_through(
    stores, disk, tmp_path, name, fault
):
    job = JOBS[name]
    kept = {file: data for file, data in FILES.items() if file not in job.removes}
    room, done = 0, False
    while not done:
        place = tmp_path / str(room)
        shutil.copytree(stores / name, place)
        done = goes_through(job, place / "store", disk, fault, room)
        if name != "repair":
            ensure_kept(place / "store", kept)
        if fault is not Killed:
            assert not list((place / "store" / "tmp").glob("*"))
        job.run(place / "store")
        ensure_clean(place / "store")
        ensure_kept(place / "store", kept | job.adds)
        room += 1
    assert room > 2 or (name, fault) == ("remove", errno.ENOSPC)  # which needs no room


def test_a_collection_makes_room_before_it_asks_for_more(stores, disk, tmp_path):
    """One write goes well: the mark of a pack that goes as a whole. Rewriting others waits until there is room."""
    shutil.copytree(stores / "gc", tmp_path / "gc")
    with Store.open(tmp_path / "gc" / "store") as store:
        store.add_many(BytesSource(data) for data in OTHERS.values())
        for data in OTHERS.values():
            store.remove_file(hashlib.sha256(data).hexdigest())
        planned = store.gc(GcOptions(grace=0, waste=0, dry_run=True))
        before = sum(path.stat().st_size for path in objects(tmp_path / "gc" / "store", "packs"))
        disk.fail(errno.ENOSPC, 1)
        with pytest.raises(StorageFullError):
            store.gc(NOW)
        assert sum(path.stat().st_size for path in objects(tmp_path / "gc" / "store", "packs")) < before
        disk.mend()
        assert 1 < store.gc(NOW).deleted.packs < planned.condemned.packs
