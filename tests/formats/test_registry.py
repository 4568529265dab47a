"""Formats are told by their bytes; what is no weights is named for what it is."""

import io

import numpy as np
import pytest

from weighbridge.errors import UnknownFormatError
from weighbridge.formats import FORMATS, identify, index, sniff
from weighbridge.tensors import BytesSource


def npy():
    out = io.BytesIO()
    np.save(out, np.zeros(3))
    return out.getvalue()


def test_names_of_formats_are_unique():
    names = [candidate.name for candidate in FORMATS]
    assert len(names) == len(set(names))
    assert {"gguf", "npy", "npz", "safetensors"} <= set(names)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\x02\0\0\0\0\0\0\0{}", "safetensors"),
        (b"GGUF\3\0\0\0" + bytes(16), "gguf"),
        (npy(), "npy"),
    ],
)
def test_the_name_of_a_file_does_not_matter(data, name):
    for called in ("model.bin", "model.gguf", "evil.txt", ""):
        assert identify(BytesSource(data, called)).name == name
        assert index(BytesSource(data, called)).format == name


@pytest.mark.parametrize(
    ("data", "words", "hint"),
    [
        (b"", "is empty", ""),
        (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS pointer", "git lfs pull"),
        (b"<!DOCTYPE html><html>", "web page", "login"),
        (b"hello there", r"begins with b'hello there'", "reads safetensors"),
    ],
)
def test_what_is_no_weights_is_named_for_what_it_is(data, words, hint):
    with pytest.raises(UnknownFormatError, match=words) as caught:
        identify(BytesSource(data, "model.safetensors"))
    assert hint in caught.value.hint


@pytest.mark.parametrize("data", [b"", b"\0", b"PK", b"PK\3\4", b"GGU", b"\x93NUMP", bytes(4096), b"{" * 5000])
def test_what_is_too_short_or_too_plain_is_of_no_format(data):
    assert sniff(BytesSource(data)) is None


def test_an_index_of_each_plain_format_imports_neither_gguf_nor_torch():
    import subprocess
    import sys

    code = (
        "import sys; from weighbridge.formats import index; from weighbridge.tensors import BytesSource;"
        "index(BytesSource(b'GGUF\\3\\0\\0\\0' + bytes(16))); index(BytesSource(b'\\2\\0\\0\\0\\0\\0\\0\\0{}'));"
        "print([name for name in ('gguf', 'torch', 'numpy', 'ml_dtypes', 'safetensors') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ended.stdout.strip() == "[]"
