"""A name from elsewhere stays below its folder, or is refused."""

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.errors import UnsafePathError
from weighbridge.tensors import safe_relative_name

REFUSED = [
    "", "/etc/passwd", "../up", "a/../b", "a/./b", "a//b", "a/", ".", "..", "a\\b", "..\\up", "nul\0byte",
    "line\nbreak", "C:/windows", "C:", "C:name", "a::", "x" * 2000, "s" * 256, "lone\ud800surrogate",
]  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_leave_the_folder_is_refused(name):
    with pytest.raises(UnsafePathError):
        safe_relative_name(name)


@pytest.mark.parametrize("name", ["model.safetensors", "a/b/c.bin", "..a", "a..b", "öäü/模型.bin", ".gitattributes"])
def test_honest_names_pass_unchanged(name):
    assert safe_relative_name(name) == name


@given(st.text(st.sampled_from("ab./\\:\0 ~"), max_size=12))
def test_whatever_passes_stays_below_on_every_system(name):
    try:
        safe_relative_name(name)
    except UnsafePathError:
        return
    for path in (PurePosixPath(name), PureWindowsPath(name)):
        assert not path.is_absolute()
        assert not path.anchor
        assert ".." not in path.parts
