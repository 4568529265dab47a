"""Dtypes agree with numpy, ml_dtypes and ggml about sizes."""

import gguf
import ml_dtypes
import numpy as np
import pytest

from weighbridge.tensors import Digest, Extent, TensorInfo, dtype_from_numpy, dtype_named

NUMPY = ["float64", "float32", "float16", "int64", "int8", "uint16", "bool", "complex64", "complex128"]


@pytest.mark.parametrize("name", NUMPY)
def test_numpy_dtypes_go_there_and_back(name):
    dtype = dtype_from_numpy(np.dtype(name))
    assert dtype.numpy == np.dtype(name)
    assert dtype.itemsize == np.dtype(name).itemsize


@pytest.mark.parametrize(("ours", "theirs"), [("BF16", ml_dtypes.bfloat16), ("F8_E4M3", ml_dtypes.float8_e4m3fn)])
def test_ml_dtypes_go_there_and_back(ours, theirs):
    assert dtype_named(ours).numpy == np.dtype(theirs)
    assert dtype_from_numpy(np.dtype(theirs)) is dtype_named(ours)


def test_either_byte_order_is_the_same_dtype():
    assert dtype_from_numpy(np.dtype(">f4")) is dtype_named("F32")


def test_dtypes_without_a_name_are_none():
    assert dtype_from_numpy(np.dtype("U4")) is None
    assert dtype_named("F7") is None


@pytest.mark.parametrize("kind", [kind for kind in gguf.GGMLQuantizationType if dtype_named(kind.name)])
def test_block_sizes_are_those_of_ggml(kind):
    items, size = gguf.GGML_QUANT_SIZES[kind]
    assert (dtype_named(kind.name).block_items, dtype_named(kind.name).block_bytes) == (items, size)


def test_float_fields_add_up_to_the_element():
    for name in ("F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "F4", "F6_E2M3"):
        dtype = dtype_named(name)
        assert 1 + dtype.exponent + dtype.mantissa == dtype.bits


def test_a_part_of_a_block_has_no_size():
    assert dtype_named("Q4_K").nbytes(512) == 288
    with pytest.raises(ValueError, match="whole blocks"):
        dtype_named("Q4_K").nbytes(100)


def test_a_tensor_counts_its_elements_and_bytes():
    bf16 = dtype_named("BF16")
    info = TensorInfo("w", bf16, (3, 5), Extent(8, 30, bf16))
    assert (info.items, info.nbytes, info.extent.end) == (15, 30, 38)
    assert TensorInfo("s", bf16, (), None).items == 1
    assert TensorInfo("e", bf16, (0, 4), None).nbytes == 0


def test_a_digest_reads_back_from_its_text():
    for digest in (Digest.sha256(b"a"), Digest.blake3(b"a")):
        assert Digest.parse(str(digest)) == digest
    for text in ("md5:00", "sha256:00", "sha256"):
        with pytest.raises(ValueError, match=r"digest|expected"):
            Digest.parse(text)
