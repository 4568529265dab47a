"""Foreign text is shown, and cannot act."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.report.text import count_text, number_text, shape_text, size_text, visible


@given(st.text())
def test_nothing_hidden_is_left(text):
    shown = visible(text)
    assert shown.encode("utf-8").decode() == shown
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(st.text(), st.integers(1, 40))
def test_a_limit_is_kept(text, limit):
    assert len(visible(text, limit)) <= limit


def test_hidden_characters_are_written_out():
    assert visible("a\x1b[31m\u202eb\ud800\U000e0001\n") == r"a\x1b[31m\u202eb\ud800\U000e0001\x0a"
    assert visible("größe 重量") == "größe 重量"


def test_a_long_name_keeps_both_ends():
    assert visible("encoder.layer.11.weight", 12) == "encod…weight"


@pytest.mark.parametrize(
    ("nbytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1536, "1.54 kB"),
        (90_868_376, "90.9 MB"),
        (999_500, "1.00 MB"),
        (10**19, "10000 PB"),
    ],
)
def test_sizes_read_well(nbytes, text):
    assert size_text(nbytes) == text


def test_numbers_read_well():
    assert [count_text(999), count_text(22_713_216), count_text(7_000_000_000)] == ["999", "22.7M", "7.00B"]
    assert [number_text(None), number_text(3), number_text(0.123456)] == ["–", "3", "0.1235"]
    assert [shape_text(()), shape_text((3, 4))] == ["scalar", "3 × 4"]
