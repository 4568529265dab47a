"""One pass over the data, in bounded memory and time."""

import json
import tracemalloc

import numpy as np
import pytest
from blake3 import blake3

from weighbridge.checks._measure import measure
from weighbridge.errors import FileChangedError, UnsupportedError
from weighbridge.tensors import Extent, TensorInfo, dtype_named


class FakeTensor:
    """A tensor whose chunks a test decides."""

    def __init__(self, info, chunks):
        self.info = info
        self.name = info.name
        self.nbytes = info.nbytes
        self.reads = 0
        self._chunks = chunks

    def chunks(self, max_bytes):
        self.reads += 1
        for chunk in self._chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk


def info(name, shape=(4,), offset=0, extent=Extent(0, 16, dtype_named("F32")), strides=None):  # noqa: B008
    return TensorInfo(name, dtype_named("F32"), shape, extent, offset, strides, file="f")


ONES = np.ones(4, np.float32)


def test_empty_scalar_and_whole_tensors(checkpoint_of):
    arrays = {
        "empty": np.zeros((0, 5), np.float32),
        "scalar": np.array(3.5, np.float32),
        "whole": np.arange(6, dtype=np.int64).reshape(2, 3),
    }
    found = {each.name: each for each in measure(tuple(checkpoint_of(arrays).values())).tensors}
    assert (found["empty"].count, found["empty"].minimum, found["empty"].histogram) == (0, None, None)
    assert (found["scalar"].count, found["scalar"].mean, found["scalar"].constant) == (1, 3.5, False)
    assert (found["whole"].minimum, found["whole"].maximum, found["whole"].zeros) == (0, 5, 1)
    assert found["whole"].digest == f"blake3:{blake3(arrays['whole'].tobytes()).hexdigest()}"


def test_tied_tensors_are_read_once():
    first, second = FakeTensor(info("a"), [ONES]), FakeTensor(info("b"), [ONES])
    found = measure([first, second])
    assert [each.name for each in found.tensors] == ["a", "b"]
    assert first.reads + second.reads == 1


def test_what_cannot_be_decoded_is_told_and_the_rest_is_read():
    broken = FakeTensor(info("a"), [UnsupportedError("IQ1_M cannot be decoded")])
    good = FakeTensor(info("b", offset=4, extent=Extent(64, 32, dtype_named("F32"))), [ONES])
    found = measure([broken, good])
    assert [(each.name, each.code) for each in found.unread] == [("a", "format.unsupported")]
    assert [each.name for each in found.tensors] == ["b"]


def test_a_file_that_changes_ends_the_measurement():
    with pytest.raises(FileChangedError):
        measure([FakeTensor(info("a"), [ONES, FileChangedError("was written to")])])


def test_a_tensor_that_repeats_its_storage_without_end_is_not_read():
    """Stride 0 makes a terabyte of four bytes."""
    endless = FakeTensor(info("a", shape=(2**38,), strides=(0,)), [ONES])
    found = measure([endless])
    assert found.unread[0].code == "format.limit"
    assert endless.reads == 0


def test_many_views_of_one_storage_are_read_a_few_times_only():
    views = [FakeTensor(info(f"v{at}", shape=(2, 2), offset=at, strides=(1, 1)), [ONES]) for at in range(100)]
    found = measure(views)
    assert sum(view.reads for view in views) == 4
    assert len(found.unread) == 96


def test_progress_reaches_the_end():
    calls = []
    measure([FakeTensor(info("a"), [ONES])], lambda done, total: calls.append((done, total)))
    assert calls == [(16, 16)]


def test_memory_stays_at_a_few_chunks(tmp_path):
    """64 MiB of values, read with far less held at any time."""
    from weighbridge.checkpoint import open as open_checkpoint

    path = tmp_path / "big.safetensors"
    nbytes = 64 << 20
    header = json.dumps({"w": {"dtype": "F32", "shape": [nbytes // 4], "data_offsets": [0, nbytes]}}).encode()
    header += b" " * (-len(header) % 8)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + nbytes)
    with open_checkpoint(path) as checkpoint:
        tracemalloc.start()
        found = measure(tuple(checkpoint.values()))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert found.tensors[0].zeros == nbytes // 4
    assert peak < 32 << 20


def test_the_same_values_measure_the_same_in_every_format(tmp_path):
    """Whatever the layout: raw, compressed, column-major, byte-swapped."""
    from weighbridge.checkpoint import open as open_checkpoint
    from weighbridge.formats.safetensors import write

    values = np.random.default_rng(5).standard_normal((300, 200)).astype(np.float32)
    write(tmp_path / "w.safetensors", {"w": values})
    np.save(tmp_path / "w.npy", np.asfortranarray(values))
    np.save(tmp_path / "big-endian.npy", values.astype(">f4"))
    np.savez(tmp_path / "w.npz", w=values)
    np.savez_compressed(tmp_path / "compressed.npz", w=values)
    found = []
    for path in sorted(tmp_path.iterdir()):
        with open_checkpoint(path) as checkpoint:
            found += measure(tuple(checkpoint.values())).tensors
    assert len(found) == 5
    assert len({each.digest for each in found}) == 1
    assert {each.minimum for each in found} == {float(values.min())}
    assert all(each.mean == pytest.approx(values.mean(dtype=np.float64)) for each in found)
