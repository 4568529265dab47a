""".npz: the same arrays as numpy reads; stored ones have extents, compressed ones are bounded and checked."""

import io
import struct
import zipfile

import numpy as np
import pytest

from weighbridge.errors import FormatError, LimitError, TruncatedError, UnsupportedError
from weighbridge.formats import index, sniff
from weighbridge.formats.npz import NPZ
from weighbridge.tensors import BytesSource

ARRAYS = {
    "layer/weight": np.arange(600, dtype=np.float32).reshape(20, 30),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "big": np.arange(4, dtype=">i4"),
    "empty": np.zeros((0, 3)),
    "scalar": np.array(2.5),
}


def npz(save=np.savez, **arrays):
    out = io.BytesIO()
    save(out, **(arrays or ARRAYS))
    return BytesSource(out.getvalue(), "made.npz")


def npy(array, **how):
    out = io.BytesIO()
    np.save(out, array, **how)
    return out.getvalue()


def zipped(members, method=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return BytesSource(out.getvalue(), "made.npz")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_read_as_numpy_reads_them(save):
    source = npz(save)
    found = index(source)
    assert found.format == "npz"
    assert [info.name for info in found.tensors] == list(ARRAYS)
    assert found.anomalies == ()
    for info in found.tensors:
        got = NPZ.read(source, info)
        assert got.shape == ARRAYS[info.name].shape
        assert np.array_equal(got, ARRAYS[info.name])
        assert not got.flags.writeable


def test_stored_arrays_have_extents_and_compressed_ones_have_none():
    stored, compressed = index(npz()), index(npz(np.savez_compressed))
    assert len(stored.extents) == 4  # the empty one has no bytes
    assert list(stored.extents) == sorted(stored.extents, key=lambda extent: extent.offset)
    source = npz()
    first = stored.tensors[0]
    raw = source.read_at(first.extent.offset, first.extent.nbytes)
    assert raw == ARRAYS["layer/weight"].tobytes()
    assert compressed.extents == ()
    assert all(info.extent is None for info in compressed.tensors)


def test_listing_reads_headers_and_not_arrays():
    class Counting(BytesSource):
        total = 0

        def read_at(self, offset, length):
            self.total += length
            return super().read_at(offset, length)

    for save in (np.savez, np.savez_compressed):
        data = npz(save, a=np.random.default_rng(1).normal(size=2_000_000))
        source = Counting(data.read_at(0, data.size))
        assert index(source).tensors[0].shape == (2_000_000,)
        assert source.total < 300_000


def test_an_empty_archive_and_a_torch_archive_are_not_taken_for_arrays():
    assert sniff(zipped([("archive/data.pkl", b"\x80\2}."), ("archive/data/0", b"x")])) is not NPZ
    assert not NPZ.sniff(b"PK\3\4", BytesSource(b"PK\3\4"))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_member_without_suffix_is_an_array_where_its_bytes_say_so(method):
    source = zipped([("w", npy(np.arange(3)))], method)
    found = index(source)
    assert [info.name for info in found.tensors] == ["w"]
    assert NPZ.read(source, found.tensors[0]).tolist() == [0, 1, 2]


def test_arrays_of_texts_dates_and_fields_are_told_and_the_others_read():
    source = npz(np.savez, names=np.array(["a", "b"]), when=np.zeros(2, "M8[D]"), w=np.ones(2))
    found = index(source)
    assert [info.name for info in found.tensors] == ["w"]
    assert [(item.code, item.severe) for item in found.anomalies] == [("npz.unsupported-type", False)] * 2


def test_a_member_that_is_no_array_is_told():
    found = index(zipped([("a.npy", npy(np.zeros(2))), ("readme.txt", b"hello")]))
    assert [item.code for item in found.anomalies] == ["npz.other-member"]


def test_what_follows_an_array_inside_its_member_is_told():
    found = index(zipped([("a.npy", npy(np.zeros(2)) + b"more")]))
    assert [item.code for item in found.anomalies] == ["npy.trailing-bytes"]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_flipped_bit_is_found_when_the_array_is_read(save):
    whole = npz(save, a=np.random.default_rng(1).normal(size=1000))
    data = bytearray(whole.read_at(0, whole.size))
    data[len(data) // 2] ^= 1
    source = BytesSource(bytes(data), "flipped.npz")
    with pytest.raises(FormatError, match=r"checksum|inflate"):
        NPZ.read(source, index(source).tensors[0])


def test_two_members_for_one_name_are_refused():
    with pytest.raises(FormatError, match="named 'a'"):
        index(zipped([("a.npy", npy(np.zeros(2))), ("a", npy(np.ones(2)))]))


def test_a_member_whose_array_is_longer_than_itself_is_refused():
    with pytest.raises(TruncatedError, match="ends at byte"):
        index(zipped([("a.npy", npy(np.zeros(100))[:-8])]))


def test_a_method_that_numpy_does_not_write_is_refused():
    with pytest.raises(UnsupportedError, match="method 12"):
        index(zipped([("a.npy", npy(np.zeros(100)))], zipfile.ZIP_BZIP2))


def test_a_size_that_deflate_cannot_reach_is_refused():
    source = zipped([("a.npy", npy(np.zeros(100)))], zipfile.ZIP_DEFLATED)
    data = source.read_at(0, source.size)
    claimed = data.replace(struct.pack("<I", 928), struct.pack("<I", 2**31))
    assert claimed != data
    with pytest.raises(FormatError, match=r"to 2,147,483,648"):
        index(BytesSource(claimed, "bomb.npz"))


def test_an_array_that_inflates_beyond_the_bound_is_listed_and_not_read(monkeypatch):
    monkeypatch.setattr("weighbridge.formats.npz.MAX_INFLATED", 10_000)
    source = npz(np.savez_compressed, zeros=np.zeros(10_000))
    info = index(source).tensors[0]
    assert info.nbytes == 80_000
    with pytest.raises(LimitError, match="80,128 bytes"):
        NPZ.read(source, info)


def test_names_that_differ_in_case_only_are_two_arrays():
    source = npz(np.savez, W=np.zeros(2), w=np.ones(2))
    assert [info.name for info in index(source).tensors] == ["W", "w"]
