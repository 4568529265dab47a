"""Sources give exactly what was asked for, or say why not."""

import os
import threading

import pytest

from weighbridge.errors import FileChangedError, PathNotFoundError, TruncatedError, UsageError
from weighbridge.tensors import BytesSource, FileSource, SliceSource

DATA = bytes(range(256)) * 16


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "data.bin"
    file.write_bytes(DATA)
    return file


def _sources(path):
    padded = BytesSource(b"xx" + DATA + b"yy")
    return [FileSource(path), BytesSource(DATA), SliceSource(padded, 2, len(DATA))]


def test_every_source_reads_the_same(path):
    for source in _sources(path):
        assert source.size == len(DATA)
        assert source.read_at(0, source.size) == DATA
        assert source.read_at(300, 7) == DATA[300:307]
        assert source.read_at(source.size, 0) == b""


@pytest.mark.parametrize(("offset", "length"), [(0, len(DATA) + 1), (len(DATA), 1), (-1, 2), (3, -1), (1 << 70, 1)])
def test_reading_outside_is_told_not_shortened(path, offset, length):
    for source in _sources(path):
        with pytest.raises(TruncatedError, match="there are only"):
            source.read_at(offset, length)


def test_a_slice_outside_its_parent_cannot_be_made():
    with pytest.raises(TruncatedError):
        SliceSource(BytesSource(DATA), 10, len(DATA))


def test_a_file_that_is_cut_while_read_is_an_error_not_a_crash(path):
    source = FileSource(path)
    os.truncate(path, 100)
    with pytest.raises(FileChangedError, match="now ends at"):
        source.read_at(0, len(DATA))


def test_a_file_that_is_rewritten_while_read_is_an_error(path):
    source = FileSource(path)
    path.write_bytes(DATA[::-1])
    os.utime(path, ns=(1, 1))
    with pytest.raises(FileChangedError, match="written to"):
        source.read_at(0, 10)


def _note_error(path, outcome):
    try:
        FileSource(path)
    except UsageError as error:
        outcome.append(error)


def test_what_is_not_a_regular_file_is_refused_at_once(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    outcome: list[Exception] = []
    worker = threading.Thread(target=_note_error, args=(pipe, outcome), daemon=True)
    worker.start()
    worker.join(5)
    assert [type(error) for error in outcome] == [UsageError], "opening a named pipe must not wait for a writer"
    with pytest.raises((UsageError, PathNotFoundError)):
        FileSource(tmp_path)


@pytest.mark.parametrize("name", ["missing.bin", "nul\0byte"])
def test_a_file_that_cannot_be_opened_is_named(tmp_path, name):
    with pytest.raises(PathNotFoundError):
        FileSource(tmp_path / name)
