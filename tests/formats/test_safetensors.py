"""safetensors: the same values as its own reader, and each way a header can lie told apart."""

import json
import re
import struct

import ml_dtypes
import numpy as np
import pytest
import safetensors
import safetensors.numpy
from safetensors import safe_open

from weighbridge.errors import FormatError, LimitError, TruncatedError, UnsupportedError, UsageError
from weighbridge.formats import index, sniff
from weighbridge.formats.safetensors import SAFETENSORS, write
from weighbridge.tensors import BytesSource, Extent, FileSource

WIDE = ["float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "int64", "int32", "int16", "int8",
        "uint64", "uint32", "uint16", "uint8", "bool", "complex64"]  # fmt: skip


def numpy_type(name):
    return np.dtype(getattr(ml_dtypes, name, name))


def build(header, data=b""):
    """A file from a header (an object, padded as writers do, or raw bytes) and data, however wrong together."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    if not isinstance(header, bytes):
        text += b" " * (-len(text) % 8)
    return BytesSource(struct.pack("<Q", len(text)) + text + data, "made.safetensors")


def entry(shape, begin, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def values(source):
    return {info.name: SAFETENSORS.read(source, info) for info in index(source).tensors}


@pytest.fixture
def arrays():
    rng = np.random.default_rng(1)
    made = {name: rng.integers(0, 2, (3, 5)).astype(numpy_type(name)) for name in WIDE}
    return made | {"scalar": np.array(7.5, np.float32), "empty": np.zeros((0, 4), np.float32)}


def test_a_file_written_by_safetensors_reads_the_same(tmp_path, arrays):
    path = tmp_path / "peer.safetensors"
    safetensors.numpy.save_file(arrays, path, metadata={"format": "np"})
    with FileSource(path) as source:
        found = index(source)
        got = values(source)
    assert found.metadata == {"format": "np"}
    assert found.anomalies == ()
    assert got.keys() == arrays.keys()
    for name, expected in arrays.items():
        assert got[name].dtype == expected.dtype, name
        assert got[name].tobytes() == expected.tobytes(), name
        assert got[name].shape == expected.shape, name
        assert not got[name].flags.writeable, name


def test_a_file_that_we_write_reads_the_same_in_safetensors(tmp_path, arrays):
    path = tmp_path / "ours.safetensors"
    write(path, arrays, {"made": "by a test"})
    with safe_open(path, "np") as peer:
        assert peer.metadata() == {"made": "by a test"}
    peer = dict(safetensors.deserialize(path.read_bytes()))
    assert peer.keys() == arrays.keys()
    for name, expected in arrays.items():
        assert bytes(peer[name]["data"]) == expected.tobytes(), name
        assert tuple(peer[name]["shape"]) == expected.shape, name


def test_tensors_keep_the_order_in_which_they_were_written_and_data_is_aligned(tmp_path, arrays):
    path = tmp_path / "ours.safetensors"
    write(path, arrays)
    with FileSource(path) as source:
        found = index(source)
    assert [info.name for info in found.tensors] == list(arrays)
    assert found.tensors[0].extent.offset % 8 == 0


def test_an_array_of_any_layout_or_byte_order_is_written_row_major_little_endian(tmp_path):
    base = np.arange(24, dtype=np.float32).reshape(4, 6)
    write(tmp_path / "a.safetensors", {"t": base.T, "big": base.astype(">f4"), "part": base[::2, ::3]})
    with FileSource(tmp_path / "a.safetensors") as source:
        got = values(source)
    assert np.array_equal(got["t"], base.T)
    assert np.array_equal(got["big"], base)
    assert np.array_equal(got["part"], base[::2, ::3])


def test_four_bit_floats_come_out_one_by_one():
    source = build({"q": entry([2, 2], 0, 2, "F4")}, bytes([0x21, 0xF7]))
    got = values(source)["q"].astype(np.float32)
    assert got.tolist() == [[0.5, 1.0], [6.0, -6.0]]


def test_types_that_numpy_lacks_are_listed_but_their_values_refused():
    source = build({"q": entry([4], 0, 3, "F6_E2M3"), "scale": entry([1], 3, 4, "F8_E8M0")}, b"\1\2\3\x7f")
    found = index(source)
    assert [info.dtype.name for info in found.tensors] == ["F6_E2M3", "F8_E8M0"]
    assert SAFETENSORS.read(source, found.tensors[1]).astype(np.float32).tolist() == [1.0]
    with pytest.raises(UnsupportedError, match="F6_E2M3"):
        SAFETENSORS.read(source, found.tensors[0])


def test_extents_are_sorted_disjoint_and_leave_out_what_is_empty():
    source = build({"b": entry([1], 4, 8), "none": entry([0], 4, 4), "a": entry([1], 0, 4)}, bytes(8))
    found = index(source)
    start = source.size - 8
    assert [(extent.offset, extent.nbytes) for extent in found.extents] == [(start, 4), (start + 4, 4)]
    assert isinstance(found.extents[0], Extent)
    assert [info.name for info in found.tensors] == ["b", "none", "a"]


def test_a_file_without_tensors_is_fine():
    assert index(build(b"{}      ")).tensors == ()


LIES = {
    "two tensors overlap": ({"a": entry([2], 0, 8), "b": entry([2], 4, 12)}, 12, FormatError, "inside tensor 'a'"),
    "a hole between tensors": ({"a": entry([1], 0, 4), "b": entry([1], 8, 12)}, 12, FormatError, "leaving a hole"),
    "a hole before the first": ({"a": entry([1], 4, 8)}, 8, FormatError, "leaving a hole after the header"),
    "bytes after the last": ({"a": entry([1], 0, 4)}, 9, FormatError, "5 bytes after tensor 'a' belong to no tensor"),
    "data cut off": ({"a": entry([4], 0, 16)}, 9, TruncatedError, "the file has"),
    "an end before the begin": ({"a": entry([1], 8, 4)}, 8, FormatError, "before it begins"),
    "shape says less": ({"a": entry([1], 0, 8)}, 8, FormatError, r"takes 4 bytes, but its offsets span\D+8"),
    "shape says more": ({"a": entry([3], 0, 8)}, 8, FormatError, r"takes 12 bytes, but its offsets span\D+8"),
    "a shape beyond memory": ({"a": entry([2**40, 2**40], 0, 4)}, 4, FormatError, "more elements than any file"),
    "bytes beyond memory": ({"a": entry([2**62], 0, 4)}, 4, FormatError, "more bytes than any file"),
    "a beyond-memory shape behind a zero": ({"a": entry([0, 2**63, 4], 0, 0)}, 0, FormatError, "more elements than"),
    "a hundred dimensions": ({"a": entry([1] * 100, 0, 4)}, 4, FormatError, "more than 64 numbers"),
    "a negative size": ({"a": entry([-1], 0, 4)}, 4, FormatError, "whole numbers"),
    "a negative offset": ({"a": entry([1], -4, 0)}, 4, FormatError, "whole numbers"),
    "a fraction": ({"a": entry([1.5], 0, 4)}, 4, FormatError, "whole numbers"),
    "a text for a number": ({"a": entry(["1"], 0, 4)}, 4, FormatError, "whole numbers"),
    "an unknown type": ({"a": entry([1], 0, 4, "F33")}, 4, UnsupportedError, "'F33'"),
    "a type of another format": ({"a": entry([32], 0, 18, "Q4_0")}, 18, UnsupportedError, "'Q4_0'"),
    "half a byte": ({"a": entry([3], 0, 2, "F4")}, 2, FormatError, "do not fill whole blocks"),
    "three offsets": (
        {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 8]}}, 4, FormatError, "3 data offsets instead of 2"
    ),
    "no type": ({"a": {"shape": [1], "data_offsets": [0, 4]}}, 4, FormatError, "does not say its dtype"),
    "nothing": ({"a": {}}, 4, FormatError, "does not say its dtype nor its shape nor its data_offsets"),
    "a list for a tensor": ({"a": [1, 2]}, 4, FormatError, "expected an object"),
    "metadata that is no object": ({"__metadata__": "x"}, 0, FormatError, "__metadata__ to be an object"),
    "metadata that is no text": ({"__metadata__": {"n": 1}}, 0, FormatError, "only texts, but 'n'"),
    "a tensor named __metadata__": ({"__metadata__": entry([1], 0, 4)}, 4, FormatError, "only texts, but 'shape'"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_header_is_refused_with_the_lie_named(lie):
    header, size, kind, message = LIES[lie]
    with pytest.raises(kind, match=message) as caught:
        index(build(header, bytes(size)))
    assert type(caught.value) is kind
    assert caught.value.where.startswith("made.safetensors")


TEXTS = {
    "not JSON": (b'{"a" 1}', "expected ':' after a name"),
    "cut off": (b'{"a":{"dtype":"F32"', "expected ',' or '}'; found its end"),
    "a name twice": (b'{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{}}', "'a' is listed twice"),
    "a field twice": (b'{"a":{"dtype":"F32","dtype":"F16"}}', "'dtype' is listed twice"),
    "a metadata key twice": (b'{"__metadata__":{"k":"1","k":"2"}}', "'k' is listed twice"),
    "not UTF-8": (b'{"\xff\xfe":{}}', "expected UTF-8"),
    "half a surrogate pair": (b'{"\\ud800":{}}', "expected UTF-8"),
    "a bad escape": (b'{"\\q":{}}', "valid escapes"),
    "a raw line break in a name": (b'{"a\nb":{}}', "expected a name in double quotes"),
    "something after the end": (b'{} {"more":1}', "after the closing brace"),
    "a huge number": (b'{"a":{"dtype":"F32","shape":[%s],"data_offsets":[0,0]}}' % (b"9" * 5000), "whole numbers"),
    "a number above 2^64": (
        b'{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,0]}}', "above 2\\^64-1"
    ),
    "a leading zero": (b'{"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}', "whole numbers"),
    "a comma too many": (b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},}', "name in double quotes"),
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_a_header_that_is_not_the_json_it_should_be_is_refused_at_the_byte(text):
    header, message = TEXTS[text]
    with pytest.raises(FormatError, match=message) as caught:
        index(build(header, bytes(4)))
    assert re.search(r"at byte \d+$", str(caught.value))


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        (b"", TruncatedError, "at least 8 bytes, found 0"),
        (b"\x10\0\0", TruncatedError, "at least 8 bytes, found 3"),
        (struct.pack("<Q", 0) + b"{}", FormatError, "header of 0 bytes"),
        (struct.pack("<Q", 100_000_001) + b"{}", LimitError, "the format allows 100,000,000"),
        (struct.pack("<Q", 2**64 - 1) + b"{}", LimitError, "18,446,744,073,709,551,615"),
        (struct.pack("<Q", 50) + b"{}", TruncatedError, "header of 50 bytes, but only 2 follow"),
        (struct.pack("<Q", 3) + b" {}", FormatError, "begins with '{'"),
    ],
)
def test_a_header_length_that_cannot_be_is_refused(data, kind, message):
    with pytest.raises(kind, match=message):
        SAFETENSORS.index(BytesSource(data, "made.safetensors"))


def test_fields_in_any_order_with_any_spacing_are_read():
    spaced = b'{ "a" :\n{ "data_offsets" : [ 0 , 4 ] ,\t"shape":[ 1 ], "dtype" :"F32" } }  '
    assert values(build(spaced, struct.pack("<f", 2.5)))["a"].tolist() == [2.5]


def test_a_field_that_the_format_does_not_define_is_told_and_skipped():
    extra = {"one": {"x": 1, "y": "2"}, "two": [1, None, "text"], "three": True}
    found = index(build({"a": entry([1], 0, 4) | extra}, bytes(4)))
    assert [anomaly.code for anomaly in found.anomalies] == ["safetensors.unknown-field"] * 3
    assert found.tensors[0].shape == (1,)


@pytest.mark.parametrize("name", ["a\0b", "\x1b[31mred", "", "zero\u200bwidth"])
def test_a_name_that_nobody_can_see_is_an_anomaly(name):
    found = index(build({name: entry([1], 0, 4)}, bytes(4)))
    assert found.tensors[0].name == name
    assert [anomaly.code for anomaly in found.anomalies] == ["tensor.name"]
    assert found.anomalies[0].where.isprintable()


def test_misaligned_elements_are_untidy_and_not_more():
    found = index(build({"a": entry([3], 0, 3, "U8"), "b": entry([1], 3, 7)}, bytes(7)))
    assert [(anomaly.code, anomaly.severe) for anomaly in found.anomalies] == [("safetensors.misaligned", False)]


def test_json_text_is_not_taken_for_safetensors():
    assert sniff(BytesSource(b'{"abcd":{"x":1}}')) is None


@pytest.mark.timeout(30)  # measured 0.09 s; quadratic work would take minutes
def test_ten_thousand_tensors_are_listed():
    header = {f"model.layers.{i}.mlp.down_proj.weight": entry([1], 4 * i, 4 * i + 4) for i in range(10_000)}
    source = build(header, bytes(40_000))
    assert len(index(source).tensors) == 10_000


def test_writing_refuses_what_the_format_cannot_hold(tmp_path):
    path = tmp_path / "no.safetensors"
    with pytest.raises(UsageError, match="no type for complex128"):
        write(path, {"a": np.zeros(2, np.complex128)})
    with pytest.raises(UsageError, match="__metadata__"):
        write(path, {"__metadata__": np.zeros(2, np.float32)})
    assert list(tmp_path.iterdir()) == []


def test_writing_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    class Failing:
        dtype = index(build({"a": entry([1], 0, 4)}, bytes(4))).tensors[0].dtype
        shape = (1,)

        def read_bytes(self):
            raise OSError(28, "No space left on device")

    path = tmp_path / "kept.safetensors"
    write(path, {"a": np.ones(3, np.float32)})
    before = path.read_bytes()
    with pytest.raises(Exception, match="no space is left") as caught:
        write(path, {"a": Failing()})
    assert caught.value.code == "store.full"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
