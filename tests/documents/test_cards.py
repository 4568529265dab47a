"""Cards are read with bounds, and a broken one hides no model."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.documents.cards import Card, front_matter, parse_card, parse_header
from weighbridge.errors import FormatError

CARD = b"""---
license: mit
language: [en, ja]
tags:
  - tiny
  - tiny
datasets: lab/cats
base_model: lab/base
pipeline_tag: image-classification
library_name: timm
---
# A model
"""


def test_a_card_says_what_a_model_can_be_found_by():
    card = parse_card(CARD)
    assert card.pipeline_tag == "image-classification"
    assert card.library_name == "timm"
    assert card.tags == (
        "tiny", "en", "ja", "timm", "image-classification", "license:mit", "dataset:lab/cats", "base_model:lab/base",
    )  # fmt: skip


@pytest.mark.parametrize("readme", [b"", b"# Text\n", b"---\nopen: 1\n", b"text\n---\na: b\n---\n", b"----\na: 1\n---"])
def test_a_readme_without_a_header_is_an_empty_card(readme):
    assert parse_card(readme) == Card()


def test_windows_line_ends_and_a_byte_order_mark_are_read_too():
    assert parse_card(b"\xef\xbb\xbf---\r\nlicense: mit\r\n---\r\n").data == {"license": "mit"}


@pytest.mark.parametrize(
    "header",
    [
        "a: [1, 2",
        "- a\n- b",
        "just text",
        "a: !!python/object/apply:os.system ['touch /tmp/owned']",
        "a: &a [x]\nb: *a",
        "a: " + "[" * 100_000,
        "a: " + "{b: " * 50 + "1" + "}" * 50,
        "x" * 300_000,
        "a: 9999-99-99",
        "\0",
    ],
)
def test_a_hostile_header_is_an_error_and_hides_no_model(header):
    with pytest.raises(FormatError):
        parse_header(header)
    card = parse_card(f"---\n{header}\n---\n".encode())
    assert card.data == {}
    assert card.tags == ()


def test_an_alias_bomb_costs_nothing():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(FormatError, match="alias"):
        parse_header("\n".join(lines))


def test_values_that_json_cannot_hold_become_text():
    data = parse_header("a: 2026-11-23\nb: .nan\n1: c\nd: !!binary aGk=\ne: !!set {x}")
    assert data == {"a": "2026-11-23", "b": "nan", "1": "c", "d": "b'hi'", "e": ["x"]}


@settings(deadline=None)
@given(st.text(max_size=200))
def test_whatever_a_header_is_it_gives_json_or_an_error(text):
    try:
        data = parse_header(front_matter(f"---\n{text}\n---\n"))
    except FormatError:
        return
    json.dumps(data, allow_nan=False)
