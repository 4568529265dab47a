"""Plain pickles of NumPy arrays, against pickle itself."""

import bz2
import collections
import gzip
import io
import lzma
import pickle
import pickletools
import zlib

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from weighbridge import formats
from weighbridge.errors import LimitError, UnsupportedError
from weighbridge.formats import Verdict
from weighbridge.tensors import BytesSource


def read_all(data: bytes) -> dict[str, np.ndarray]:
    source = BytesSource(data, "arrays.pkl")
    found = formats.sniff(source)
    return {info.name: found.read(source, info) for info in found.index(source).tensors}


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    expected = np.asarray(expected)
    assert found.dtype == expected.dtype.newbyteorder("=")
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)
    assert not found.flags.writeable


ARRAYS = {
    "plain": np.arange(12, dtype="f4").reshape(3, 4),
    "fortran": np.asfortranarray(np.arange(24.0).reshape(2, 3, 4)),
    "view": np.arange(24.0).reshape(4, 6)[::2, 1::2],
    "big-endian": np.arange(5, dtype=">i4"),
    "scalar": np.array(3.5),
    "empty": np.zeros((0, 3), "u1"),
    "bool": np.array([True, False]),
    "complex": np.array([1 + 2j]),
    "bfloat16": np.arange(4).astype(ml_dtypes.bfloat16),
    "float8": np.arange(4).astype(ml_dtypes.float8_e4m3fn),
    "high-bytes": np.frombuffer(bytes(range(256)), "u1"),
    "newlines": np.frombuffer(b"\n\\'\"\r\0" * 900, "u1"),
}


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_come_back_in_every_protocol(protocol):
    values = read_all(pickle.dumps(ARRAYS, protocol))
    assert list(values) == list(ARRAYS)
    for name, expected in ARRAYS.items():
        assert_same(values[name], expected)


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_arrays_that_lie_raw_in_the_stream_have_an_extent(protocol):
    array = np.arange(100_000, dtype="f4")
    data = pickle.dumps({"layer": {"w": array, "again": array}}, protocol)
    index = formats.index(BytesSource(data))
    first, second = index.tensors
    assert (first.name, second.name) == ("layer.w", "layer.again")
    assert first.extent == second.extent
    assert data[first.extent.offset : first.extent.end] == array.tobytes()
    assert index.extents == (first.extent,)


def test_protocols_before_3_spell_bytes_as_text_and_have_no_extent():
    for protocol in range(3):
        index = formats.index(BytesSource(pickle.dumps(np.arange(4.0), protocol)))
        assert [info.extent for info in index.tensors] == [None]
        assert index.extents == ()


def python2(array: np.ndarray, spelled) -> bytes:
    """A pickle of protocol 2 as Python 2's NumPy wrote it: its bytes are strings there."""
    dtype = (
        b"cnumpy\ndtype\nU\x02"
        + array.dtype.str[1:].encode()
        + b"K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    )
    shape = b"".join(b"K" + bytes([size]) for size in array.shape)
    head = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    return head + b"(K\x01(" + shape + b"t" + dtype + b"\x89" + spelled(array.tobytes()) + b"tb."


@pytest.mark.parametrize(
    ("spelled", "raw"),
    [
        (lambda data: b"U" + bytes([len(data)]) + data, True),
        (lambda data: b"T" + len(data).to_bytes(4, "little") + data, True),
        (lambda data: b"S" + repr(data)[1:].encode() + b"\n", False),
    ],
    ids=["SHORT_BINSTRING", "BINSTRING", "STRING"],
)
def test_pickles_of_python_2_are_read(spelled, raw):
    array = np.arange(6, dtype="<f8").reshape(2, 3)
    data = python2(array, spelled)
    np.testing.assert_array_equal(pickle.loads(data, encoding="latin1"), array)
    index = formats.index(BytesSource(data))
    assert (index.tensors[0].extent is not None) == raw
    assert_same(read_all(data)["tensor"], array)


def test_long_strings_of_python_2_are_read_from_where_they_lie():
    array = np.arange(200, dtype="<f8").reshape(2, 100)
    data = python2(array, lambda data: b"S" + repr(data * 5)[1:].encode() + b"\n").replace(b"(K\x02Kdt", b"(K\x0aKdt")
    assert_same(read_all(data)["tensor"], np.tile(array, (5, 1)))


@pytest.mark.parametrize(
    "array",
    [
        np.array(["a", None], object),
        np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]),
        np.array(["2020-01-01"], "M8[D]"),
        np.array(["text"]),
        np.array([b"bytes"]),
        np.array([1], np.longdouble),
    ],
    ids=["objects", "records", "dates", "text", "bytes", "long double"],
)
def test_arrays_without_plain_numbers_are_named_in_the_metadata(array):
    index = formats.index(BytesSource(pickle.dumps({"odd": array, "even": np.arange(2)})))
    assert [info.name for info in index.tensors] == ["even"]
    assert index.metadata["odd"].startswith("not read: an array of dtype")
    assert index.pickles[0].verdict is Verdict.ALLOWED


def test_buffers_outside_the_pickle_are_named_in_the_metadata():
    data = pickle.dumps({"far": np.arange(3)}, 5, buffer_callback=lambda buffer: None)
    index = formats.index(BytesSource(data))
    assert index.tensors == ()
    assert "out-of-band" in index.metadata["far"]


def test_masked_arrays_are_their_values_and_their_mask():
    array = np.ma.array([1.0, 2.0], mask=[False, True])
    values = read_all(pickle.dumps({"m": array}))
    np.testing.assert_array_equal(values["m"], array.data)
    np.testing.assert_array_equal(values["m.mask"], array.mask)


def test_numbers_and_texts_become_metadata():
    saved = {
        "epoch": 3, "lr": np.float32(0.5), "name": "x" * 1000, "betas": (0.9, 0.99), "none": None, "huge": 10**400,
        "config": {"deep": [1, 2, {"er": True}]}, "w": np.zeros(1), 7: "seven",
    }  # fmt: skip
    metadata = formats.index(BytesSource(pickle.dumps(saved))).metadata
    assert metadata["epoch"] == 3
    assert metadata["lr"] == 0.5
    assert len(metadata["name"]) == 200
    assert metadata["betas"] == [0.9, 0.99]
    assert metadata["config.deep.2.er"] is True
    assert metadata["7"] == "seven"
    assert "integer" in metadata["huge"]
    assert "none" not in metadata


def test_several_pickles_in_a_row_are_numbered():
    data = pickle.dumps({"a": np.zeros(2)}) + pickle.dumps(np.ones(3))
    assert list(read_all(data)) == ["0.a", "1"]


def test_names_that_read_alike_are_told_apart():
    index = formats.index(BytesSource(pickle.dumps({"a.b": np.zeros(1), "a": {"b": np.ones(1)}})))
    assert [info.name for info in index.tensors] == ["a.b", "a.b#2"]
    assert [anomaly.code for anomaly in index.anomalies] == ["pickle.same-path"]


@pytest.mark.parametrize("kind", [collections.OrderedDict, lambda pairs: collections.defaultdict(list, pairs), dict])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_every_kind_of_dictionary_gives_its_keys(kind, protocol):
    assert list(read_all(pickle.dumps(kind([("a", np.zeros(1)), ("b", np.ones(1))]), protocol))) == ["a", "b"]


def test_an_object_that_holds_itself_is_walked_once():
    saved = {"w": np.zeros(1)}
    saved["self"] = saved
    saved["list"] = [saved, np.ones(1)]
    assert list(read_all(pickle.dumps(saved))) == ["w", "list.1"]


@given(
    array=hnp.arrays(
        st.sampled_from(["f2", "f4", ">f8", "i1", ">i2", "i4", "u8", "?", "c8", ">c16"]),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    ),
    protocol=st.integers(0, 5),
    order=st.sampled_from("CF"),
)
@settings(max_examples=150, deadline=None)
def test_any_array_comes_back_bit_for_bit(array, protocol, order):
    array = np.array(array, order=order)
    (found,) = read_all(pickle.dumps([array], protocol)).values()
    assert found.tobytes() == np.ascontiguousarray(array).astype(array.dtype.newbyteorder("=")).tobytes()
    assert found.shape == array.shape


@pytest.mark.parametrize(
    "compress", [gzip.compress, zlib.compress, bz2.compress, lzma.compress, lambda data: zlib.compress(data, 9)]
)
def test_a_compressed_pickle_is_judged_and_read(compress):
    values = read_all(compress(pickle.dumps({"w": np.arange(1000.0)})))
    assert_same(values["w"], np.arange(1000.0))
    index = formats.index(BytesSource(compress(b"cos\nsystem\n(S'true'\ntR.")))
    assert index.pickles[0].verdict is Verdict.DANGEROUS


def test_a_compressed_pickle_may_not_inflate_without_end(monkeypatch):
    from weighbridge.formats import compressed_pickle

    monkeypatch.setattr(compressed_pickle, "MAX_INFLATED", 1 << 20)
    with pytest.raises(LimitError):
        formats.index(BytesSource(gzip.compress(pickle.dumps(bytes(2 << 20)))))


def joblib_dump(array: np.ndarray, after: bytes = b"", aligned: bool = True) -> bytes:
    """What joblib writes for ``[array]``: a wrapper, padding, the raw bytes, and the rest of the pickle."""
    head = io.BytesIO()
    pickler = pickle._Pickler(head, 3)
    pickler.write(b"\x80\x03]cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(")
    state = {"subclass": np.ndarray, "shape": array.shape, "order": "C", "dtype": array.dtype, "allow_mmap": True,
             "numpy_array_alignment_bytes": 16}  # fmt: skip
    if not aligned:
        del state["numpy_array_alignment_bytes"]
    for key, value in state.items():
        pickler.save(key)
        pickler.save(value)
    pickler.write(b"ub")
    padding = bytes([15 - head.tell() % 16]) if aligned else b""
    return head.getvalue() + padding + b"\xff" * sum(padding) + array.tobytes() + b"a" + after + b"."


def test_arrays_that_joblib_writes_between_the_opcodes_are_found_raw():
    array = np.arange(1000, dtype="f8")
    data = joblib_dump(array)
    index = formats.index(BytesSource(data))
    (info,) = index.tensors
    assert data[info.extent.offset : info.extent.end] == array.tobytes()
    assert_same(read_all(data)["0"], array)
    assert index.pickles[0].verdict is Verdict.ALLOWED


def test_a_call_behind_joblibs_array_is_found():
    index = formats.index(BytesSource(joblib_dump(np.arange(9.0), b"cos\nsystem\n(S'true'\ntR0")))
    assert index.pickles[0].verdict is Verdict.DANGEROUS


def test_opcodes_that_joblib_would_skip_as_an_array_are_judged_too():
    evil = b"cos\nsystem\n(S'true'\ntR."
    data = joblib_dump(np.frombuffer(evil, "u1"), aligned=False)
    assert harmless_system_calls(data) == [("true",)]
    verdicts = [scan.verdict for scan in formats.index(BytesSource(data)).pickles]
    assert verdicts == [Verdict.ALLOWED, Verdict.DANGEROUS]


def harmless_system_calls(data: bytes) -> list[tuple]:
    """What ``os.system`` would be called with by an ordinary unpickler that does not know joblib."""
    calls = []

    class Anything:
        def __init__(self, *args):
            pass

        def __setstate__(self, state):
            pass

    class Unpickler(pickle.Unpickler):
        def find_class(self, module, name):
            return (lambda *args: calls.append(args)) if name == "system" else Anything

    Unpickler(io.BytesIO(data)).load()
    return calls


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"hello world\n", b'{"a": 1}', b"# title\n\ntext", b"<?xml?>", b"-----BEGIN-----", b"]\n", b"\0" * 5000),
        *(b"(see below)\n", b"copyright (c) 2026\nall rights reserved\n", b"import os\nos.system('true')\n"),
        *(b"I am a text\nthat begins like\nan integer.\n", b"Very long\nVery long too\n" * 300, b"\x89HDF\r\n\x1a\n"),
    ],
)
def test_texts_and_other_files_are_not_taken_for_pickles(data):
    assert formats.sniff(BytesSource(data)) is None


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_are_known_by_their_bytes(protocol):
    for value in ({"a": 1}, [np.zeros(2)], "text", 5, None, list(range(10_000)), {"k" * 30: "v" * 9000}):
        assert formats.sniff(BytesSource(pickle.dumps(value, protocol))).name == "pickle"


def test_optimised_pickles_are_read():
    data = pickletools.optimize(pickle.dumps(ARRAYS, 4))
    for name, found in read_all(data).items():
        assert_same(found, ARRAYS[name])


def test_text_that_spells_a_dangerous_pickle_is_noticed():
    import base64

    evil = pickle.dumps(print)[:2] + b"cos\nsystem\n(X\x04\0\0\0truetR."
    for text in (base64.b64encode(evil).decode(), evil.hex()):
        index = formats.index(BytesSource(pickle.dumps({"config": text})))
        assert [anomaly.code for anomaly in index.anomalies] == ["pickle.disguised"]
        assert "os.system" in index.anomalies[0].message
    harmless = base64.b64encode(pickle.dumps({"a": 1})).decode()
    assert formats.index(BytesSource(pickle.dumps({"config": harmless}))).anomalies == ()


def test_reading_a_tensor_that_is_not_there_is_refused():
    from dataclasses import replace

    source = BytesSource(pickle.dumps({"a": np.zeros(2)}, 2))
    (info,) = formats.index(source).tensors
    with pytest.raises(UnsupportedError):
        formats.sniff(source).read(source, replace(info, name="b"))
