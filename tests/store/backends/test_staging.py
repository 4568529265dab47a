"""Staged files: a living writer's is never swept, whatever the clock says; a dead one's is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from weighbridge.store.backends import _staging, local
from weighbridge.store.backends._staging import staged, sweep

YEAR = 365 * 24 * 3600

WRITER = """
import sys, time
from pathlib import Path
from weighbridge.store.backends._staging import staged
with staged(Path(sys.argv[1]), [b"half", b"", b"of a pack"]) as path:
    print(path.name, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def writer(tmp_path):
    """A process that has staged a file, and that file."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        yield process, tmp_path / process.stdout.readline().strip()
        process.kill()


def test_a_clock_that_jumps_ahead_does_not_take_a_living_writers_file(writer, tmp_path, monkeypatch):
    process, path = writer
    now = time.time
    monkeypatch.setattr(_staging.time, "time", lambda: now() + YEAR)
    sweep(tmp_path)
    assert path.read_bytes() == b"halfof a pack"
    process.send_signal(signal.SIGKILL)
    process.wait()
    sweep(tmp_path)
    assert not path.exists()


def test_a_clock_that_jumps_back_takes_nothing(writer, tmp_path, monkeypatch):
    process, path = writer
    process.send_signal(signal.SIGKILL)
    process.wait()
    now = time.time
    monkeypatch.setattr(_staging.time, "time", lambda: now() - YEAR)
    sweep(tmp_path)
    assert path.exists()


def test_a_young_file_is_left_also_where_nobody_locks_it(tmp_path):
    young, old = tmp_path / "young", tmp_path / "old"
    for path in (young, old):
        path.write_bytes(b"x")
    os.utime(old, (time.time() - YEAR,) * 2)
    sweep(tmp_path)
    assert (young.exists(), old.exists()) == (True, False)


def test_a_file_swept_before_it_was_locked_is_made_again(tmp_path, monkeypatch):
    real, taken = _staging.fcntl.flock, []

    def flock(descriptor, operation):
        if not taken:
            (path,) = tmp_path.iterdir()
            path.unlink()
            taken.append(path)
        return real(descriptor, operation)

    monkeypatch.setattr(_staging.fcntl, "flock", flock)
    with staged(tmp_path, [b"x"]) as path:
        assert path != taken[0]
        assert path.read_bytes() == b"x"
    assert list(tmp_path.iterdir()) == []


def test_nothing_staged_is_left_where_the_name_was_taken_or_the_write_failed(tmp_path, monkeypatch):
    backend = local.connect(str(tmp_path / "store"), create=True)
    assert backend.put("files/aa/x", [b"1"])
    assert not backend.put("files/aa/x", [b"2"])
    monkeypatch.setattr(local, "_sync", lambda _path: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    with pytest.raises(Exception, match="Input/output error"):
        backend.put("files/aa/y", [b"3"])
    assert list((tmp_path / "store" / "tmp").iterdir()) == []
    assert backend.get("files/aa/x") == b"1"


def test_what_is_synced_before_an_object_counts_as_written(tmp_path, monkeypatch):
    """The content before the name, the name's folder after it, and folders that are new from the inside out."""
    backend = local.connect(str(tmp_path / "store"), create=True)
    order = []
    real_fsync, real_link = os.fsync, os.link
    monkeypatch.setattr(
        os, "fsync", lambda fd: (order.append(str(Path(f"/proc/self/fd/{fd}").readlink())), real_fsync(fd))
    )
    monkeypatch.setattr(os, "link", lambda *a, **k: (order.append("link"), real_link(*a, **k)))
    backend.put("packs/aa/x", [b"1"])
    root = str(tmp_path / "store")
    assert order[0].startswith(f"{root}/tmp/")
    assert order[1:] == ["link", f"{root}/packs/aa", f"{root}/packs", root]
