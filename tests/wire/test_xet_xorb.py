"""Xorbs round-trip; damaged and hostile ones end in an error of ours, in bounded memory."""

import contextlib
import hashlib
import io
import struct
import tracemalloc

import lz4.frame
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.errors import FormatError, LimitError, TruncatedError, UnsupportedError, WeighbridgeError
from weighbridge.wire.xet import hashing, xorb
from weighbridge.wire.xet.xorb import ChunkHeader, Scheme

CHUNK_LISTS = st.lists(st.binary(min_size=1, max_size=3000) | st.just(b"ab" * 5000), max_size=8)


def read(data: bytes) -> list[xorb.Chunk]:
    return list(xorb.read_chunks(io.BytesIO(data)))


@given(CHUNK_LISTS, st.sampled_from(Scheme))
def test_chunks_come_back_with_their_hashes(chunks, scheme):
    found = read(xorb.serialise(chunks, scheme))
    assert [chunk.data for chunk in found] == chunks
    assert [chunk.hash for chunk in found] == [hashing.chunk_hash(chunk) for chunk in chunks]


@given(CHUNK_LISTS)
def test_an_offset_leads_back_to_its_chunk(chunks):
    data = xorb.serialise(chunks, Scheme.BG4_LZ4)
    for chunk in read(data):
        assert read(data[chunk.offset :])[0].data == chunk.data


@given(st.binary(max_size=40))
def test_reading_stops_at_a_footer(footer):
    assert [chunk.data for chunk in read(xorb.serialise([b"one", b"two"]) + b"XETBLOB\x01" + footer)] == [
        b"one",
        b"two",
    ]


def test_planes_take_the_remaining_bytes_in_order():
    assert xorb.decode(ChunkHeader(Scheme.BG4_LZ4, 0, 6), lz4.frame.compress(b"aebfcd")) == b"abcdef"


@settings(max_examples=300)
@given(st.data())
def test_a_flipped_byte_gives_another_name_or_an_error(data):
    whole = bytearray(
        xorb.serialise([b"the first chunk " * 40, bytes(range(256)) * 4, b"x"], data.draw(st.sampled_from(Scheme)))
    )
    name = hashing.xorb_hash((c.hash, len(c.data)) for c in read(bytes(whole)))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    try:
        found = read(bytes(whole))
    except WeighbridgeError:
        return
    same_data = [c.data for c in found] == [b"the first chunk " * 40, bytes(range(256)) * 4, b"x"]
    assert same_data or hashing.xorb_hash((c.hash, len(c.data)) for c in found) != name


@given(st.binary(max_size=300))
def test_noise_is_never_more_than_an_error(noise):
    found = []
    with contextlib.suppress(FormatError, UnsupportedError):
        found += read(noise)
    assert sum(len(chunk.data) for chunk in found) <= 255 * len(noise)


def header(scheme: int, stored: int, raw: int, version: int = 0) -> bytes:
    return bytes([version]) + struct.pack("<I", stored)[:3] + bytes([scheme]) + struct.pack("<I", raw)[:3]


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        (b"\0\0\0", TruncatedError, "3 bytes of a chunk header"),
        (header(0, 5, 5) + b"four", TruncatedError, "4 bytes of a chunk, expected 5"),
        (header(0, 5, 6) + b"fiver", FormatError, "said to be 6"),
        (header(0, 0, 0), LimitError, "a chunk of 0 bytes"),
        (header(1, 1, xorb.MAX_CHUNK_BYTES + 1) + b"x", LimitError, "131,073"),
        (header(1, 1 << 23, 10), LimitError, "stored in"),
        (header(3, 1, 1) + b"x", UnsupportedError, "scheme 3"),
        (header(0, 1, 1, version=1) + b"x", UnsupportedError, "version 1"),
        (header(1, 9, 9) + b"junk junk", FormatError, "not an LZ4 frame"),
        (header(1, 4, 9) + b"\x04\x22\x4d\x18", FormatError, "holds 0"),
    ],
)
def test_each_way_to_lie_is_named(data, error, says):
    with pytest.raises(error, match=says) as caught:
        read(xorb.serialise([b"honest"]) + data)
    assert caught.value.where == "chunk 1 at byte 14"


@pytest.mark.parametrize("claimed", [10, 20 << 10])
def test_an_lz4_bomb_is_not_unpacked(claimed):
    bomb = lz4.frame.compress(bytes(40 << 20))
    assert len(bomb) < xorb.MAX_STORED_CHUNK_BYTES
    tracemalloc.start()
    with pytest.raises(FormatError, match="holds more"):
        read(header(1, len(bomb), claimed) + bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 << 20


def test_a_frame_with_something_behind_it_is_refused():
    frame = lz4.frame.compress(b"honest" * 10) + b"more"
    with pytest.raises(FormatError, match="does not end where"):
        read(header(1, len(frame), 60) + frame)


def test_too_many_chunks_are_refused(monkeypatch):
    monkeypatch.setattr(xorb, "MAX_CHUNKS", 3)
    assert len(read(xorb.serialise([b"x"] * 3))) == 3
    with pytest.raises(LimitError, match="more than 3 chunks"):
        read(xorb.serialise([b"x"] * 4))


def test_too_many_bytes_are_refused(monkeypatch):
    monkeypatch.setattr(xorb, "MAX_XORB_BYTES", 18)
    assert len(read(xorb.serialise([b"x"] * 2))) == 2
    with pytest.raises(LimitError, match="more than 18 bytes"):
        read(xorb.serialise([b"x"] * 3))


def test_a_xorb_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(xorb, "MAX_RAW_BYTES", 2000)
    assert len(read(xorb.serialise([bytes(1000)] * 2))) == 2
    with pytest.raises(LimitError, match="raw bytes"):
        read(xorb.serialise([bytes(1000)] * 3))


def test_64_mib_that_do_not_shrink_fit_with_their_headers():
    chunk = hashlib.shake_256(b"noise").digest(64 << 10)
    whole = xorb.serialise([chunk] * 1024, Scheme.NONE)
    assert len(whole) > 64 << 20
    assert sum(len(found.data) for found in xorb.read_chunks(io.BytesIO(whole))) == 64 << 20
