"""A full disk, a disk that may not be written, writes that fail: a clear error, and nothing half-visible."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress

import pytest

from weighbridge.errors import StorageFullError, StoreError
from weighbridge.store import Store
from weighbridge.store.backends._errors import translate
from weighbridge.store.backends.local import LocalBackend
from weighbridge.tensors import BytesSource

LIMITED = """
import resource, signal, sys
import numpy as np
from weighbridge.errors import StorageFullError
from weighbridge.store import Store
from weighbridge.tensors import BytesSource
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
with Store.open(sys.argv[1]) as store:
    try:
        store.add(BytesSource(np.random.default_rng(9).bytes(3_000_000)))
    except StorageFullError as error:
        print("full:", error)
"""


def leftovers(folder):
    return [path for path in (folder / "tmp").rglob("*") if path.is_file()]


def test_a_pack_that_may_not_grow_is_told_and_leaves_nothing(store, folder, make):
    kept = store.add(BytesSource(make.weights(50_000).tobytes()))
    done = subprocess.run([sys.executable, "-c", LIMITED, str(folder)], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("full: packs/"), done.stderr
    assert leftovers(folder) == []
    assert store.verify().ok
    assert (store.stat().files, store.has(kept.sha256)) == (1, True)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 6 MB, where the tests may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_told_and_what_was_stored_stays(small_disk, make):
    with Store.open(small_disk / "store", create=True) as store:
        kept = store.add(BytesSource(make.weights(200_000).tobytes()))
        with pytest.raises(StorageFullError):
            store.add_many(BytesSource(make.weights(200_000, seed).tobytes()) for seed in range(1, 30))
        assert leftovers(small_disk / "store") == []
        assert store.verify().ok
        assert store.file(kept.sha256).read_at(0, kept.size) == make.weights(200_000).tobytes()


def test_a_disk_without_room_for_an_index_can_still_be_read(small_disk, make):
    data = make.weights(200_000).tobytes()
    with Store.open(small_disk / "store", create=True) as store:
        store.add(BytesSource(data))
    shutil.rmtree(small_disk / "store" / "index")
    with suppress(OSError), (small_disk / "ballast").open("wb", buffering=0) as ballast:
        while True:
            ballast.write(bytes(4096))
    with Store.open(small_disk / "store") as store:
        assert store.file(make.sha256(data)).read_at(0, len(data)) == data
        assert store.verify().ok


@pytest.fixture
def read_only(folder, make):
    """A store on a file system that may not be written."""
    with Store.open(folder, create=True) as store:
        store.add(BytesSource(make.weights(50_000).tobytes()))
    bind = ["mount", "--bind", str(folder), str(folder)]
    lock = ["mount", "-o", "remount,ro,bind", str(folder)]
    if shutil.which("mount") is None or subprocess.run(bind, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a file system")
    subprocess.run(lock, check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_read_only_store_can_be_read_and_says_why_it_cannot_be_written(read_only, make):
    data = make.weights(50_000).tobytes()
    with Store.open(read_only) as store:
        assert store.file(make.sha256(data)).read_at(0, len(data)) == data
        assert store.verify().ok
        with pytest.raises(StoreError, match="Read-only"):
            store.add(BytesSource(b"new"))


@pytest.mark.parametrize("failing", range(4))
def test_a_write_that_fails_leaves_a_sound_store(store, folder, make, monkeypatch, failing):
    """The first, second … write fails: the pack's, the hold's, the manifest's, the binding's; later ones go through."""
    writes = []
    real = LocalBackend.put

    def put(self, key, parts, *, replace=False):
        writes.append(key)
        if len(writes) == failing + 1:
            raise translate(OSError(28, os.strerror(28)), key)
        return real(self, key, parts, replace=replace)

    monkeypatch.setattr(LocalBackend, "put", put)
    data = make.weights(50_000).tobytes()
    with pytest.raises(StorageFullError):
        store.bind("name", store.add(BytesSource(data)).sha256)
    assert store.verify().ok
    store.bind("name", store.add(BytesSource(data)).sha256)
    assert store.file(store.resolve("name")).read_at(0, len(data)) == data
    assert store.verify().ok
    assert leftovers(folder) == []


def test_errors_of_the_system_become_ours():
    assert isinstance(translate(OSError(28, "x"), "k"), StorageFullError)
    assert isinstance(translate(Exception("No space left on device (os error 28)"), "k"), StorageFullError)
    assert "Permission denied" in str(translate(Exception("x (os error 13)"), "k"))
    assert str(translate(Exception("odd\n\nDebug source: …"), "k")) == "k: odd"
