"""PyTorch's legacy format: what only its oldest files hold. What today's torch writes is in test_torch_zip."""

import io
import struct

import numpy as np
import pytest

from weighbridge import formats
from weighbridge.tensors import BytesSource

MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
HEAD = MAGIC + b"\x80\x02M\xe9\x03.\x80\x02}X\r\0\0\0little_endian\x88s."
VALUES = np.arange(12, dtype="f4")


def text(value: str) -> bytes:
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def storage(key: str, view: bytes, kind: bytes = b"Float") -> bytes:
    return (
        b"(" + text("storage") + b"ctorch\n" + kind + b"Storage\n" + text(key) + text("cpu") + b"K\x0c" + view + b"tQ"
    )


def file_of(tensor: bytes) -> BytesSource:
    keys = b"\x80\x02]" + text("94") + b"a."
    return BytesSource(
        HEAD + b"\x80\x02}" + text("w") + tensor + b"s." + keys + struct.pack("<q", 12) + VALUES.tobytes()
    )


def read(source):
    (info,) = formats.index(source).tensors
    return formats.sniff(source).read(source, info)


def test_a_view_of_a_storage_begins_at_its_offset():
    """Files of before version 0.4 name a view: its key, its offset and its length."""
    view = b"(" + text("95") + b"K\x04K\x06t"
    source = file_of(b"ctorch._utils\n_rebuild_tensor\n(" + storage("94", view) + b"K\x01K\x03\x85K\x01\x85tR")
    np.testing.assert_array_equal(read(source), VALUES[5:8])


def test_a_tensor_of_the_first_versions_is_an_object_with_a_state():
    state = b"(" + storage("94", b"N") + b"K\x00(K\x03K\x04t(K\x04K\x01ttb"
    source = file_of(b"ctorch\nFloatTensor\n)\x81" + state)
    np.testing.assert_array_equal(read(source), VALUES.reshape(3, 4))


def test_the_whole_file_holds_data_and_header_and_nothing_else():
    source = file_of(b"ctorch._utils\n_rebuild_tensor\n(" + storage("94", b"N") + b"K\x00K\x0c\x85K\x01\x85tR")
    index = formats.index(source)
    assert index.format == "torch-legacy"
    assert index.extents[-1].end == source.size
    assert len(index.pickles) == 5
    assert index.anomalies == ()


@pytest.mark.parametrize("protocol", [0, 2, 3, 4, 5])
def test_the_magic_number_is_known_in_every_protocol(protocol):
    torch = pytest.importorskip("torch")
    file = io.BytesIO()
    torch.save({"a": 1}, file, _use_new_zipfile_serialization=False, pickle_protocol=protocol)
    assert formats.index(BytesSource(file.getvalue())).format == "torch-legacy"
