"""Protocol buffers read without a schema: every field, and a clear end for bytes that are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.scan.messages import held, number, varint

from weighbridge.errors import FormatError, LimitError, WeighbridgeError
from weighbridge.scan import protobuf
from weighbridge.scan.protobuf import Message, signed
from weighbridge.tensors import BytesSource


def read(data):
    message = Message.whole(BytesSource(data))
    return [(each.number, each.value if each.wire == 0 else message.data(each, 1 << 20)) for each in message]


def test_every_wire_type_is_read():
    fixed = varint(3 << 3 | 5) + b"abcd" + varint(4 << 3 | 1) + b"abcdefgh"
    message = Message.whole(BytesSource(number(1, 300) + held(2, "text") + fixed + number(5, -7)))
    fields = list(message)
    assert [(each.number, each.wire, each.length) for each in fields] == [
        (1, 0, 0),
        (2, 2, 4),
        (3, 5, 4),
        (4, 1, 8),
        (5, 0, 0),
    ]
    assert (fields[0].value, message.text(fields[1]), signed(fields[4].value)) == (300, "text", -7)


@given(st.lists(st.tuples(st.integers(1, 1 << 20), st.one_of(st.integers(0, (1 << 64) - 1), st.binary(max_size=300)))))
def test_what_is_written_is_read(fields):
    data = b"".join(number(at, value) if isinstance(value, int) else held(at, value) for at, value in fields)
    assert read(data) == fields


@given(st.binary(max_size=400))
def test_any_bytes_are_a_message_or_a_clear_error(data):
    fields, error = [], None
    try:
        fields = read(data)
    except WeighbridgeError as raised:
        error = raised
    assert error is None or error.message
    assert len(fields) <= len(data)


def test_large_fields_are_stepped_over(monkeypatch):
    monkeypatch.setattr(protobuf, "_WINDOW", 64)
    asked = []

    class Counted(BytesSource):
        def read_at(self, offset, length):
            asked.append(length)
            return super().read_at(offset, length)

    data = held(1, bytes(100_000)) + held(2, "end")
    message = Message.whole(Counted(data))
    assert message.text(list(message)[1]) == "end"
    assert sum(asked) < 500


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (varint(1 << 3 | 2) + varint(9) + b"abc", "ends inside field 1, which needs 9 bytes"),
        (b"\x80" * 12, "a number that does not end"),
        (b"\x08", "a number that does not end"),
        (b"\x00\x01", "a field of the number 0"),
        (varint(1 << 3 | 3), "the wire type 3"),
    ],
)
def test_what_is_no_message_is_told(data, said):
    with pytest.raises(FormatError, match=said):
        read(data)


def test_depth_and_number_of_fields_are_bounded(monkeypatch):
    message = Message.whole(BytesSource(number(1, 1) * 20))
    message.pages.left = 10
    with pytest.raises(LimitError, match="fields"):
        list(message)
    data = b""
    for _ in range(100):
        data = held(1, data)
    with pytest.raises(LimitError, match="deep"):
        deepest(Message.whole(BytesSource(data)))


def deepest(message):
    while True:
        message = message.inner(next(iter(message)))
