"""safetensors, GGUF, .npy and .npz: whatever is written comes back, and no damage ends in anything but our errors."""

import io
import struct

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
from gguf import GGMLQuantizationType, GGUFWriter, quants
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import weighbridge as wb
from weighbridge.errors import WeighbridgeError
from weighbridge.formats import index, sniff
from weighbridge.formats.safetensors import write
from weighbridge.tensors import BytesSource, FileSource

PLAIN = ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?", "c8"]
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(lambda n: n != "__metadata__")
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)


@st.composite
def raw_arrays(draw, kinds=PLAIN, byteorders="<"):
    """Any bits in any shape: NaN payloads and negative zeros included."""
    kind = draw(st.sampled_from(kinds))
    dtype = np.dtype(kind).newbyteorder(draw(st.sampled_from(byteorders)))
    shape = draw(SHAPES)
    size = int(np.prod(shape)) * dtype.itemsize
    data = draw(st.binary(min_size=size, max_size=size))
    if kind == "?":
        data = bytes(byte & 1 for byte in data)
    return np.frombuffer(data, dtype).reshape(shape)


def same_bits(got, expected):
    little = expected.astype(expected.dtype.newbyteorder("<"))
    return got.shape == expected.shape and got.tobytes() == little.tobytes()


@given(tensors=st.dictionaries(NAMES, raw_arrays(), max_size=5), metadata=st.dictionaries(NAMES, st.text(max_size=9)))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_safetensors_round_trip(tmp_path, tensors, metadata):
    assume(all(text.isprintable() or text.encode("utf-8", "replace") for text in metadata.values()))
    metadata = {key: value.encode("utf-8", "replace").decode() for key, value in metadata.items()}
    path = tmp_path / "t.safetensors"
    write(path, tensors, metadata)
    peer = dict(safetensors.deserialize(path.read_bytes()))
    assert peer.keys() == tensors.keys()
    with FileSource(path) as source:
        found = index(source)
        model = wb.open({"t.safetensors": source})
        assert list(model) == list(tensors)
        assert dict(found.metadata) == metadata
        for name, array in tensors.items():
            assert same_bits(model[name].numpy(), array)
            assert model[name].read_bytes() == bytes(peer[name]["data"])


@given(bits=st.lists(st.integers(0, 65535), max_size=20), kind=st.sampled_from(["bfloat16", "float8_e4m3fn"]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_narrow_floats_round_trip_in_every_bit(tmp_path, bits, kind):
    dtype = np.dtype(getattr(ml_dtypes, kind))
    array = np.array(bits, np.uint16).astype(f"u{dtype.itemsize}").view(dtype)
    write(tmp_path / "t.safetensors", {"t": array})
    with FileSource(tmp_path / "t.safetensors") as source:
        assert same_bits(wb.open({"t.safetensors": source})["t"].numpy(), array)


@given(array=raw_arrays(byteorders="<>"), fortran=st.booleans(), step=st.integers(1, 99))
@settings(max_examples=80, deadline=None)
def test_npy_round_trip(array, fortran, step):
    out = io.BytesIO()
    array = np.asfortranarray(array) if fortran else array
    np.save(out, array)
    tensor = wb.open({"folder/a.npy": BytesSource(out.getvalue())})["folder/a"]
    assert same_bits(tensor.numpy(), array)
    pieces = list(tensor.chunks(step))
    assert (
        b"".join(piece.tobytes() for piece in pieces) == tensor.read_bytes() == np.ascontiguousarray(tensor).tobytes()
    )


@given(
    arrays=st.dictionaries(st.from_regex(r"\A[a-z]{1,8}\Z"), raw_arrays(byteorders="<>"), min_size=1, max_size=4),
    save=st.sampled_from([np.savez, np.savez_compressed]),
)
@settings(max_examples=60, deadline=None)
def test_npz_round_trip(arrays, save):
    assume("file" not in arrays)
    out = io.BytesIO()
    save(out, **arrays)
    model = wb.open({"a.npz": BytesSource(out.getvalue())})
    assert model.keys() == arrays.keys()
    assert all(same_bits(model[name].numpy(), array) for name, array in arrays.items())


@given(rows=st.integers(1, 4), blocks=st.integers(1, 3), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_gguf_round_trip(tmp_path, rows, blocks, seed):
    values = np.random.default_rng(seed).normal(size=(rows, 32 * blocks)).astype(np.float32)
    packed = {kind: quants.quantize(values, kind) for kind in (GGMLQuantizationType.Q8_0, GGMLQuantizationType.Q4_0)}
    path = tmp_path / "t.gguf"
    gguf_file(path, values, packed)
    with FileSource(path) as source:
        model = wb.open({"t.gguf": source})
        assert same_bits(model["plain"].numpy(), values)
        for kind, raw in packed.items():
            assert np.array_equal(model[kind.name].numpy(), quants.dequantize(raw, kind))
            assert model[kind.name].read_bytes() == raw.tobytes()
            pieces = np.concatenate(list(model[kind.name].chunks(50)))
            assert np.array_equal(pieces, model[kind.name].numpy().ravel())


def gguf_file(path, values, packed):
    writer = GGUFWriter(str(path), "test")
    writer.add_string("general.name", "tiny")
    writer.add_array("tokens", [f"token{n}" for n in range(30)])
    writer.add_tensor("plain", values)
    for kind, raw in packed.items():
        writer.add_tensor(kind.name, raw, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture(scope="module")
def real_files(tmp_path_factory):
    """One file of each format as its own library writes it."""
    folder = tmp_path_factory.mktemp("real")
    rng = np.random.default_rng(5)
    arrays = {"a": rng.normal(size=(4, 8)).astype(np.float32), "b": np.arange(9, dtype=np.int16), "c": np.array(1.5)}
    safetensors.numpy.save_file(arrays, folder / "m.safetensors", {"format": "np"})
    np.save(folder / "m.npy", np.asfortranarray(arrays["a"]))
    np.savez(folder / "m.npz", **arrays)
    np.savez_compressed(folder / "z.npz", **arrays)
    packed = {GGMLQuantizationType.Q8_0: quants.quantize(np.ones((2, 32), np.float32), GGMLQuantizationType.Q8_0)}
    gguf_file(folder / "m.gguf", arrays["a"], packed)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


NUMBERS = [0, 1, 7, 8, 255, 2**16, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**63, 2**64 - 1]
DAMAGE = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), st.integers(0, 2**20), st.integers(0, 7)),
        st.tuples(st.just("cut"), st.integers(0, 2**20), st.just(0)),
        st.tuples(st.just("drop"), st.integers(0, 2**20), st.integers(1, 40)),
        st.tuples(st.just("insert"), st.integers(0, 2**20), st.binary(min_size=1, max_size=20)),
        st.tuples(st.just("number"), st.integers(0, 2**20), st.sampled_from(NUMBERS)),
        st.tuples(st.just("repeat"), st.integers(0, 2**20), st.integers(1, 200)),
    ),
    min_size=1,
    max_size=4,
)


def told(error):
    """An error says something, and nothing that a terminal would obey."""
    assert error.message
    assert str(error).isprintable()


def damaged(data, steps):
    raw = bytearray(data)
    for kind, place, how in steps:
        at = place % max(1, min(len(raw), 700))  # headers are where lies matter
        if kind == "flip" and raw:
            raw[at] ^= 1 << how
        elif kind == "cut":
            del raw[place % (len(raw) + 1) :]
        elif kind == "drop":
            del raw[at : at + how]
        elif kind == "insert":
            raw[at:at] = how
        elif kind == "number":
            raw[at : at + 8] = struct.pack("<Q", how)
        elif kind == "repeat":
            raw[at:at] = raw[at : at + how]
    return bytes(raw)


@pytest.mark.parametrize("which", ["m.safetensors", "m.gguf", "m.npy", "m.npz", "z.npz"])
@given(steps=DAMAGE)
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_ends_in_our_errors_or_in_arrays_no_larger_than_it_could_hold(real_files, which, steps):
    data = damaged(real_files[which], steps)
    source = BytesSource(data, which)
    sniff(source)
    try:
        model = wb.open({which: source}, allow_unsafe=True)
    except WeighbridgeError as error:
        told(error)
        return
    for tensor in model.values():
        try:
            values = tensor.numpy()
        except WeighbridgeError as error:
            told(error)
            continue
        assert values.shape == tensor.shape
        assert tensor.nbytes <= 1032 * len(data)
    for found in model.files.values():
        ends = [0, *(extent.end for extent in found.extents)]
        begins = [*(extent.offset for extent in found.extents), len(data)]
        assert all(end <= begin for end, begin in zip(ends, begins, strict=True))


MAGICS = [b"", b"GGUF\3\0\0\0", b"\x93NUMPY\1\0", b"PK\3\4", b'\x10\0\0\0\0\0\0\0{"']


@given(data=st.binary(max_size=300), magic=st.sampled_from(MAGICS))
@settings(max_examples=300, deadline=None)
def test_any_bytes_at_all_end_in_our_errors_or_in_a_checkpoint(data, magic):
    try:
        wb.open({"any.bin": BytesSource(magic + data)}, allow_unsafe=True)
    except WeighbridgeError as error:
        told(error)
