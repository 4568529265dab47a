"""A tensor costs nothing until it is asked for, then exactly its own bytes."""

import pickle
import struct

import gguf
import ml_dtypes
import numpy as np
import pytest

import weighbridge as wb
from weighbridge.errors import FileChangedError, PathNotFoundError, UsageError
from weighbridge.formats.safetensors import write
from weighbridge.tensors import BytesSource, FileSource


def npy(array):
    import io

    out = io.BytesIO()
    np.save(out, array)
    return BytesSource(out.getvalue(), "t.npy")


def only(source):
    return next(iter(wb.open({"t.npy": source}).values()))


def test_opening_ten_gigabytes_costs_the_header(tmp_path, counting):
    header = b'{"big":{"dtype":"F32","shape":[2684354560],"data_offsets":[0,10737418240]}}'
    with (tmp_path / "big.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + 10 * 2**30)  # sparse: takes no room
    with FileSource(tmp_path / "big.safetensors") as file:
        source = counting(file)
        big = wb.open({"big.safetensors": source})["big"]
        assert big.nbytes == 10 * 2**30
        assert repr(big) == "<Tensor 'big' F32 [2684354560]>"
        assert source.total < 10_000
        first = next(big.chunks(1 << 20))
    assert first.shape == (1 << 18,)
    assert source.total < 10_000 + (1 << 20)


def test_reading_one_tensor_reads_its_bytes_and_no_others(tmp_path, filled, counting):
    write(tmp_path / "m.safetensors", filled("a", "b", "c", shape=(100, 10)))
    with FileSource(tmp_path / "m.safetensors") as file:
        source = counting(file)
        tensor = wb.open({"m.safetensors": source})["b"]
        source.reads.clear()
        tensor.numpy()
    assert source.reads == [(tensor.info.extent.offset, 4000)]


def test_an_array_is_read_only_and_numpy_takes_the_tensor_itself(tmp_path, filled):
    write(tmp_path / "m.safetensors", filled("a", "b"))
    tensor = wb.open(tmp_path)["b"]
    with pytest.raises(ValueError, match="read-only"):
        tensor.numpy()[0, 0] = 5
    assert np.asarray(tensor).sum() == 6
    assert np.array(tensor, dtype=np.float64).dtype == np.float64
    assert (tensor.dtype.name, tensor.shape, tensor.nbytes) == ("F32", (2, 3), 24)


@pytest.mark.parametrize("max_bytes", [1, 7, 64, 1 << 20])
@pytest.mark.parametrize("order", ["C", "F"])
def test_chunks_are_the_values_in_order_and_no_larger_than_asked(order, max_bytes):
    array = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    pieces = list(only(npy(np.array(array, order=order))).chunks(max_bytes))
    assert np.array_equal(np.concatenate(pieces), array.ravel())
    assert all(piece.ndim == 1 and piece.nbytes <= max(4, max_bytes) for piece in pieces)


def _torch(legacy):
    def save(path, array):
        import torch

        torch.save({"t": torch.from_numpy(array)}, path, _use_new_zipfile_serialization=not legacy)

    return save


def _pickle(path, array):
    path.write_bytes(pickle.dumps({"t": array}))


def _gguf(path, array):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tensor("t", array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


SAVERS = {
    "safetensors": lambda path, array: write(path, {"t": array}),
    "npy": lambda path, array: path.open("wb").write(npy(array).read_at(0, npy(array).size)),
    "npz": lambda path, array: np.savez(path.open("wb"), t=array),
    "npz-compressed": lambda path, array: np.savez_compressed(path.open("wb"), t=array),
    "torch-zip": _torch(legacy=False),
    "torch-legacy": _torch(legacy=True),
    "pickle": _pickle,
    "gguf": _gguf,
}


@pytest.mark.parametrize("save", SAVERS.values(), ids=SAVERS)
@pytest.mark.parametrize("max_bytes", [16, 1 << 20])
def test_chunks_are_flat_in_every_format(tmp_path, save, max_bytes):
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    save(tmp_path / "file", array)
    with wb.open(tmp_path / "file") as model:
        pieces = list(next(iter(model.values())).chunks(max_bytes))
    assert [piece.ndim for piece in pieces] == [1] * len(pieces)
    assert np.array_equal(np.concatenate(pieces), array.ravel())


def test_chunks_of_nothing_are_none_and_of_a_scalar_one():
    assert list(only(npy(np.zeros((0, 4)))).chunks()) == []
    assert [piece.tolist() for piece in only(npy(np.array(5.0))).chunks()] == [[5.0]]
    with pytest.raises(UsageError):
        next(only(npy(np.zeros(3))).chunks(0))


@pytest.mark.parametrize("kind", ["<f4", ">f4", "<c8", ">c8", ">i2", "|u1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_bytes_of_a_tensor_do_not_depend_on_how_it_lies_in_its_file(kind, order):
    array = np.arange(12).reshape(3, 4).astype(kind)
    got = only(npy(np.array(array, order=order))).read_bytes()
    assert got == array.astype(array.dtype.newbyteorder("<")).tobytes()


def test_bfloat16_and_fp8_come_as_the_types_of_ml_dtypes(tmp_path):
    arrays = {
        "brain": np.array([1.5, -2.0], ml_dtypes.bfloat16),
        "eight": np.array([0.5, 448.0], ml_dtypes.float8_e4m3fn),
    }
    write(tmp_path / "m.safetensors", arrays)
    model = wb.open(tmp_path)
    for name, array in arrays.items():
        assert model[name].numpy().dtype == array.dtype
        assert np.array_equal(model[name].numpy(), array)


def test_a_checkpoint_can_be_written_again_bit_for_bit(tmp_path, filled):
    write(tmp_path / "one.safetensors", filled("x", "y"), {"k": "v"})
    model = wb.open(tmp_path / "one.safetensors")
    write(tmp_path / "two.safetensors", model, {"k": "v"})
    assert (tmp_path / "two.safetensors").read_bytes() == (tmp_path / "one.safetensors").read_bytes()


def test_a_file_that_changes_after_it_was_opened_is_told(tmp_path, filled):
    path = tmp_path / "m.safetensors"
    write(path, filled("a"))
    tensor = wb.open(path)["a"]
    with path.open("r+b") as file:
        file.seek(-4, 2)
        file.write(b"evil")
    with pytest.raises(FileChangedError, match="written to"):
        tensor.numpy()


def test_a_file_that_is_cut_short_after_it_was_opened_is_told(tmp_path, filled):
    path = tmp_path / "m.safetensors"
    write(path, filled("a", shape=(1000, 1000)))
    tensor = wb.open(path)["a"]
    with path.open("r+b") as file:
        file.truncate(2_000_000)
    with pytest.raises(FileChangedError, match="now ends at 2,000,000"):
        tensor.numpy()


def test_a_file_that_is_replaced_between_two_readings_is_told(tmp_path, filled):
    path = tmp_path / "m.safetensors"
    write(path, filled("a"))
    with wb.open(path) as model:
        assert model["a"].numpy().sum() == 0
    write(path, filled("b", "a"))
    with pytest.raises(FileChangedError, match="replaced or written"):
        model["a"].numpy()
    path.unlink()
    model.close()
    with pytest.raises(PathNotFoundError):
        model["a"].numpy()


def test_hundreds_of_files_need_few_open_ones(tmp_path, filled):
    import resource

    for number in range(150):
        write(tmp_path / f"part{number:03d}.safetensors", filled(f"t{number}"))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (120, hard))
    try:
        model = wb.open(tmp_path)
        assert sum(float(tensor.numpy().sum()) for tensor in model.values()) == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(model) == 150
    assert model.broken == {}
