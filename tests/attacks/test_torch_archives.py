"""Attacks by PyTorch's archives, each told and then tried."""

import io
import struct
import zipfile

import pytest

from weighbridge import formats
from weighbridge.errors import FormatError, LimitError, TruncatedError, UnsupportedError, WeighbridgeError
from weighbridge.formats import Verdict, _zip, torch_zip
from weighbridge.formats.pickle import found as found_module
from weighbridge.tensors import BytesSource

EVIL = b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R."


def tensor_pickle(shape=(4,), strides=None, offset=0, count=4, key="0", kind="FloatStorage", prefix=b"") -> bytes:
    """The pickle of one tensor, every number as the attacker likes it."""

    def numbers(values) -> bytes:
        return b"(" + b"".join(number(value) for value in values) + b"t"

    def number(value) -> bytes:
        return b"\x8a\x0a" + value.to_bytes(10, "little", signed=True)

    def text(value: str) -> bytes:
        return b"X" + len(value).to_bytes(4, "little") + value.encode()

    storage = (
        b"(" + text("storage") + b"ctorch\n" + kind.encode() + b"\n" + text(key) + text("cpu") + number(count) + b"tQ"
    )
    strides = strides if strides is not None else [1] * len(shape)
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(offset) + numbers(shape) + numbers(strides)
    return b"\x80\x02" + prefix + b"}" + text("w") + tensor + b"\x89}tRs."


def archive(members: list[tuple[str, bytes]], method=zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, data in members:
            made.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def model(pickled: bytes = b"", storage: bytes = bytes(16), **options) -> bytes:
    return archive([("m/data.pkl", pickled or tensor_pickle()), ("m/data/0", storage), ("m/version", b"3")], **options)


def index(data: bytes):
    return formats.index(BytesSource(data, "model.pt"))


def codes(found) -> set[str]:
    return {anomaly.code for anomaly in found.anomalies}


def test_the_honest_file_of_these_stories_is_read():
    found = index(model())
    assert [(info.name, info.shape) for info in found.tensors] == [("w", (4,))]
    assert found.anomalies == ()
    assert found.pickles[0].verdict is Verdict.ALLOWED


@pytest.mark.parametrize(
    "lie",
    [
        {"shape": (5,)},
        {"shape": (4,), "offset": 1},
        {"shape": (4,), "offset": -1},
        {"shape": (-4,)},
        {"shape": (2, 2), "strides": (2, 2)},
        {"shape": (2,), "strides": (-1,)},
        {"shape": (2, 2), "strides": (1,)},
        {"shape": (2**40, 2**40), "strides": (0, 2**70)},
        {"shape": (2**70,)},
        {"shape": (0, 2**70)},
        {"shape": (2, 2), "strides": (2**63, 2**63)},
        {"count": 5, "shape": (5,)},
        {"count": 2**62},
        {"count": -1},
        {"key": "7"},
        {"key": "../../etc/passwd"},
        {"shape": (1,) * 100},
    ],
    ids=str,
)
def test_a_tensor_cannot_reach_outside_its_storage(lie):
    """Sizes, strides and offsets are numbers in the pickle: a reader that believes them reads its own memory."""
    with pytest.raises(FormatError):
        index(model(tensor_pickle(**lie)))


def test_four_bytes_cannot_become_a_terabyte():
    """Strides of zero repeat one element without end: harmless until somebody copies the tensor."""
    with pytest.raises(LimitError, match="only 16 are stored"):
        index(model(tensor_pickle(shape=(2**20, 2**20), strides=(0, 0))))
    assert index(model(tensor_pickle(shape=(1000, 4), strides=(0, 1)))).tensors[0].shape == (1000, 4)
    assert found_module._MOST_TIMES == 64


def test_an_unknown_storage_is_not_guessed():
    assert "not read" in index(model(tensor_pickle(kind="WeirdStorage"))).metadata["w"]


def test_two_members_of_one_name_are_refused():
    """Readers that take the first and readers that take the last would load different pickles."""
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = archive([("m/data.pkl", tensor_pickle()), ("m/data.pkl", EVIL)])
    with pytest.raises(FormatError, match="two members"):
        index(data)


def test_names_that_differ_in_case_only_are_refused():
    """PyTorch's own reader looks names up without regard to case."""
    with pytest.raises(FormatError, match="case"):
        index(archive([("m/data.pkl", tensor_pickle()), ("m/DATA.PKL", EVIL), ("m/data/0", bytes(16))]))


def test_a_second_data_pkl_is_refused():
    with pytest.raises(FormatError, match="has 2 files"):
        index(archive([("m/data.pkl", tensor_pickle()), ("n/data.pkl", EVIL), ("m/data/0", bytes(16))]))


def test_a_name_that_differs_at_the_members_bytes_is_refused():
    """The directory says data.pkl, the bytes say otherwise: scanners that trust one never see the other's file."""
    data = bytearray(model())
    data[30:33] = b"n/D"
    with pytest.raises(FormatError, match="named differently"):
        index(bytes(data))


@pytest.mark.parametrize("field", ["method", "size"])
def test_a_directory_that_contradicts_the_bytes_is_refused(field):
    data = bytearray(model())
    at = {"method": 8, "size": 22}[field]
    data[at] ^= 8
    with pytest.raises(FormatError):
        index(bytes(data))


@pytest.mark.parametrize("flag", [0x1, 0x40, 0x41, 0x2000])
def test_a_flag_that_makes_scanners_give_up_does_not_hide_the_pickle(flag):
    """Python's zipfile refuses what is marked as encrypted; PyTorch's reader does not look, and loads it."""
    data = bytearray(model(EVIL))
    data[6:8] = struct.pack("<H", flag)
    found = index(bytes(data))
    assert found.pickles[0].verdict is Verdict.DANGEROUS
    assert {"zip.encrypted-flag", "zip.flags"} <= codes(found)


def test_a_wrong_checksum_does_not_hide_the_pickle():
    """Python's zipfile stops at a wrong checksum; PyTorch's reader does not check it."""
    data = bytearray(model(EVIL))
    directory = data.rindex(b"PK\1\2", 0, data.index(b"PK\1\2") + 4)
    data[directory + 16] ^= 0xFF
    found = index(bytes(data))
    assert found.pickles[0].verdict is Verdict.DANGEROUS
    assert "zip.crc" in codes(found)


def test_two_archives_in_one_file_are_refused():
    """Readers that search from the front and readers that search from the end find different archives."""
    for data in (model() + model(EVIL), model(EVIL) + model(), model() + b"trailing", b"PK\x03\x04front" + model()):
        with pytest.raises(WeighbridgeError):
            index(data)


def test_an_end_record_in_the_comment_is_refused():
    """The archive's comment holds a second end record, for the readers that search backwards."""
    first = model()
    fake = first[first.rindex(b"PK\5\6") :]
    data = first[:-2] + struct.pack("<H", len(fake)) + fake
    with pytest.raises(FormatError):
        index(data)


def test_a_member_that_no_directory_lists_is_noticed():
    """A local header between two members: invisible to those who read the directory, loot for those who do not."""
    hidden = archive([("m/hidden.pkl", EVIL)])
    hidden = hidden[: hidden.index(b"PK\1\2")]
    plain = model()
    start = plain.index(b"PK\1\2")
    end = plain.rindex(b"PK\5\6")
    record = bytearray(plain[end:])
    struct.pack_into("<I", record, 16, start + len(hidden))
    assert "zip.hidden-member" in codes(index(plain[:start] + hidden + plain[start:end] + bytes(record)))


def test_members_that_overlap_are_refused():
    """The quine trick: many members of the directory point to the same bytes, and unpacking never ends."""
    data = bytearray(model())
    second = data.index(b"PK\1\2", data.index(b"PK\1\2") + 4)
    data[second + 42 : second + 46] = struct.pack("<I", 10)
    with pytest.raises(FormatError):
        index(bytes(data))


def test_a_zip_bomb_is_not_inflated(cheaply, monkeypatch):
    """A compressed pickle of a megabyte that inflates to a gigabyte, and one whose header denies it."""
    monkeypatch.setattr(torch_zip, "MAX_PICKLE", 1 << 20)
    bomb = model(tensor_pickle(prefix=b"N0" * (4 << 20)), method=zipfile.ZIP_DEFLATED)
    with cheaply(megabytes=8), pytest.raises(LimitError, match="inflate"):
        index(bomb)
    lying = bytearray(bomb)
    for at in (22, lying.index(b"PK\1\2") + 24):
        lying[at : at + 4] = struct.pack("<I", 1000)
    with cheaply(megabytes=8), pytest.raises(FormatError, match="does not inflate to"):
        index(bytes(lying))


def test_methods_that_we_do_not_know_are_refused():
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with pytest.raises(UnsupportedError, match="method"):
            index(model(method=method))


def test_a_directory_of_a_million_members_is_not_read(cheaply):
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 46 * 0xFFFF, 30, 0)
    end64 = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 10**9, 10**9, 46 * 10**9, 30)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, 30, 1)
    with cheaply(megabytes=2), pytest.raises(FormatError):
        _zip.read_archive(BytesSource(b"PK\3\4" + bytes(26) + end64 + locator + end))


def test_a_pickle_hidden_as_a_storage_is_found():
    """data/1 is no storage of the tensor's: it waits for a program that loads it."""
    found = index(archive([("m/data.pkl", tensor_pickle()), ("m/data/0", bytes(16)), ("m/data/1", EVIL)]))
    assert {(scan.member, scan.verdict) for scan in found.pickles} == {
        ("m/data.pkl", Verdict.ALLOWED),
        ("m/data/1", Verdict.DANGEROUS),
    }
    assert "torch.unused-storages" in codes(found)


def test_compiled_code_in_the_archive_is_noticed():
    assert "torch.native-code" in codes(
        index(archive([("m/data.pkl", tensor_pickle()), ("m/data/0", bytes(16)), ("m/x.so", b"\x7fELF")]))
    )


def test_a_storage_longer_than_its_tensor_is_noticed():
    """Bytes that no tensor shows are a place to hide in, and the hub would store them."""
    assert "torch.storage-size" in codes(index(model(storage=bytes(64))))


@pytest.mark.parametrize("length", range(0, 700, 13))
def test_a_file_cut_short_is_refused(length):
    data = model()
    assert len(data) < 700 or length < len(data)
    if length < len(data):
        with pytest.raises(WeighbridgeError):
            index(data[:length])


# The legacy format


def legacy(saved: bytes = b"", keys: bytes = b"\x80\x02]X\x01\0\0\x000a.", storages: bytes | None = None) -> bytes:
    magic = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
    system = b"\x80\x02}X\x0d\0\0\0little_endian\x88s."
    raw = struct.pack("<q", 4) + bytes(16) if storages is None else storages
    return magic + b"\x80\x02M\xe9\x03." + system + (saved or tensor_pickle()) + keys + raw


def test_the_honest_legacy_file_of_these_stories_is_read():
    found = index(legacy())
    assert found.format == "torch-legacy"
    assert [(info.name, info.shape) for info in found.tensors] == [("w", (4,))]
    assert found.anomalies == ()


@pytest.mark.parametrize("place", range(5))
def test_each_of_the_five_pickles_is_judged(place):
    """Loading runs all five; scanners that look at the fourth only miss the magic number that calls os.system."""
    parts = [
        b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
        b"\x80\x02M\xe9\x03.",
        b"\x80\x02}.",
        tensor_pickle(),
        b"\x80\x02].",
    ]
    call = b"cos\nsystem\nX\x04\0\0\0true\x85R0"
    parts[place] = parts[place][:2] + call + parts[place][2:]
    found = index(b"".join(parts) + struct.pack("<q", 4) + bytes(16))
    assert Verdict.DANGEROUS in {scan.verdict for scan in found.pickles}


@pytest.mark.parametrize(
    ("lie", "error"),
    [
        ({"storages": struct.pack("<q", 2**62)}, TruncatedError),
        ({"storages": struct.pack("<q", -1)}, FormatError),
        ({"storages": struct.pack("<q", 2**63 - 1)}, TruncatedError),
        ({"storages": b"\1\2\3"}, TruncatedError),
        ({"storages": b""}, TruncatedError),
        ({"storages": struct.pack("<q", 3) + bytes(12)}, FormatError),
        ({"keys": b"\x80\x02]X\x01\0\0\x007a."}, FormatError),
        ({"keys": b"\x80\x02](X\x01\0\0\x000X\x01\0\0\x000e."}, FormatError),
        ({"keys": b"\x80\x02]."}, FormatError),
        ({"keys": b"\x80\x02N."}, FormatError),
        ({"saved": tensor_pickle(shape=(5,))}, FormatError),
        ({"saved": tensor_pickle(count=5, shape=(5,))}, FormatError),
    ],
)
def test_counts_and_keys_that_lie_are_refused(lie, error):
    with pytest.raises(error):
        index(legacy(**lie))


def test_what_follows_the_last_storage_is_noticed():
    """Another pickle for whoever loads twice, or an archive for whoever looks from the end."""
    found = index(legacy() + EVIL)
    assert "torch.trailing-bytes" in codes(found)
    assert Verdict.DANGEROUS in {scan.verdict for scan in found.pickles}
    assert "zip archive" in index(legacy() + model(EVIL)).anomalies[0].message


def test_the_tar_archives_of_the_first_versions_are_recognised_and_refused():
    """torch.load still opens them, by unpickling three of their members; nobody has a reason to publish one."""
    import tarfile

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            entry = tarfile.TarInfo(name)
            entry.size = len(EVIL)
            tar.addfile(entry, io.BytesIO(EVIL))
    with pytest.raises(UnsupportedError, match="tar archive"):
        index(out.getvalue())
