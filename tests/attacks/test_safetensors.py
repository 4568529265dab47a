"""Attacks on the reader of safetensors, each told and then tried."""

import io
import json
import struct
import zipfile

import pytest

from weighbridge.errors import FormatError, LimitError, TruncatedError, UnsupportedError
from weighbridge.formats import index
from weighbridge.formats.safetensors import SAFETENSORS
from weighbridge.tensors import BytesSource


def build(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return BytesSource(struct.pack("<Q", len(text)) + text + data, "evil.safetensors")


def entry(shape, begin, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize("length", [2**63 - 1, 2**64 - 1, 100_000_001])
def test_a_header_that_claims_all_memory(cheaply, length):
    """Eight bytes claim a header of exabytes; a reader that allocates first is killed. We compare with the file."""
    with cheaply(megabytes=1), pytest.raises(LimitError):
        index(BytesSource(struct.pack("<Q", length) + b'{"', "evil.safetensors"))


def test_a_header_that_is_longer_than_its_file(cheaply):
    """The claim is within the format's limit of 100 MB, but the file is not there to back it."""
    with cheaply(megabytes=1), pytest.raises(TruncatedError):
        index(BytesSource(struct.pack("<Q", 99_000_000) + b'{"a":', "evil.safetensors"))


@pytest.mark.parametrize("piece", [b"[", b'{"a":', b"[[],", b'{"a":[],'])
def test_a_header_that_unfolds(cheaply, piece):
    """Ten megabytes of brackets exhaust a recursive parser's stack, or unfold to half a gigabyte of empty lists."""
    source = build(b'{"a":' + piece * (10_000_000 // len(piece)))
    with cheaply(megabytes=32), pytest.raises(FormatError):
        index(source)


@pytest.mark.parametrize("piece", [b"[", b"[[],", b'{"a":'])
def test_a_field_that_unfolds(cheaply, piece):
    """The same, hidden in a field that readers are meant to ignore."""
    text = b'{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"note":' + piece * (10_000_000 // len(piece))
    with cheaply(megabytes=32), pytest.raises(FormatError):
        index(build(text))


@pytest.mark.parametrize("text", [b'{"' + b"\\\\" * 500_000, b'{"' + b"a" * 1_000_000, b"{" + b" " * 1_000_000])
def test_a_name_that_never_ends(cheaply, text):
    """A pattern that backtracks would try every way to cut a million backslashes. Ours never looks back."""
    with cheaply(megabytes=16), pytest.raises(FormatError):
        index(build(text))


def test_a_shape_whose_size_wraps_around():
    """2^32 x 2^32 elements are 0 in 64-bit arithmetic, which agrees with a tensor of no bytes at all."""
    with pytest.raises(FormatError, match="more elements than any file"):
        index(build({"a": entry([2**32, 2**32], 0, 0)}))


def test_bytes_that_wrap_around():
    """2^61 elements of eight bytes are 0 bytes in 64-bit arithmetic."""
    with pytest.raises(FormatError, match="takes"):
        index(build({"a": entry([2**61], 0, 0, "F64")}))


def test_a_million_tensors_of_nothing(cheaply, monkeypatch):
    """Tensors without bytes cost the attacker forty bytes each and us a thousand. Their number has a limit."""
    monkeypatch.setattr("weighbridge.formats._shape.MAX_TENSORS", 1000)
    with cheaply(), pytest.raises(LimitError, match="more than the 1,000"):
        index(build({f"t{n}": entry([0], 0, 0) for n in range(10_000)}))


def test_two_tensors_over_the_same_bytes():
    """Overlapping tensors let one checker see a tensor and another reader see a different one."""
    with pytest.raises(FormatError, match="inside tensor 'a'"):
        index(build({"a": entry([2], 0, 8), "b": entry([2], 4, 12)}, bytes(12)))


def test_one_name_for_two_tensors():
    """JSON parsers keep the first or the last of two equal keys: the file means two things at once."""
    text = f'{{"a":{json.dumps(entry([1], 0, 4))},"a":{json.dumps(entry([1], 4, 8))}}}'
    with pytest.raises(FormatError, match="'a' is listed twice"):
        index(build(text.encode(), bytes(8)))


def test_one_name_spelt_in_two_ways():
    """The second spelling of the name is escaped, so the bytes differ and the names do not."""
    text = f'{{"a":{json.dumps(entry([1], 0, 4))},"\\u0061":{json.dumps(entry([1], 4, 8))}}}'
    with pytest.raises(FormatError, match="'a' is listed twice"):
        index(build(text.encode(), bytes(8)))


def test_a_zip_behind_the_tensors():
    """A PyTorch archive behind a valid safetensors file: torch reads archives from their end and finds a pickle."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("archive/data.pkl", b"cos\nsystem\n(S'true'\ntR.")
    source = build({"a": entry([1], 0, 4)}, bytes(4) + archive.getvalue())
    with pytest.raises(FormatError, match="belong to no tensor"):
        index(source)


def test_a_zip_between_the_tensors():
    """The same in a hole between two tensors."""
    with pytest.raises(FormatError, match="leaving a hole"):
        index(build({"a": entry([1], 0, 4), "b": entry([1], 104, 108)}, bytes(108)))


ESCAPES = "\x1b]0;owned\x07\x1b[2J"


@pytest.mark.parametrize(
    "header",
    [
        {ESCAPES: {}},
        {"a": entry([1], 0, 4, ESCAPES)},
        {ESCAPES: entry([1], 4, 0)},
        {"a": {ESCAPES: 1, "dtype": ESCAPES}},
        {"__metadata__": {ESCAPES: 1}},
    ],
)
def test_a_name_that_drives_the_terminal(header):
    """Names come back in messages. A terminal that prints them raw obeys the escape codes in them."""
    with pytest.raises((FormatError, UnsupportedError)) as caught:
        SAFETENSORS.index(build(header, bytes(4)))
    assert str(caught.value).isprintable()
