"""Shards round-trip; damaged and hostile ones end in an error of ours."""

import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.errors import FormatError, LimitError, TruncatedError, UnsupportedError
from weighbridge.wire.xet import shard
from weighbridge.wire.xet.shard import Term, XorbRecord

HASHES = st.binary(min_size=32, max_size=32).filter(lambda digest: digest != b"\xff" * 32)
NUMBERS = st.integers(0, 2**32 - 1)
TERMS = st.builds(Term, HASHES, NUMBERS, NUMBERS, NUMBERS, HASHES)
FILES = st.lists(st.tuples(HASHES, HASHES | st.none(), st.lists(TERMS, max_size=4)), max_size=4)
XORBS = st.lists(
    st.builds(XorbRecord, HASHES, st.lists(st.tuples(HASHES, st.integers(1, 131072)), max_size=4).map(tuple), NUMBERS),
    max_size=4,
)
TERM = Term(bytes(range(32)), 0, 2, 100, bytes(range(32, 64)))
HONEST = shard.serialise([(b"f" * 32, b"s" * 32, [TERM, TERM])], [XorbRecord(b"x" * 32, ((b"c" * 32, 50),) * 2, 90)])


@given(FILES, XORBS)
def test_files_and_xorbs_come_back(files, xorbs):
    parsed = shard.parse(shard.serialise(files, xorbs))
    assert [(file.hash, file.sha256, list(file.terms())) for file in parsed.files] == files
    assert [(x.hash, x.chunks, x.nbytes) for x in parsed.xorbs] == [
        (x.hash, len(x.chunks), sum(size for _, size in x.chunks)) for x in xorbs
    ]


def test_the_sha256_is_written_with_each_eight_bytes_reversed():
    data = shard.serialise([(b"f" * 32, bytes(range(32)), [])])
    assert data[96:104] == bytes([7, 6, 5, 4, 3, 2, 1, 0])


@settings(max_examples=300)
@given(st.data())
def test_damage_is_never_more_than_an_error(data):
    broken = bytearray(HONEST)
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(broken[: data.draw(st.integers(0, len(broken)))])
    terms = []
    with contextlib.suppress(FormatError, UnsupportedError):
        terms += [term for file in shard.parse(cut).files for term in file.terms()]
    assert len(terms) <= len(HONEST) // shard.RECORD_BYTES


@pytest.mark.parametrize("length", range(0, len(HONEST), 7))
def test_every_cut_is_told(length):
    with pytest.raises(TruncatedError):
        shard.parse(HONEST[:length])


def with_u64(at: int, value: int) -> bytes:
    return HONEST[:at] + struct.pack("<Q", value) + HONEST[at + 8 :]


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        (b"GIF89a" + HONEST[6:], FormatError, "tag of a shard"),
        (with_u64(32, 3), UnsupportedError, "version 3"),
        (with_u64(40, 200), FormatError, "footer"),
        (HONEST + b"x", FormatError, "1 bytes after the last bookend"),
        (HONEST[:84] + b"\xff" * 4 + HONEST[88:], TruncatedError, "records of terms"),
        (HONEST[:80] + bytes(4) + HONEST[84:], FormatError, "without proofs"),
    ],
)
def test_each_way_to_lie_is_named(data, error, says):
    with pytest.raises(error, match=says):
        shard.parse(data)


def test_a_shard_beyond_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(shard, "MAX_SHARD_BYTES", len(HONEST) - 1)
    with pytest.raises(LimitError, match="expected at most"):
        shard.parse(HONEST)


def test_blocks_beyond_the_limit_are_refused(monkeypatch):
    monkeypatch.setattr(shard, "MAX_BLOCKS", 2)
    two, three = ([(bytes([n]) * 32, None, []) for n in range(count)] for count in (2, 3))
    assert len(shard.parse(shard.serialise(two)).files) == 2
    with pytest.raises(LimitError, match="more than 2 files"):
        shard.parse(shard.serialise(three))
