"""GGUF: the same tensors and values as the gguf package reads, in every version and byte order; lies told apart."""

import struct

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType as Ggml
from gguf import GGUFEndian, GGUFReader, GGUFValueType, GGUFWriter, quants

from weighbridge.errors import FormatError, LimitError, TruncatedError, UnsupportedError
from weighbridge.formats import index
from weighbridge.formats.gguf import _TYPES, GGUF
from weighbridge.tensors import BytesSource, FileSource

PLAIN = [np.float32, np.float16, np.float64, np.int8, np.int16, np.int32, np.int64]
WRITABLE = [Ggml.Q4_0, Ggml.Q4_1, Ggml.Q5_0, Ggml.Q5_1, Ggml.Q8_0, Ggml.TQ1_0, Ggml.TQ2_0, Ggml.MXFP4]
DECODABLE = [Ggml.Q2_K, Ggml.Q3_K, Ggml.Q4_K, Ggml.Q5_K, Ggml.Q6_K, Ggml.IQ2_XXS, Ggml.IQ2_XS, Ggml.IQ2_S,
             Ggml.IQ3_XXS, Ggml.IQ3_S, Ggml.IQ1_S, Ggml.IQ1_M, Ggml.IQ4_NL, Ggml.IQ4_XS, Ggml.NVFP4]  # fmt: skip


def text(value, order="<", width="Q"):
    raw = value if isinstance(value, bytes) else value.encode()
    return struct.pack(order + width, len(raw)) + raw


def key(name, kind, payload, **how):
    return text(name, **how) + struct.pack(how.get("order", "<") + "I", kind) + payload


def tensor(name, dimensions, kind=0, offset=0, order="<", width="Q"):
    sizes = struct.pack(f"{order}{len(dimensions)}{width}", *dimensions)
    rest = struct.pack(order + "IQ", kind, offset)
    return text(name, order, width) + struct.pack(order + "I", len(dimensions)) + sizes + rest


def build(tensors=(), keys=(), data=b"", *, version=3, order="<", counts=None, align=32):
    """A file from its parts, however wrong they are together."""
    width = "I" if version == 1 else "Q"
    counts = counts or (len(tensors), len(keys))
    head = b"GGUF" + struct.pack(order + "I", version) + struct.pack(order + 2 * width, *counts)
    head += b"".join(keys) + b"".join(tensors)
    return BytesSource(head + bytes(-len(head) % align) + data, "made.gguf")


def write(path, add, endian=GGUFEndian.LITTLE):
    writer = GGUFWriter(str(path), "test", endianess=endian)
    add(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def values(source):
    return {info.name: GGUF.read(source, info) for info in index(source).tensors}


def test_plain_types_read_as_they_were_written(tmp_path):
    rng = np.random.default_rng(2)
    arrays = {np.dtype(kind).name: (rng.normal(size=(3, 4, 5)) * 9).astype(kind) for kind in PLAIN}
    write(tmp_path / "m.gguf", lambda out: [out.add_tensor(name, array) for name, array in arrays.items()])
    with FileSource(tmp_path / "m.gguf") as source:
        got = values(source)
        assert index(source).anomalies == ()
    for name, expected in arrays.items():
        assert got[name].shape == (3, 4, 5), name
        assert got[name].tobytes() == expected.tobytes(), name
        assert not got[name].flags.writeable, name


def test_a_big_endian_file_reads_the_same(tmp_path):
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    write(tmp_path / "be.gguf", lambda out: out.add_tensor("t", array.copy()), GGUFEndian.BIG)
    with FileSource(tmp_path / "be.gguf") as source:
        info = index(source).tensors[0]
        assert info.byteorder == ">"
        assert np.array_equal(GGUF.read(source, info), array)
        assert index(source).metadata["general.architecture"] == "test"


def test_quantised_types_read_as_the_gguf_package_dequantises_them(tmp_path):
    rng = np.random.default_rng(3)
    stored = {}
    for kind in WRITABLE:
        stored[kind] = quants.quantize(rng.normal(size=(4, 256)).astype(np.float32), kind)
    for kind in DECODABLE:
        items, size = gguf.GGML_QUANT_SIZES[kind]
        stored[kind] = rng.integers(0, 60, (4, size * (256 // items or 1)), dtype=np.uint8)

    def add(out):
        for kind, raw in stored.items():
            out.add_tensor(kind.name, raw, raw_dtype=kind)

    write(tmp_path / "q.gguf", add)
    with FileSource(tmp_path / "q.gguf") as source:
        got = values(source)
    for kind, raw in stored.items():
        expected = quants.dequantize(raw, kind)
        assert got[kind.name].dtype == np.float32, kind
        assert got[kind.name].shape == expected.shape, kind
        assert np.array_equal(got[kind.name], expected, equal_nan=True), kind


def test_bfloat16_keeps_its_bits(tmp_path):
    raw = np.arange(8, dtype=np.uint16).view(np.uint8).reshape(1, 16)
    write(tmp_path / "b.gguf", lambda out: out.add_tensor("t", raw, raw_dtype=Ggml.BF16))
    with FileSource(tmp_path / "b.gguf") as source:
        got = values(source)["t"]
    assert got.dtype.name == "bfloat16"
    assert got.shape == (1, 8)
    assert got.view(np.uint16).tolist() == [list(range(8))]


def test_every_type_of_ggml_is_listed_with_the_size_that_ggml_gives_it():
    for kind, (items, size) in gguf.GGML_QUANT_SIZES.items():
        found = index(build([tensor("t", [items], kind.value)], data=bytes(size)))
        assert found.tensors[0].dtype.name == kind.name == _TYPES[kind.value]
        assert found.tensors[0].nbytes == size
    assert set(_TYPES) == {kind.value for kind in gguf.GGML_QUANT_SIZES}


@pytest.mark.parametrize("kind", [Ggml.Q8_K, Ggml.Q8_1])
def test_a_type_without_decoder_is_listed_and_its_values_refused(kind):
    items, size = gguf.GGML_QUANT_SIZES[kind]
    source = build([tensor("t", [items], kind.value)], data=bytes(size))
    with pytest.raises(UnsupportedError, match=kind.name):
        GGUF.read(source, index(source).tensors[0])


def test_big_endian_blocks_are_refused_rather_than_decoded_wrongly():
    source = build([tensor("t", [32], 8, order=">")], data=bytes(34), order=">")
    with pytest.raises(UnsupportedError, match="big-endian"):
        GGUF.read(source, index(source).tensors[0])


@pytest.mark.parametrize("version", [1, 2, 3])
def test_all_three_versions_are_read(version):
    width = "I" if version == 1 else "Q"
    how = {"order": "<", "width": width}
    source = build(
        [tensor("t", [2, 1], **how)],
        [key("general.name", 8, text("tiny", **how), **how)],
        struct.pack("<2f", 1, 2),
        version=version,
    )
    found = index(source)
    assert found.metadata == {"GGUF.version": version, "general.name": "tiny"}
    assert GGUF.read(source, found.tensors[0]).tolist() == [[1.0, 2.0]]


def test_metadata_of_every_type_is_kept_and_long_arrays_are_shortened(tmp_path):
    def add(out):
        out.add_uint8("u8", 255)
        out.add_int8("i8", -1)
        out.add_uint16("u16", 65535)
        out.add_int16("i16", -2)
        out.add_uint32("u32", 2**32 - 1)
        out.add_int32("i32", -3)
        out.add_uint64("u64", 2**64 - 1)
        out.add_int64("i64", -(2**63))
        out.add_float32("f32", 0.5)
        out.add_float64("f64", float("nan"))
        out.add_bool("yes", True)
        out.add_string("s", "Größe")
        out.add_array("short", [1, 2, 3])
        out.add_array("tokens", [f"token{n}" for n in range(1000)])
        out.add_array("scores", [float(n) for n in range(1000)])
        out.add_tensor("t", np.zeros(1, np.float32))

    write(tmp_path / "kv.gguf", add)
    with FileSource(tmp_path / "kv.gguf") as source:
        got = dict(index(source).metadata)
    assert got.pop("tokens") == {"type": "string", "count": 1000, "first": [f"token{n}" for n in range(8)]}
    assert got.pop("scores") == {"type": "float32", "count": 1000, "first": [float(n) for n in range(8)]}
    assert got == {
        "GGUF.version": 3, "general.architecture": "test", "u8": 255, "i8": -1, "u16": 65535, "i16": -2,
        "u32": 2**32 - 1, "i32": -3, "u64": 2**64 - 1, "i64": -(2**63), "f32": 0.5, "f64": "nan", "yes": True,
        "s": "Größe", "short": [1, 2, 3],
    }  # fmt: skip


def test_arrays_inside_arrays_are_kept():
    inner = struct.pack("<IQ2B", 0, 2, 7, 8)
    source = build(keys=[key("nested", 9, struct.pack("<IQ", 9, 2) + inner + inner)])
    assert index(source).metadata["nested"] == [[7, 8], [7, 8]]


def test_an_alignment_of_its_own_is_followed():
    keys = [key("general.alignment", 4, struct.pack("<I", 256))]
    source = build([tensor("t", [1])], keys, struct.pack("<f", 3), align=256)
    assert values(source)["t"].tolist() == [3.0]


def test_data_that_belongs_to_no_tensor_is_told():
    source = build([tensor("a", [1]), tensor("b", [1], offset=128)], data=bytes(132 + 40))
    codes = {anomaly.code: anomaly.message for anomaly in index(source).anomalies}
    assert list(codes) == ["gguf.unclaimed-bytes"]
    assert codes["gguf.unclaimed-bytes"].startswith("164 bytes")


def test_a_tensor_off_its_alignment_is_told():
    source = build([tensor("a", [1], offset=4)], data=bytes(8))
    assert [anomaly.code for anomaly in index(source).anomalies] == ["gguf.misaligned"]


def test_bytes_that_are_no_utf8_are_shown_in_values_and_refused_in_names():
    assert index(build(keys=[key("k", 8, text(b"\xffx"))])).metadata["k"] == "\ufffdx"
    with pytest.raises(FormatError, match="not UTF-8"):
        index(build([tensor(b"\xff", [1])], data=bytes(4)))


F32 = tensor("t", [1])
LIES = {
    "version 4": (build(version=4), UnsupportedError, "version 4"),
    "a count beyond the file": (build(counts=(2**60, 0)), FormatError, "in a file of 32 bytes"),
    "a key count beyond the file": (build(counts=(0, 2**63)), FormatError, "metadata keys in a file of"),
    "more tensors than there are": (build([F32], counts=(2, 0), data=b"\xff" * 40), FormatError, "a tensor's name of"),
    "a text beyond the file": (
        build(keys=[key("k", 8, struct.pack("<Q", 2**62))], data=bytes(64)), TruncatedError, "needs 4,611"
    ),
    "an array of texts beyond the file": (
        build(keys=[key("k", 9, struct.pack("<IQ", 8, 2**62))], data=bytes(64)), FormatError, "array of 4,611"
    ),
    "an array of numbers beyond the file": (
        build(keys=[key("k", 9, struct.pack("<IQ", 12, 2**60))], data=bytes(99)), TruncatedError, "its header needs"
    ),
    "a key of no type": (build(keys=[key("k", 13, b"")]), FormatError, "type 13"),
    "an array of no type": (build(keys=[key("k", 9, struct.pack("<IQ", 99, 0))]), FormatError, "array of type 99"),
    "a bool of 2": (build(keys=[key("k", 7, b"\2")]), FormatError, "a bool of 2"),
    "a key twice": (build(keys=[key("k", 0, b"\1")] * 2), FormatError, "'k' comes twice"),
    "an endless key": (build(keys=[text(b"k" * 70_000)]), FormatError, "at most 65,535"),
    "an alignment of 0": (
        build([F32], [key("general.alignment", 4, bytes(4))], bytes(4)), FormatError, "power of two"
    ),
    "an alignment of 24": (
        build([F32], [key("general.alignment", 4, struct.pack("<I", 24))], bytes(4)), FormatError, "power of two"
    ),
    "an alignment in words": (
        build([F32], [key("general.alignment", 8, text("wide"))], bytes(4)), FormatError, "'wide'"
    ),
    "a tensor twice": (build([F32, tensor("t", [1], offset=32)], data=bytes(64)), FormatError, "listed twice"),
    "two tensors in one place": (build([F32, tensor("u", [1])], data=bytes(4)), FormatError, "inside one that ends"),
    "data cut off": (build([tensor("t", [100])], data=bytes(8)), TruncatedError, "of a file that has"),
    "an offset beyond the file": (build([tensor("t", [1], offset=2**63)], data=bytes(8)), TruncatedError, "lies at"),
    "a shape beyond memory": (build([tensor("t", [2**40] * 3)], data=bytes(8)), FormatError, "more elements than any"),
    "a thousand dimensions": (build([tensor("t", [1] * 1000)], data=bytes(8)), FormatError, "1,000 dimensions"),
    "half a block": (build([tensor("t", [33], 8)], data=bytes(99)), FormatError, "do not fill whole blocks"),
    "blocks over the end of rows": (build([tensor("t", [16, 2], 8)], data=bytes(34)), FormatError, "no whole blocks"),
    "a withdrawn type": (build([tensor("t", [32], 31)], data=bytes(99)), UnsupportedError, "ggml type 31"),
    "a type of the future": (build([tensor("t", [32], 2**31)], data=bytes(99)), UnsupportedError, "ggml type"),
    "only the magic": (BytesSource(b"GGUF", "made.gguf"), TruncatedError, "at least 8 bytes, found 4"),
    "no counts": (BytesSource(b"GGUF\3\0\0\0", "made.gguf"), TruncatedError, "its header needs 8 bytes at 8"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_header_is_refused_with_the_lie_named(lie):
    source, kind, message = LIES[lie]
    with pytest.raises(kind, match=message) as caught:
        index(source)
    assert type(caught.value) is kind
    assert caught.value.where.startswith("made.gguf")


def test_the_package_and_we_place_every_tensor_alike(tmp_path):
    def add(out):
        for number in range(5):
            out.add_tensor(f"t{number}", np.full((number + 1, 3), number, np.float32))

    write(tmp_path / "m.gguf", add)
    theirs = GGUFReader(str(tmp_path / "m.gguf")).tensors
    with FileSource(tmp_path / "m.gguf") as source:
        ours = index(source).tensors
    assert [(t.name, t.data_offset, t.n_bytes, tuple(t.data.shape)) for t in theirs] == [
        (info.name, info.extent.offset, info.nbytes, info.shape) for info in ours
    ]


def test_a_tokenizer_of_many_pieces_is_walked_and_not_kept():
    pieces = b"".join(text(f"piece{n}") for n in range(50_000))
    found = index(build(keys=[key("tokens", 9, struct.pack("<IQ", GGUFValueType.STRING, 50_000) + pieces)]))
    assert found.metadata["tokens"]["count"] == 50_000
    assert len(found.metadata["tokens"]["first"]) == 8


def test_nesting_and_item_counts_have_limits(monkeypatch):
    deep = b"".join(struct.pack("<IQ", 9, 1) for _ in range(5000))
    with pytest.raises(FormatError, match="nested more than 8 deep"):
        index(build(keys=[key("deep", 9, deep)]))
    monkeypatch.setattr("weighbridge.formats._gguf_header.MAX_ITEMS", 1000)
    many = struct.pack("<IQ", 8, 1001) + bytes(8 * 1001)
    with pytest.raises(LimitError, match="more than 1,000 items"):
        index(build(keys=[key("many", 9, many)]))
