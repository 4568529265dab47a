"""7z archives: what every coder packed comes out, and what makes no sense is told."""

import bz2
import lzma
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.errors import FormatError, LimitError, WeighbridgeError
from weighbridge.scan import Status, inflating, seven_zip
from weighbridge.tensors import BytesSource

EVIL = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R."
PLAIN = {"a/words.txt": b"some words " * 500, "empty.txt": b"", "b/evil.pkl": EVIL, "z.bin": bytes(range(256)) * 9}
LZMA2 = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}]
LZMA1 = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16, "lc": 3, "lp": 0, "pb": 2}]
X86, DELTA = {"id": lzma.FILTER_X86}, {"id": lzma.FILTER_DELTA, "dist": 4}


def raw(filters):
    return lambda data: lzma.compress(data, lzma.FORMAT_RAW, filters=filters)


def deflate(data):
    machine = zlib.compressobj(9, zlib.DEFLATED, -15)
    return machine.compress(data) + machine.flush()


# How bytes are packed, and the coders in the order of the directory: method and properties.
CODERS = {
    "copy": (bytes, [(b"\x00", b"")]),
    "lzma2": (raw(LZMA2), [(b"\x21", b"\x08")]),
    "lzma": (raw(LZMA1), [(b"\x03\x01\x01", b"\x5d" + struct.pack("<I", 1 << 16))]),
    "deflate": (deflate, [(b"\x04\x01\x08", b"")]),
    "bzip2": (bz2.compress, [(b"\x04\x02\x02", b"")]),
    "x86": (raw([X86, *LZMA2]), [(b"\x03\x03\x01\x03", b""), (b"\x21", b"\x08")]),
    "delta": (raw([DELTA, *LZMA2]), [(b"\x03", b"\x03"), (b"\x21", b"\x08")]),
}


def number(value):
    return bytes([value]) if value < 0x80 else b"\xff" + struct.pack("<Q", value)


def streams(offset, packed, size, coders, sizes=()):
    """What a directory says of one packed stream, and of the files that come out of it."""
    folder = number(len(coders))
    for method, properties in coders:
        folder += bytes([len(method) | (0x20 if properties else 0)]) + method
        folder += number(len(properties)) + properties if properties else b""
    folder += b"".join(number(at) + number(at + 1) for at in range(len(coders) - 1))  # what goes into one is the next's
    divided = b""
    if sizes:
        divided = b"\x08\x0d" + number(len(sizes)) + b"\x09" + b"".join(map(number, sizes[:-1])) + b"\0"
    unpacked = b"\x07\x0b\x01\0" + folder + b"\x0c" + number(size) * len(coders) + b"\0"
    return b"\x06" + number(offset) + b"\x01\x09" + number(packed) + b"\0" + unpacked + divided + b"\0"


def part(kind, data):
    return bytes([kind]) + number(len(data)) + data


def archive(files, how="lzma2", *, packed_directory=False, modes=()):
    pack, coders = CODERS[how]
    data = b"".join(files.values())
    packed = pack(data)
    full = [len(content) for content in files.values() if content]
    names = b"\0" + b"".join(name.encode("utf-16-le") + b"\0\0" for name in files)
    empty = sum((not content) << 7 - at for at, content in enumerate(files.values()))
    told = number(len(files)) + part(14, bytes([empty])) + part(17, names)
    if modes:
        told += part(21, b"\x01\0" + b"".join(struct.pack("<I", mode << 16 | 0x8000) for mode in modes))
    directory = b"\x01\x04" + streams(0, len(packed), len(data), coders, full) + b"\x05" + told + b"\0\0"
    body = packed
    if packed_directory:
        again = raw(LZMA2)(directory)
        body += again
        directory = b"\x17" + streams(len(packed), len(again), len(directory), CODERS["lzma2"][1])
    start = struct.pack("<QQI", len(body), len(directory), zlib.crc32(directory))
    return seven_zip.MAGIC + b"\0\x04" + struct.pack("<I", zlib.crc32(start)) + start + body + directory


def unpacked(data):
    found = seven_zip.read(BytesSource(data))
    return {each.name: source.read_at(0, source.size) if source else b"" for each, source in seven_zip.parts(found)}


@pytest.mark.parametrize("how", CODERS)
@pytest.mark.parametrize("packed_directory", [False, True])
def test_every_file_comes_out(how, packed_directory):
    assert unpacked(archive(PLAIN, how, packed_directory=packed_directory)) == PLAIN


@pytest.mark.parametrize("how", CODERS)
def test_what_lies_inside_is_judged(verdict_on, how):
    verdict = verdict_on(archive(PLAIN, how), "model.7z")
    (found,) = verdict.findings
    assert (found.rule.id, found.member) == ("pickle.dangerous-import", "b/evil.pkl")


def test_names_and_links_that_lead_outside_are_told(verdict_on):
    modes = (0o100644, 0o120777)
    verdict = verdict_on(archive({"../../x": b"1", "link": b"/etc/passwd"}, modes=modes), "model.7z")
    assert {found.rule.id for found in verdict.findings} == {"archive.slip", "archive.link-outside"}


@pytest.mark.parametrize(
    ("method", "said"),
    [
        (b"\x06\xf1\x07\x01", "encrypted"),
        (b"\x03\x04\x01", "PPMd"),
        (b"\x03\x03\x01\x1b", "BCJ2"),
        (b"\x7f", "method 7f"),
    ],
)
def test_what_we_do_not_read_is_named(verdict_on, monkeypatch, method, said):
    monkeypatch.setitem(CODERS, "other", (bytes, [(method, b"")]))
    verdict = verdict_on(archive(PLAIN, "other"), "model.7z")
    assert verdict.status is Status.ERROR
    assert said in verdict.errors[0].message


def test_a_bomb_is_refused_before_it_is_unpacked(verdict_on, monkeypatch):
    monkeypatch.setattr("weighbridge.scan.judges.seven_zips.MAX_INFLATED", 1000)
    verdict = verdict_on(archive(PLAIN), "model.7z")
    assert [type(error) for error in verdict.errors] == [LimitError]


def test_a_cut_archive_could_not_be_told(verdict_on):
    data = archive(PLAIN, packed_directory=True)
    for length in (8, 40, len(data) // 2, len(data) - 1):
        assert verdict_on(data[:length], "model.7z").status is Status.ERROR


def test_files_of_a_broken_stream_are_judged_as_far_as_they_go(verdict_on):
    data = bytearray(archive({"evil.pkl": EVIL, "random.bin": bytes(range(256)) * 100}, "copy"))
    assert verdict_on(bytes(data), "a.7z").status is Status.DANGEROUS


@given(at=st.integers(0, 10_000), value=st.integers(0, 255), how=st.sampled_from(sorted(CODERS)))
def test_a_changed_byte_ends_in_files_or_a_clear_error(at, value, how):
    data = bytearray(archive(PLAIN, how))
    data[at % len(data)] = value
    error = None
    try:
        found = unpacked(bytes(data))
    except WeighbridgeError as raised:
        error, found = raised, {}
    assert error is None or error.message
    assert sum(map(len, found.values())) < 1 << 20


def test_an_empty_archive_has_no_files():
    start = struct.pack("<QQI", 0, 0, 0)
    assert unpacked(seven_zip.MAGIC + b"\0\x04" + struct.pack("<I", zlib.crc32(start)) + start) == {}


def test_a_directory_packed_for_ever_ends():
    directory = b"\x17" + streams(0, 0, 60, [(b"\x00", b"")])
    again = b"\x17" + streams(0, len(directory), len(directory), [(b"\x00", b"")])
    start = struct.pack("<QQI", len(directory), len(again), 0)
    data = seven_zip.MAGIC + b"\0\x04" + bytes(4) + start + directory + again
    with pytest.raises(FormatError):
        seven_zip.read(BytesSource(data))


def test_streams_do_not_pile_up_in_memory(monkeypatch):
    monkeypatch.setattr(inflating, "IN_ALL", 3_000)
    data = zlib.compress(bytes(2_000))
    many = [inflating.inflate("zlib", BytesSource(data), 0, len(data), f"s{at}") for at in range(20)]
    assert sum(len(each._memory) for each in many) == 2_000
    assert all(each.read_at(10, 1_900) == bytes(1_900) for each in many)
    aside = inflating._ASIDE
    assert aside.held >= 2_000
    file, end = aside._file, aside._end
    assert end == 19 * 2_000
    del many
    assert (aside._file, aside._end, file.closed) == (None, 0, True)
