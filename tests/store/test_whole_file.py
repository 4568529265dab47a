"""A whole file is written fast: bit for bit, or not at all, with the damage named."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

from weighbridge.errors import CorruptError
from weighbridge.store import Store, _pack_writer, _whole_file, codecs, page_file
from weighbridge.store.page_file import DIRECT_LEAST
from weighbridge.tensors import BytesSource


@pytest.fixture
def large(make):
    """Two tensors of many blocks between small things, an odd length in all, and more than a window."""
    return make.safetensors(
        {
            "a": make.weights(2_500_000, 1),
            "small": make.weights(100, 2),
            "b": make.weights(900_001, 3, "float16"),
            "counts": np.arange(50_001, dtype=np.int64),
            "text": np.frombuffer(os.urandom(1_000_003), np.int8),
        }
    )


def packs_of(folder):
    return sorted((folder / "packs").rglob("*.pack"))


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("window", [1 << 20, 3 << 20, 64 << 20])
def test_a_large_file_comes_back_bit_for_bit(store, large, tmp_path, monkeypatch, window):
    monkeypatch.setattr(_whole_file, "WINDOW_BYTES", window)
    assert len(large) > DIRECT_LEAST
    done = []
    store.file(store.add(BytesSource(large)).sha256).save(tmp_path / "out", progress=done.append)
    assert (tmp_path / "out").read_bytes() == large
    assert sum(done) == len(large)


@pytest.mark.parametrize("length", [0, 1, 40_000, DIRECT_LEAST - 1, DIRECT_LEAST, DIRECT_LEAST + 4097])
def test_files_of_every_length_come_back(store, tmp_path, length):
    data = np.random.default_rng(length).bytes(length)
    store.file(store.add(BytesSource(data)).sha256).save(tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == data


def test_a_flipped_bit_in_any_block_is_named_and_never_saved(store, folder, large, tmp_path):
    stored = store.add(BytesSource(large))
    (pack,) = packs_of(folder)
    rng = np.random.default_rng(5)
    footer = 56 * stored.new_blocks + 40
    for at in rng.integers(8, pack.stat().st_size - footer, 12):
        flip(pack, at)
        with Store.open(folder) as damaged, pytest.raises(CorruptError, match=r"block [0-9a-f]{64} of file"):
            damaged.file(stored.sha256).save(tmp_path / f"out{at}")
        flip(pack, at)


def test_a_sound_copy_of_a_damaged_block_is_used(store, folder, large, tmp_path, monkeypatch):
    stored = store.add(BytesSource(large))
    (pack,) = packs_of(folder)
    original = pack.read_bytes()
    pack.unlink()
    monkeypatch.setattr(_pack_writer, "PACK_TARGET", 5_000_000)  # so that the second packs are others
    with Store.open(folder) as again:
        again.add(BytesSource(large))
    pack.write_bytes(original)
    flip(pack, 100_000)
    with Store.open(folder) as both:
        both.file(stored.sha256).save(tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == large


def test_a_decoder_that_gives_other_bytes_is_found_by_the_sha256(store, large, tmp_path, monkeypatch):
    """What no check of a payload can see: here a decoder that errs once."""
    stored = store.add(BytesSource(large))
    real, erred = codecs.decode_into, []

    def decode_into(codec, version, payload, out, references=()):
        real(codec, version, payload, out, references)
        if not erred:
            erred.append(True)
            out[0] ^= 1

    monkeypatch.setattr(codecs, "decode_into", decode_into)
    store.file(stored.sha256).save(tmp_path / "out")
    assert erred
    assert (tmp_path / "out").read_bytes() == large


def test_a_full_disk_ends_it_with_the_system_error(store, large, tmp_path, monkeypatch):
    stored = store.add(BytesSource(large))

    def full(descriptor, data, offset):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(page_file.os, "pwrite", full)
    with pytest.raises(OSError, match="No space"):
        store.file(stored.sha256).save(tmp_path / "out")


def test_what_exists_is_not_overwritten(store, tmp_path, large):
    (tmp_path / "out").write_bytes(b"kept")
    with pytest.raises(FileExistsError):
        store.file(store.add(BytesSource(large)).sha256).save(tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"kept"
