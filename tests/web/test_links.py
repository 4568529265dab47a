from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.hub.model import RepoId
from weighbridge.server.web import links

REPO = RepoId("model", "org", "name")


def test_kinds_other_than_models_have_a_prefix():
    assert links.repo(REPO) == "/org/name"
    assert links.repo(RepoId("dataset", "org", "name")) == "/datasets/org/name"
    assert links.at(RepoId("space", "o", "n"), "tree", "main", "a/b") == "/spaces/o/n/tree/main/a/b"


def test_a_revision_is_one_segment_and_a_path_keeps_its_slashes():
    assert links.at(REPO, "tree", "refs/pr/1", "a b/c?d") == "/org/name/tree/refs%2Fpr%2F1/a%20b/c%3Fd"


def test_empty_query_values_are_left_out():
    assert links.with_query("/x", a="", b=0, c="d e") == "/x?c=d+e"
    assert links.with_query("/x", a="") == "/x"


@given(st.text(min_size=1), st.text(min_size=1))
def test_no_name_breaks_out_of_an_attribute(revision, path):
    try:
        address = links.at(REPO, "blob", revision, path, name=path)
    except UnicodeEncodeError:
        return  # half a surrogate pair is no text, and no hub holds a path with one
    assert address.isascii()
    assert not set(address) & set("<>\"' \n\t\\`")
    assert unquote(address.split("?")[0]).startswith("/org/name/blob/")


@pytest.mark.parametrize(
    "address",
    [
        *("//evil.example", "https://evil.example", "/\\evil.example", "\\/evil.example", "/\t/evil.example"),
        *("javascript:alert(1)", "", "evil.example", "/\n/evil.example", "///evil.example"),
    ],
)
def test_signing_in_never_leads_to_another_site(address):
    assert links.local(address) == "/"


def test_signing_in_leads_back_to_where_one_was():
    assert links.local("/org/name/tree/main?page=2") == "/org/name/tree/main?page=2"
