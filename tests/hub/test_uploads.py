"""Content on its way in: verified, staged, packed, and lost at no moment."""

import errno
import hashlib
import io
import os
import subprocess
from pathlib import Path

import pytest

from weighbridge.errors import ForbiddenError, InvalidUploadError, StorageFullError, UnauthenticatedError, UsageError
from weighbridge.hub import ANONYMOUS, Hub

DATA = bytes(range(256)) * 4096
NAME = hashlib.sha256(DATA).hexdigest()


def pieces():
    for start in range(0, len(DATA), 100_000):
        yield DATA[start : start + 100_000]


def staged(hub):
    return sorted(path.name for path in (hub.data / "staging").iterdir())


def test_an_upload_is_packed_and_read_back(hub, ada, model):
    held = hub.uploads.receive(ada, model, pieces(), sha256=NAME, size=len(DATA))
    assert (held.sha256, held.size) == (NAME, len(DATA))
    assert hub.store.has(NAME)
    assert staged(hub) == []
    assert hub.uploads.open(ada, model, NAME).read_at(0, len(DATA)) == DATA


@pytest.mark.parametrize(
    "announced",
    [{"sha256": "0" * 64}, {"size": len(DATA) - 1}, {"size": len(DATA) + 1}, {"sha256": NAME, "size": 0}],
)
def test_an_upload_that_is_not_what_it_claims_leaves_nothing(hub, ada, model, announced):
    with pytest.raises(InvalidUploadError):
        hub.uploads.receive(ada, model, pieces(), **announced)
    assert staged(hub) == []
    assert not hub.store.has(NAME)
    assert not hub.uploads.may_reference(ada, model, NAME)


def test_an_upload_that_is_too_long_is_stopped_where_it_goes_too_far(hub, ada, model):
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield b"x" * 1000

    with pytest.raises(InvalidUploadError, match="more than"):
        hub.uploads.receive(ada, model, endless(), size=5000)
    assert len(taken) == 6


def test_an_upload_that_breaks_off_leaves_nothing(hub, ada, model):
    def broken():
        yield DATA[:1000]
        raise InvalidUploadError("the client is gone")

    with pytest.raises(InvalidUploadError):
        hub.uploads.receive(ada, model, broken())
    assert staged(hub) == []


def test_a_full_disk_is_told_and_leaves_nothing(hub, ada, model, monkeypatch):
    real = Path.open

    class Full(io.RawIOBase):
        def writable(self):
            return True

        def write(self, _data):
            raise OSError(errno.ENOSPC, "No space left on device")

    def opened(path, mode="r", *rest, **more):
        if path.suffix == ".part":
            real(path, mode).close()
            return Full()
        return real(path, mode, *rest, **more)

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(StorageFullError) as told:
        hub.uploads.receive(ada, model, pieces())
    assert told.value.http_status == 507
    monkeypatch.undo()
    assert staged(hub) == []


def test_what_cannot_fit_is_refused_before_it_comes(hub, ada, model):
    def never():
        raise AssertionError("the upload was begun")
        yield b""

    with pytest.raises(StorageFullError, match=r"does not fit: .* of which .* stay so"):
        hub.uploads.receive(ada, model, never(), size=1 << 60)


@pytest.mark.parametrize("sha256", ["", "x", "A" * 64, "../" * 21 + "x"])
def test_a_name_that_is_no_sha256_is_refused(hub, ada, model, sha256):
    with pytest.raises(UsageError):
        hub.uploads.receive(ada, model, pieces(), sha256=sha256)


def test_only_who_may_write_uploads(hub, bob, model):
    with pytest.raises(UnauthenticatedError):
        hub.uploads.receive(ANONYMOUS, model, pieces())
    with pytest.raises(ForbiddenError):
        hub.uploads.receive(bob, model, pieces())
    assert staged(hub) == []


def test_what_the_hub_does_not_hold_cannot_be_granted(hub, ada, model):
    with pytest.raises(InvalidUploadError):
        hub.uploads.grant(ada, model, "0" * 64, 1)


def test_an_upload_can_be_used_before_it_is_packed(hub, ada, model, monkeypatch):
    monkeypatch.setattr("weighbridge.hub.objects.PACKING_PATIENCE", 0.0)
    monkeypatch.setattr(hub.objects, "_pack", lambda sha256: None)
    hub.uploads.receive(ada, model, pieces())
    assert staged(hub) == [NAME]
    assert hub.uploads.unpacked() == 1
    assert not hub.store.has(NAME)
    file = hub.uploads.open(ada, model, NAME)
    assert b"".join(file.iter_range(10, len(DATA))) == DATA[10:]


def test_what_was_acknowledged_is_packed_by_the_next_process(hub, ada, model, monkeypatch):
    monkeypatch.setattr("weighbridge.hub.objects.PACKING_PATIENCE", 0.0)
    monkeypatch.setattr(hub.objects, "_pack", lambda sha256: None)
    hub.uploads.receive(ada, model, pieces())
    dead = subprocess.Popen(["true"])
    dead.wait()
    for process in (dead.pid, os.getpid(), 1, "x"):
        (hub.data / "staging" / f"{process}-2-3.part").write_bytes(b"half")
    with Hub.open(hub.data) as later:
        later.objects.start()
        assert later.objects.settle(20)
        assert later.store.has(NAME)
        assert later.uploads.open(ada, model, NAME).read_at(0, len(DATA)) == DATA
        assert staged(later) == ["1-2-3.part"], "only what a living process may still write to is kept"


def test_a_store_that_is_full_keeps_the_upload_staged(hub, ada, model, monkeypatch, caplog):
    monkeypatch.setattr("weighbridge.hub.objects.PACKING_PATIENCE", 0.2)

    def full(*_):
        raise StorageFullError("no space is left")

    monkeypatch.setattr(hub.store, "add", full)
    hub.uploads.receive(ada, model, pieces())
    assert staged(hub) == [NAME]
    assert "cannot pack" in caplog.text
    assert hub.uploads.open(ada, model, NAME).read_at(0, 10) == DATA[:10]
