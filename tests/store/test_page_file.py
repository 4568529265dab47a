"""Files written past the page cache hold what was written, whatever its length, and on every file system."""

from __future__ import annotations

import errno
import os
from itertools import pairwise

import pytest

from weighbridge.errors import StorageFullError
from weighbridge.store import page_file
from weighbridge.store.backends.local import LocalBackend
from weighbridge.store.page_file import DIRECT_LEAST, PAGE, PageFile, page_memory, write_parts

LENGTHS = [0, 1, PAGE - 1, PAGE, PAGE + 1, DIRECT_LEAST, DIRECT_LEAST + 5, 2 * DIRECT_LEAST + PAGE + 1]


@pytest.mark.parametrize("length", LENGTHS)
def test_a_file_holds_its_parts_joined(tmp_path, length):
    data = os.urandom(length)
    cuts = [0, length // 3, length // 3, length - length // 7, length]
    write_parts(tmp_path / "file", [data[a:b] for a, b in pairwise(cuts)])
    assert (tmp_path / "file").read_bytes() == data


def test_a_file_that_exists_is_not_touched(tmp_path):
    (tmp_path / "file").write_bytes(b"kept")
    with pytest.raises(FileExistsError):
        PageFile(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"kept"


def test_a_file_system_without_direct_writes_is_written_as_usual(tmp_path, monkeypatch):
    real = os.open

    def refuse(path, flags, mode=0o777):
        descriptor = real(path, flags & ~os.O_DIRECT, mode)
        if flags & os.O_DIRECT:  # as some do: the file is there, and the call fails all the same
            os.close(descriptor)
            raise OSError(errno.EINVAL, "Invalid argument")
        return descriptor

    monkeypatch.setattr(page_file.os, "open", refuse)
    write_parts(tmp_path / "file", [b"a" * 10_000])
    assert (tmp_path / "file").read_bytes() == b"a" * 10_000


def test_a_disk_that_wants_larger_pages_gets_usual_writes(tmp_path, monkeypatch):
    real, refused = os.pwrite, []

    def pwrite(descriptor, data, offset):
        if not refused:
            refused.append(offset)
            raise OSError(errno.EINVAL, "Invalid argument")
        return real(descriptor, data, offset)

    monkeypatch.setattr(page_file.os, "pwrite", pwrite)
    write_parts(tmp_path / "file", [b"b" * 10_000])
    assert refused == [0]
    assert (tmp_path / "file").read_bytes() == b"b" * 10_000


def test_writes_that_take_only_a_part_go_on_from_there(tmp_path, monkeypatch):
    real = os.pwrite
    monkeypatch.setattr(page_file.os, "pwrite", lambda fd, data, at: real(fd, data[: max(1, len(data) // 2 - 3)], at))
    data = os.urandom(3 * PAGE + 17)
    write_parts(tmp_path / "file", [data])
    assert (tmp_path / "file").read_bytes() == data


def test_page_memory_begins_at_a_page_and_is_written_without_a_copy(tmp_path):
    memory = page_memory(3 * PAGE)
    memory[:] = b"c" * len(memory)
    with PageFile(tmp_path / "file") as file:
        file.write_pages(memory[:PAGE])
        file.write_pages(memory[PAGE:])
        file.finish(b"tail")
    assert (tmp_path / "file").read_bytes() == b"c" * 3 * PAGE + b"tail"


def test_a_large_object_that_finds_no_room_leaves_nothing(folder, monkeypatch):
    folder.mkdir()
    backend = LocalBackend(folder)

    def full(descriptor, data, offset):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(page_file.os, "pwrite", full)
    with pytest.raises(StorageFullError):
        backend.put("packs/00/large.pack", [bytes(DIRECT_LEAST)])
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_a_large_object_is_read_back_in_ranges(folder):
    folder.mkdir()
    backend = LocalBackend(folder)
    data = os.urandom(DIRECT_LEAST + 100)
    assert backend.put("packs/00/large.pack", [data[:5], data[5:]])
    assert not backend.put("packs/00/large.pack", [b"other" * DIRECT_LEAST])
    assert backend.get("packs/00/large.pack") == data
    assert backend.get_range("packs/00/large.pack", DIRECT_LEAST, 200) == data[-100:]
    assert backend.get_range("packs/00/large.pack", len(data) + 1, 200) == b""
