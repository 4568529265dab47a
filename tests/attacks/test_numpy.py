"""Attacks on the readers of .npy and .npz, each told and then tried."""

import io
import pickle
import struct
import zipfile

import numpy as np
import pytest

import weighbridge as wb
from weighbridge.errors import FormatError, LimitError, TruncatedError, UnsafeError
from weighbridge.formats import index
from weighbridge.formats.npz import NPZ
from weighbridge.tensors import BytesSource


class Owned:
    """Unpickled, it creates a file: the proof that something was executed."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def npy(header, data=b"", version=1):
    text = header.encode()
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + size + text + data


def header(descr="'<f4'", shape="(2,)"):
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}"


def saved(array):
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


def zipped(members, method=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize("suffix", ["npy", "npz", "compressed.npz", "noext.npz"])
def test_an_array_of_objects_that_runs_code(tmp_path, suffix):
    """numpy stores objects as a pickle. Loading one runs what it says; opening it here must only name it."""
    trap = tmp_path / "trap"
    raw = saved(np.array([Owned(trap)], object))
    path = tmp_path / f"evil.{suffix}"
    path.write_bytes({
        "npy": raw,
        "npz": zipped([("a.npy", raw)]),
        "compressed.npz": zipped([("a.npy", raw)], zipfile.ZIP_DEFLATED),
        "noext.npz": zipped([("a", raw)]),
    }[suffix])  # fmt: skip
    with pytest.raises(UnsafeError, match="open"):
        wb.open(path)
    judged = wb.open(path, allow_unsafe=True)
    assert len(judged) == 0
    assert any(item.name == "open" for scan in judged.files[path.name].pickles for item in scan.imports)
    assert not trap.exists()


def test_a_pickle_among_the_arrays(tmp_path):
    """A member that is no array but a pickle: some loaders unpickle whatever they find."""
    trap = tmp_path / "trap"
    data = zipped([("a.npy", saved(np.zeros(2))), ("b", pickle.dumps(Owned(trap)))])
    with pytest.raises(UnsafeError):
        wb.open({"evil.npz": BytesSource(data)})
    assert not trap.exists()


HEADERS = ["(" * 9000, "[" * 9000, "-" * 9000 + "1", "{" * 9000, "'a'*10**9", "9" * 9000, "1+" * 4000 + "1"]


@pytest.mark.parametrize("text", HEADERS)
def test_a_header_that_breaks_a_parser(cheaply, text):
    """The header is Python, and nesting or arithmetic in it can take down the parser that evaluates it."""
    for source in (npy(header(descr=text)), npy(header(shape=text)), npy(text)):
        with cheaply(), pytest.raises(FormatError):
            index(BytesSource(source, "evil.npy"))


@pytest.mark.parametrize("shape", [f"({2**62}, 8)", f"({2**32}, {2**32})", f"(0, {2**63})", f"({10**18},)"])
def test_a_shape_that_wraps_around(cheaply, shape):
    """The product of the sizes wraps around in 64 bits and agrees with a small file."""
    with cheaply(megabytes=1), pytest.raises(FormatError):
        index(BytesSource(npy(header(shape=shape), bytes(8)), "evil.npy"))


def test_an_array_that_inflates_to_terabytes(cheaply, monkeypatch):
    """A bomb: a thousand to one is what deflate can do. It is listed by its header and not inflated to be read."""
    raw = saved(np.zeros(4_000_000))  # 32 MB in 31 kB
    data = zipped([("a.npy", raw)], zipfile.ZIP_DEFLATED)
    del raw
    source = BytesSource(data, "bomb.npz")
    with cheaply(megabytes=2):
        found = index(source)
    assert found.tensors[0].nbytes == 32_000_000
    monkeypatch.setattr("weighbridge.formats.npz.MAX_INFLATED", 16 << 20)
    with cheaply(megabytes=2), pytest.raises(LimitError, match="would inflate"):
        NPZ.read(source, found.tensors[0])


def test_a_bomb_below_the_limit_is_told_by_its_ratio(cheaply, monkeypatch):
    monkeypatch.setattr("weighbridge.formats._zip.MAX_EXPANDED", 1 << 20)
    source = BytesSource(zipped([("a.npy", saved(np.zeros(500_000)))], zipfile.ZIP_DEFLATED), "bomb.npz")
    found = index(source)
    with cheaply(megabytes=2), pytest.raises(LimitError, match="as a bomb does"):
        NPZ.read(source, found.tensors[0])


def test_a_bomb_that_lies_about_its_size(cheaply):
    """The directory says a hundred bytes, the stream holds megabytes. Nothing beyond the hundred is inflated."""
    raw = saved(np.zeros(1_000_000))
    data = zipped([("a.npy", raw)], zipfile.ZIP_DEFLATED).replace(struct.pack("<I", len(raw)), struct.pack("<I", 150))
    with cheaply(megabytes=2), pytest.raises(TruncatedError):
        index(BytesSource(data, "bomb.npz"))


def test_pickled_objects_that_inflate(cheaply, monkeypatch):
    """The same with an array of objects, whose pickle has to be inflated to be judged."""
    monkeypatch.setattr("weighbridge.formats.npz.MAX_OBJECTS", 1 << 20)
    raw = saved(np.array([b"\0" * 4_000_000], object))
    data = zipped([("a.npy", raw)], zipfile.ZIP_DEFLATED)
    del raw
    with cheaply(megabytes=3), pytest.raises(LimitError):
        index(BytesSource(data, "bomb.npz"))


def test_members_over_the_same_bytes():
    """Thousands of entries that share one compressed kernel: small on disk, endless to read."""
    data = bytearray(zipped([("a.npy", saved(np.zeros(9))), ("b.npy", saved(np.ones(9)))]))
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = bytes(4)  # the second entry now points at the first member
    with pytest.raises(FormatError):
        index(BytesSource(bytes(data), "overlap.npz"))


def test_an_archive_that_is_called_npz_and_holds_a_pickle(tmp_path):
    """No array at all, only a pickle under the name of one."""
    trap = tmp_path / "trap"
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with pytest.raises(UnsafeError):
            wb.open({"evil.npz": BytesSource(zipped([("w", pickle.dumps(Owned(trap)))], method))})
    assert not trap.exists()
