from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from weighbridge.server.web import units


@pytest.mark.parametrize(
    ("nbytes", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (90_868_376, "90.9 MB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (10**15, "1.00 PB"),
        (10**19, "10000 PB"),
    ],
)
def test_sizes_are_in_decimal_units_with_three_digits(nbytes, text):
    assert units.size(nbytes) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (9_999, "9,999"), (10_000, "10.0k"), (22_713_728, "22.7M"), (999_900_000, "1.00B")]
)
def test_counts_are_exact_while_they_are_small(number, text):
    assert units.count(number) == text


def test_a_share_is_never_rounded_to_nothing_or_everything():
    assert [units.percent(share) for share in (0, 0.0004, 0.173, 0.9996, 1)] == [
        "0 %",
        "< 0.1 %",
        "17.3 %",
        "> 99.9 %",
        "100 %",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "just now"),
        (44, "just now"),
        (61, "1 minute ago"),
        (7200, "2 hours ago"),
        (86400 * 3, "3 days ago"),
        (86400 * 40, "1 month ago"),
        (86400 * 400, "1 year ago"),
    ],
)
def test_ages_are_in_their_largest_whole_unit(seconds, text):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert units.age(now - timedelta(seconds=seconds), now) == text


def test_a_time_without_a_zone_is_utc():
    assert units.iso(datetime(2026, 1, 2, 3, 4, 5)) == "2026-01-02T03:04:05+00:00"
    assert units.moment(datetime(2026, 1, 2, 3, 4, 5)) == "2026-01-02 03:04:05 UTC"
