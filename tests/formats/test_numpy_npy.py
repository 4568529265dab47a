""".npy: the same arrays as numpy reads, headers matched and never evaluated, objects never unpickled."""

import io
import struct

import numpy as np
import pytest

from weighbridge.errors import FormatError, LimitError, TruncatedError, UnsupportedError
from weighbridge.formats import index
from weighbridge.formats.npy import NPY, read_header
from weighbridge.tensors import BytesSource

ARRAYS = {
    "a matrix": np.arange(6, dtype=np.int16).reshape(2, 3),
    "a Fortran matrix": np.asfortranarray(np.arange(24.0).reshape(2, 3, 4)),
    "a big-endian vector": np.arange(4, dtype=">f4"),
    "a scalar": np.array(3.5),
    "nothing": np.zeros((0, 3), np.float32),
    "truth": np.array([True, False]),
    "complex numbers": np.array([1 + 2j, 3 - 4j]),
    "big-endian complex numbers": np.array([1 + 2j, 3 - 4j], ">c8"),
    "a Fortran row": np.asfortranarray(np.arange(5.0).reshape(1, 5)),
}


def saved(array, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version=version)
    return out.getvalue()


def build(header, data=b"", version=(1, 0), name="some/made.npy"):
    text = header.encode() if isinstance(header, str) else header
    width = "<H" if version == (1, 0) else "<I"
    return BytesSource(b"\x93NUMPY" + bytes(version) + struct.pack(width, len(text)) + text + data, name)


def header(descr="'<f4'", fortran="False", shape="(2,)"):
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}"


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("which", ARRAYS)
def test_an_array_reads_as_numpy_reads_it(which, version):
    array = ARRAYS[which]
    source = BytesSource(saved(array, version), "some/folder/made.npy")
    found = index(source)
    got = NPY.read(source, found.tensors[0])
    assert found.format == "npy"
    assert found.tensors[0].name == "made"
    assert got.shape == array.shape
    assert got.dtype == array.dtype.newbyteorder("=")
    assert np.array_equal(got, array)
    assert not got.flags.writeable
    assert found.anomalies == ()


def test_only_arrays_that_need_strides_have_them():
    rows = read_header(BytesSource(saved(ARRAYS["a Fortran matrix"])))
    assert rows.strides == (1, 2, 6)
    assert read_header(BytesSource(saved(ARRAYS["a Fortran row"]))).strides is None


def test_headers_of_other_writers_are_read():
    data = struct.pack("<2f", 1, 2)
    for text in (
        "{'shape': (2L,), 'fortran_order': False, 'descr': '<f4'}",
        '{"descr":"<f4","fortran_order":False,"shape":(2,)}\n',
        "  { 'descr' : '<f4' , 'fortran_order' : False , 'shape' : ( 2 , ) }   \n",
    ):
        source = build(text, data)
        assert NPY.read(source, index(source).tensors[0]).tolist() == [1.0, 2.0], text


LIES = {
    "no dictionary": (build("[1, 2]"), FormatError, "expected a header with 'descr'"),
    "nothing at all": (build(""), FormatError, "expected a header"),
    "a missing shape": (build("{'descr': '<f4', 'fortran_order': False}"), FormatError, "expected a header"),
    "a key too many": (build(header()[:-1] + "'evil': 1}"), FormatError, "expected a header"),
    "a key twice": (build(header()[:-1] + "'shape': (9,)}"), FormatError, "'shape' twice"),
    "an expression": (build(header(shape="(2**99,)")), FormatError, "where the shape should be"),
    "a call": (build(header(descr="__import__('os').system('true')")), FormatError, "where the descr should be"),
    "a negative size": (build(header(shape="(-2,)")), FormatError, "where the shape should be"),
    "a text for a size": (build(header(shape="('2',)")), FormatError, "where the shape should be"),
    "a number for the order": (build(header(fortran="1")), FormatError, "where the fortran_order should be"),
    "an absurd size": (build(header(shape=f"({2**63},)")), FormatError, "more elements than any file"),
    "absurd sizes": (build(header(shape=f"({2**40}, {2**40})")), FormatError, "more elements than any file"),
    "a hundred dimensions": (build(header(shape="(" + "1," * 100 + ")")), FormatError, "100 dimensions"),
    "data cut off": (build(header(shape="(3,)"), bytes(8)), TruncatedError, "ends at byte"),
    "header cut off": (BytesSource(b"\x93NUMPY\1\0\xff\xff{"), TruncatedError, "header ends at byte 65,545"),
    "an endless header": (BytesSource(b"\x93NUMPY\2\0\xff\xff\xff\xff{"), LimitError, "4,294,967,295 bytes"),
    "only the magic": (BytesSource(b"\x93NUMPY"), TruncatedError, "at least 10 bytes, found 6"),
    "a version of the future": (build(header(), version=(4, 0)), UnsupportedError, "version 4.0"),
    "not UTF-8": (build(b"{'\xff", version=(3, 0)), FormatError, "not UTF-8"),
    "two texts in one": (build(header(descr="[('a', '|' 'O')]")), FormatError, "two texts"),
    "fields without end": (build(header(descr="[('a', '<f4'")), FormatError, "does not end"),
    "deep brackets": (build(header(descr="[" * 30_000)), FormatError, "does not end"),
    "fields": (build(header(descr="[('a', '<f4'), ('b', '<i4')]"), bytes(16)), UnsupportedError, "not plain numbers"),
    "dates": (build(header(descr="'<M8[D]'"), bytes(16)), UnsupportedError, "M8"),
    "texts": (build(header(descr="'<U4'"), bytes(32)), UnsupportedError, "U4"),
    "a type of nobody": (build(header(descr="'<z9'"), bytes(32)), UnsupportedError, "z9"),
    "sixteen-byte floats": (build(header(descr="'<f16'"), bytes(32)), UnsupportedError, "f16"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_header_is_refused_with_the_lie_named(lie):
    source, kind, message = LIES[lie]
    with pytest.raises(kind, match=message) as caught:
        index(source)
    assert type(caught.value) is kind
    assert caught.value.where


SPELLINGS = ["'|O'", "'O'", "'O8'", "'object'", "'f4,O'", "'3O'", "[('a', '|O')]"]


@pytest.mark.parametrize("descr", SPELLINGS)
def test_every_spelling_of_objects_is_recognised(descr):
    assert read_header(build(header(descr=descr), bytes(8))).holds_objects
    assert np.dtype(eval(descr)).hasobject


def test_an_escape_in_a_type_counts_as_objects():
    assert read_header(build(header(descr="[('a', '\\x4f')]"), bytes(8))).holds_objects


def test_what_follows_an_array_is_told():
    one = saved(np.zeros(2))
    more = index(BytesSource(one + one)).anomalies
    junk = index(BytesSource(one + b"junk")).anomalies
    assert [(item.code, item.severe) for item in more] == [("npy.more-arrays", False)]
    assert [(item.code, item.severe) for item in junk] == [("npy.trailing-bytes", True)]
