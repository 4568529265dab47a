"""The hashes agree with those that hf_xet 1.8.0 computed."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.errors import FormatError
from weighbridge.wire.xet import hashing

# What hf_xet 1.8.0 sent for two files in one upload: chunk lengths, file hashes, term proofs and the xorb's name.
NOISE = hashlib.shake_256(b"weighbridge").digest(700_000)
NOISE_CUTS = (73727, 25677, 80894, 25087, 16811, 124917, 131072, 86543, 32182, 68771, 17060, 17259)
NOISE_HASH = "12731410055f6e26bc3aceab3162d7279951b607532e24ef58fa5d1e4a888d21"
NOISE_TERM = "b15e356ef204c7fb272db66ebbeeb57e8448c89a4749cd4fa65e9c0834d1218c"
COUNTER = b"".join(number.to_bytes(4, "little") for number in range(150_000))
COUNTER_CUTS = (36274, 11657, 60501, 8707, 47991, 131072, 48947, 28350, 32233, 61910, 131072, 1286)
COUNTER_HASH = "4a6dee975668e1c22dac43e4c648afee4957fe0a9b8d231ebd1911983efd6143"
COUNTER_TERM = "2c37ba4c69eb76f3921f7a86971ec613b992d5bea4d8f5211a631d16e3466029"
BOTH_XORB = "89975f480ee6ffa8580dc0b18b053905b661ec84aead4ab81168e7b372d4693e"


def nodes(data: bytes, cuts: tuple[int, ...]) -> list[hashing.Node]:
    found, start = [], 0
    for length in cuts:
        found.append((hashing.chunk_hash(data[start : start + length]), length))
        start += length
    assert start == len(data)
    return found


@pytest.mark.parametrize(
    ("data", "cuts", "file", "term"),
    [(NOISE, NOISE_CUTS, NOISE_HASH, NOISE_TERM), (COUNTER, COUNTER_CUTS, COUNTER_HASH, COUNTER_TERM)],
    ids=["noise", "counter"],
)
def test_a_file_and_its_term_hash_as_the_real_client_hashes_them(data, cuts, file, term):
    chunks = nodes(data, cuts)
    assert hashing.to_text(hashing.file_hash(chunks)) == file
    assert hashing.to_text(hashing.term_hash(b"".join(digest for digest, _ in chunks))) == term


def test_a_xorb_is_named_as_the_real_client_names_it():
    chunks = nodes(NOISE, NOISE_CUTS) + nodes(COUNTER, COUNTER_CUTS)
    assert hashing.to_text(hashing.xorb_hash(chunks)) == BOTH_XORB


def test_the_real_client_hashes_small_files_the_same(tmp_path):
    hf_xet = pytest.importorskip("hf_xet")
    contents = [b"w", b"weigh" * 100, bytes(8000)]
    paths = []
    for number, content in enumerate(contents):
        path = tmp_path / str(number)
        path.write_bytes(content)
        paths.append(str(path))
    theirs = [info.hash for info in hf_xet.hash_files(paths)]
    ours = [hashing.to_text(hashing.file_hash([(hashing.chunk_hash(c), len(c))])) for c in contents]
    assert ours == theirs


def test_text_reverses_each_eight_bytes():
    digest = bytes(range(32))
    assert hashing.to_text(digest) == "07060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a1918"


@given(st.binary(min_size=32, max_size=32))
def test_text_round_trips(digest):
    assert hashing.from_text(hashing.to_text(digest)) == digest


@pytest.mark.parametrize(
    "text", ["", "0" * 63, "0" * 65, "G" * 64, "A" * 64, "+" + "0" * 63, "٠" * 64, "../" + "0" * 61]
)
def test_anything_but_64_hex_digits_is_refused(text):
    with pytest.raises(FormatError, match="64 lowercase hex digits"):
        hashing.from_text(text)


def test_no_chunks_hash_to_zeros():
    assert hashing.xorb_hash([]) == hashing.file_hash([]) == hashing.ZERO_HASH


def test_order_and_length_of_chunks_matter():
    one, other = (hashing.chunk_hash(b"one"), 3), (hashing.chunk_hash(b"other"), 5)
    assert hashing.file_hash([one, other]) != hashing.file_hash([other, one])
    assert hashing.file_hash([one, other]) != hashing.file_hash([one, (other[0], 6)])


def level_by_level(nodes: list[hashing.Node]) -> bytes:
    """The grouping rule as one would say it: whole levels, one after another."""
    while len(nodes) > 1:
        above, start = [], 0
        while start < len(nodes):
            limit = min(start + 9, len(nodes))
            cuts = (i + 1 for i in range(start + 2, limit) if int.from_bytes(nodes[i][0][24:], "little") % 4 == 0)
            stop = next(cuts, limit)
            above.append(hashing._parent(nodes[start:stop]))
            start = stop
        nodes = above
    return nodes[0][0]


@given(st.lists(st.integers(0, 7), min_size=1, max_size=300))
def test_streaming_groups_as_whole_levels_do(lowest_bytes):
    nodes = [(bytes([n % 256] * 24 + [low] + [0] * 7), n + 1) for n, low in enumerate(lowest_bytes)]
    assert hashing.xorb_hash(iter(nodes)) == level_by_level(nodes)
