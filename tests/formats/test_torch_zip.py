"""PyTorch's zip files, against torch.save and torch.load."""

import io

import ml_dtypes
import numpy as np
import pytest

from weighbridge import formats
from weighbridge.tensors import BytesSource

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
