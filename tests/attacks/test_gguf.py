"""Attacks on the reader of GGUF, each told and then tried. Several are old faults of llama.cpp's own reader."""

import struct

import pytest

from weighbridge.errors import FormatError, LimitError, TruncatedError
from weighbridge.formats import index
from weighbridge.tensors import BytesSource


def text(value):
    return struct.pack("<Q", len(value)) + value


def tensor(name, dimensions, kind=0, offset=0):
    sizes = struct.pack(f"<{len(dimensions)}Q", *dimensions)
    return text(name) + struct.pack("<I", len(dimensions)) + sizes + struct.pack("<IQ", kind, offset)


def build(body, tensors=0, keys=0, data=bytes(64)):
    head = b"GGUF" + struct.pack("<IQQ", 3, tensors, keys) + body
    return BytesSource(head + bytes(-len(head) % 32) + data, "evil.gguf")


@pytest.mark.parametrize(("tensors", "keys"), [(2**61, 0), (0, 2**61), (2**64 - 1, 2**64 - 1), (2**32, 2**32)])
def test_counts_that_claim_all_memory(cheaply, tensors, keys):
    """A count times the size of an entry wraps around in 64 bits, and a small allocation is overrun."""
    with cheaply(megabytes=1), pytest.raises(FormatError, match="in a file of"):
        index(build(b"", tensors, keys))


@pytest.mark.parametrize("length", [2**64 - 1, 2**63, 2**40])
def test_a_text_that_claims_all_memory(cheaply, length):
    """Length plus one, for the closing NUL, is zero: the classic overflow of string readers in C."""
    with cheaply(megabytes=1), pytest.raises((FormatError, TruncatedError)):
        index(build(struct.pack("<Q", length), keys=1))
    with cheaply(megabytes=1), pytest.raises((FormatError, TruncatedError)):
        index(build(text(b"k") + struct.pack("<IQ", 8, length), keys=1))


@pytest.mark.parametrize("kind", range(13))
def test_an_array_that_claims_all_memory(cheaply, kind):
    """Items times their size wrap around; or the list is made before its first item is read."""
    for count in (2**64 - 1, 2**61, 2**40):
        with cheaply(megabytes=1), pytest.raises((FormatError, TruncatedError)):
            index(build(text(b"k") + struct.pack("<IIQ", 9, kind, count), keys=1))


def test_arrays_in_arrays_without_end(cheaply):
    """Each level costs twelve bytes and one call; a hundred thousand exhaust the stack."""
    with cheaply(), pytest.raises(FormatError, match="nested more than 8 deep"):
        index(build(text(b"k") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 100_000, keys=1))


def test_millions_of_empty_arrays(cheaply, monkeypatch):
    """Empty arrays are cheap to write and slow to walk. Their number has a limit."""
    monkeypatch.setattr("weighbridge.formats._gguf_header.MAX_ITEMS", 10_000)
    body = text(b"k") + struct.pack("<IIQ", 9, 9, 50_000) + struct.pack("<IQ", 0, 0) * 50_000
    with cheaply(), pytest.raises(LimitError, match="more than 10,000 items"):
        index(build(body, keys=1))


def test_an_offset_that_wraps_around():
    """The offset of a tensor added to the start of the data is small again in 64 bits, and lies before the data."""
    with pytest.raises(TruncatedError, match="lies at bytes"):
        index(build(tensor(b"t", [1], offset=2**64 - 32), tensors=1))


def test_a_shape_whose_size_wraps_around():
    """2^32 x 2^32 elements are none at all in 64 bits."""
    with pytest.raises(FormatError, match="more elements than any file"):
        index(build(tensor(b"t", [2**32, 2**32]), tensors=1))


@pytest.mark.parametrize("alignment", [0, 3, 2**31, 2**32 - 1])
def test_an_alignment_that_divides_by_zero(alignment):
    """Padding is computed modulo the alignment; zero traps, and a huge one moves the data anywhere."""
    body = text(b"general.alignment") + struct.pack("<II", 4, alignment)
    with pytest.raises(FormatError, match="power of two"):
        index(build(body, keys=1))


def test_tensors_over_each_other():
    """Two names for the same bytes under different types: what was checked is not what is used."""
    body = tensor(b"a", [8]) + tensor(b"b", [32], 8)
    with pytest.raises(FormatError, match="inside one that ends"):
        index(build(body, tensors=2))


def test_a_pickle_behind_the_tensors():
    """Bytes that belong to no tensor can carry anything; they are reported, with how many and where."""
    found = index(build(tensor(b"t", [8]), tensors=1, data=bytes(32) + b"cos\nsystem\n(S'true'\ntR." * 4))
    assert [(item.code, item.severe) for item in found.anomalies] == [("gguf.unclaimed-bytes", True)]


def test_a_chat_template_is_kept_whole_for_the_checks():
    """A template is code that inference programs run. Shortening it would hide its end from whoever judges it."""
    template = b"{# " + b"x" * 200_000 + b" #}{{ cycler.__init__.__globals__ }}"
    body = text(b"tokenizer.chat_template") + struct.pack("<I", 8) + text(template)
    assert index(build(body, keys=1)).metadata["tokenizer.chat_template"] == template.decode()


def test_texts_that_fill_memory(cheaply):
    """Thousands of texts, each within its limit. All of them together have one too."""
    body = b"".join(text(b"k%d" % n) + struct.pack("<I", 8) + text(b"x" * 2**20) for n in range(20))
    with cheaply(megabytes=64), pytest.raises(LimitError, match="bytes of text"):
        index(build(body, keys=20))


def test_a_name_that_drives_the_terminal():
    """Names come back in messages. A terminal that prints them raw obeys the escape codes in them."""
    name = b"\x1b]0;owned\x07"
    for source in (build(tensor(name, [2**62] * 3), tensors=1), build((text(name) + bytes(5)) * 2, keys=2)):
        with pytest.raises(FormatError) as caught:
            index(source)
        assert str(caught.value).isprintable()
