"""Terminal views: findings first, nothing foreign obeyed, nothing lost when piped."""

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from weighbridge.report import CheckResult, Outcome, Report, TensorFacts
from weighbridge.report._columns import Column, aligned
from weighbridge.report.terminal import show_anatomy, show_check

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def shown(view, report, width=80, terminal=False, **options):
    text = io.StringIO()
    view(
        report,
        Console(file=text, width=width, force_terminal=terminal, color_system="standard" if terminal else None),
        **options,
    )
    return text.getvalue()


def test_findings_come_first_and_the_most_serious_of_them(report):
    text = shown(show_check, report)
    places = [text.index(word) for word in ("DANGER", "WARNING", "Checks", "could not read everything")]
    assert places == sorted(places)


@pytest.mark.parametrize("view", [show_check, show_anatomy])
@pytest.mark.parametrize("terminal", [False, True])
def test_foreign_text_is_written_out(report, view, terminal):
    text = ESCAPE.sub("", shown(view, report, width=200, terminal=terminal))
    assert r"\x1b[31m\u202e\ud800" in text
    assert "[bold]" in text
    assert text.encode("utf-8")
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text)


@pytest.mark.parametrize("view", [show_check, show_anatomy])
@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal(report, view, width):
    text = ESCAPE.sub("", shown(view, report, width=width, terminal=True))
    assert max(len(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize("view", [show_check, show_anatomy])
def test_piped_lines_end_where_their_text_ends(report, view):
    assert not [line for line in shown(view, report).splitlines() if line != line.rstrip()]


def test_every_outcome_and_reason_is_told(report):
    text = shown(show_check, report, width=300)
    for result in report.results:
        assert result.check in text
        assert f" {result.outcome} " in text


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (Outcome.PASS, "clean"),
        (Outcome.FAIL, "findings"),
        (Outcome.ERROR, "could not read"),
        (Outcome.SKIPPED, "nothing"),
    ],
)
def test_the_last_line_sums_up(outcome, verdict):
    text = shown(show_check, Report("x", (CheckResult("a", "A", outcome, reason="r"),), "0", ""))
    assert verdict in text.splitlines()[-1]


def test_a_name_is_whole_when_piped_and_cut_on_a_terminal(report, anatomy):
    long = "model." + "x" * 300 + ".weight"
    listed = (TensorFacts(long, "F32", (1,), 4, "model", "f"),)
    facts = replace(anatomy, listed=listed).to_json()
    report = Report("x", (CheckResult("anatomy", "", Outcome.PASS, facts=facts),), "0", "")
    assert long in shown(show_anatomy, report)
    assert "…" in shown(show_anatomy, report, terminal=True)


def test_ten_thousand_tensors_are_listed_at_once(anatomy):
    listed = tuple(
        TensorFacts(f"layers.{at}.weight", "F32", (64, 64), 16384, f"layers.{at}", "f") for at in range(10_000)
    )
    facts = replace(anatomy, listed=listed, tensors=10_000).to_json()
    report = Report("x", (CheckResult("anatomy", "", Outcome.PASS, facts=facts),), "0", "")
    assert shown(show_anatomy, report, tensors=True).count("\n") > 10_000
    assert shown(show_anatomy, report).count("\n") < 100


def test_without_an_anatomy_the_reason_is_told():
    report = Report("x", (CheckResult("anatomy", "", Outcome.SKIPPED, reason="there are no weights"),), "0", "")
    assert "there are no weights" in shown(show_anatomy, report)


def test_columns_stand_under_each_other():
    columns = (Column("name"), Column("size", right=True))
    assert aligned(columns, [("a", "1"), ("longer", "100")]) == ["name    size", "a          1", "longer   100"]
    assert aligned(columns, [("x" * 50, "1")], 20)[1] == "xxxxxx…xxxxxxx     1"
