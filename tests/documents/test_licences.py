"""Licences: by which names they are known, and which do not go together."""

import pytest

from weighbridge.documents.licences import conflicts, is_unnamed, known, spdx


def test_names_of_cards_and_of_spdx_are_the_same_licence():
    assert [known(name) for name in ("Apache-2.0", "apache-2.0", " MIT ")] == ["apache-2.0", "apache-2.0", "mit"]
    assert (spdx("gpl-3.0"), spdx("llama3"), spdx("ours")) == ("GPL-3.0-only", "", "")
    assert (known("nobody's"), is_unnamed("other"), is_unnamed("mit")) == ("", True, False)


@pytest.mark.parametrize(
    ("declared", "source", "why"),
    [
        ("mit", "cc-by-nc-4.0", "commercial"),
        ("apache-2.0", "gpl-3.0", "same licence"),
        ("apache-2.0", "llama3", "conditions"),
        ("cc-by-nc-4.0", "cc-by-nd-4.0", "changed versions"),
        ("cc-by-4.0", "cc-by-nc-sa-4.0", "commercial"),
        ("cc-by-nc-4.0", "cc-by-nc-sa-4.0", "same licence"),
    ],
)
def test_what_does_not_go_together_is_named(declared, source, why):
    (found,) = conflicts([declared], [("lab/base", source)])
    assert (found.source, found.licence, found.declared) == ("lab/base", source, declared)
    assert why in found.why


@pytest.mark.parametrize(
    ("declared", "source"),
    [
        ("apache-2.0", "mit"),
        ("gpl-3.0", "mit"),
        ("llama3", "llama3"),
        ("cc-by-nc-4.0", "cc-by-nc-4.0"),
        ("GPL-3.0-only", "gpl-3.0"),
        ("mit", "nobody's"),
        ("ours", "gpl-3.0"),
    ],
)
def test_what_goes_together_or_is_not_known_is_not_named(declared, source):
    assert list(conflicts([declared], [("lab/base", source)])) == []
