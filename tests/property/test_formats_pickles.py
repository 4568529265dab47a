"""Corrupted PyTorch files and pickles: the same values, or one of our errors; never another exception."""

import io
import pickle

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weighbridge import formats
from weighbridge.errors import WeighbridgeError
from weighbridge.tensors import BytesSource

torch = pytest.importorskip("torch")


def _torch(value, **options) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, **options)
    return file.getvalue()


def _files() -> dict[str, bytes]:
    base = torch.arange(48.0).reshape(6, 8)
    value = {
        "state": {"w": base, "t": base.t(), "s": base.to_sparse()},
        "array": np.arange(3),
        "epoch": 5,
        "lr": [0.1, "a"],
    }
    arrays = {"a": np.arange(12.0).reshape(3, 4), "b": np.asfortranarray(np.ones((2, 3), ">i4")), "c": [None, (1, 2)]}
    return {
        "zip": _torch(value),
        "legacy": _torch(value, _use_new_zipfile_serialization=False),
        "module": _torch(torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))),
        **{f"protocol {protocol}": pickle.dumps(arrays, protocol) for protocol in range(6)},
        "tensor": pickle.dumps({"w": base}),
    }


FILES = _files()

damages = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), st.integers(0, 1 << 20), st.integers(1, 255)),
        st.tuples(st.just("cut"), st.integers(0, 1 << 20), st.just(0)),
        st.tuples(st.just("drop"), st.integers(0, 1 << 20), st.integers(1, 40)),
        st.tuples(st.just("copy"), st.integers(0, 1 << 20), st.integers(1, 1 << 20)),
    ),
    min_size=1,
    max_size=4,
)


def damaged(data: bytes, steps) -> bytes:
    out = bytearray(data)
    for kind, place, extra in steps:
        if not out:
            break
        at = place % len(out)
        if kind == "flip":
            out[at] ^= extra
        elif kind == "cut":
            del out[at:]
        elif kind == "drop":
            del out[at : at + extra]
        else:
            other = extra % len(out)
            out[at : at + 8] = out[other : other + 8]
    return bytes(out)


@pytest.mark.parametrize("name", FILES)
@given(steps=damages)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_file_is_read_or_refused(name, steps):
    source = BytesSource(damaged(FILES[name], steps), name)
    message = "read"
    try:
        found = formats.sniff(source)
        if found is None:
            return
        index = found.index(source)
        ends = 0
        for extent in index.extents:
            assert ends <= extent.offset
            ends = extent.end
        assert ends <= source.size
        for info in index.tensors:
            assert found.read(source, info).shape == info.shape
    except WeighbridgeError as error:
        message = error.message
    assert message.isprintable()
    assert message


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_anywhere_is_never_read_as_another(name):
    data = FILES[name]
    whole = formats.index(BytesSource(data))
    for length in range(0, len(data), max(1, len(data) // 60)):
        try:
            index = formats.index(BytesSource(data[:length]))
        except WeighbridgeError:
            continue
        assert {info.name: info.shape for info in index.tensors} == {info.name: info.shape for info in whole.tensors}
