"""Documents that people write: lines in errors, and hostile YAML refused."""

import pytest
from pydantic import BaseModel, ConfigDict, Field

from weighbridge.documents import fill, parse_yaml, read_yaml
from weighbridge.errors import FormatError, LimitError, PathNotFoundError, UsageError


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    steps: int = Field(default=1, ge=1)
    rate: float = 0.1


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    training: Inner = Inner()
    parts: list[Inner] | None = None


def test_values_and_their_lines():
    document = parse_yaml("a: 1\nb:\n  c: [x, y]\n  d: 2026-11-24\n", "x.yaml")
    assert document.value == {"a": 1, "b": {"c": ["x", "y"], "d": "2026-11-24"}}
    assert document.at(("b", "d")) == "x.yaml:4"
    assert document.line_of(("b", "c", 1)) == 3
    assert document.line_of(("b", "missing")) == 2


@pytest.mark.parametrize(("text", "value"), [("1e-3", 0.001), ("1.5E+4", 15000.0), ("'1e-3'", "1e-3"), ("e5", "e5")])
def test_rates_are_numbers_however_they_are_written(text, value):
    assert parse_yaml(f"rate: {text}", "x").value == {"rate": value}


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\nb: &x [1]\nc: *x", 3, "anchor"),
        ("a: 1\na: 2", 2, "twice"),
        ("a: !!python/object/apply:os.system ['true']", 1, "tag"),
        ("a: !!python/name:os.system", 1, "tag"),
        ("a: !!binary aGk=", 1, "tag"),
        ("a: !!set {x}", 1, "tag"),
        ("a: 1\nb: [1, 2\nc: 3", 3, "not valid YAML"),
        ("? [a]\n: 1", 1, "key"),
        ("a: !!int x", 1, "cannot be read"),
        ("---\na: 1\n---\nb: 2", 3, "not valid YAML"),
    ],
)
def test_what_is_not_plain_is_refused_by_line(text, line, says):
    with pytest.raises(FormatError, match=says) as caught:
        parse_yaml(text, "x.yaml")
    assert caught.value.where == f"x.yaml:{line}"


def test_size_and_depth_have_limits():
    with pytest.raises(LimitError, match="nested"):
        parse_yaml("[" * 40 + "]" * 40, "x.yaml")
    with pytest.raises(LimitError, match="larger"):
        parse_yaml("a" * ((1 << 20) + 1), "x.yaml")


def test_text_that_is_not_utf8_is_named_by_line():
    with pytest.raises(FormatError, match="0xff") as caught:
        parse_yaml(b"a: 1\nb: \xff", "x.yaml")
    assert caught.value.where == "x.yaml:2"


def test_files(tmp_path):
    (tmp_path / "a.yaml").write_text("a: 1")
    assert read_yaml(tmp_path / "a.yaml").value == {"a": 1}
    with pytest.raises(PathNotFoundError):
        read_yaml(tmp_path / "b.yaml")
    with pytest.raises(UsageError, match="folder"):
        read_yaml(tmp_path)


def test_a_document_fills_a_model():
    filled = fill(parse_yaml("name: x\ntraining: {steps: 3, rate: 1e-2}", "x.yaml"), Outer)
    assert filled == Outer(name="x", training=Inner(steps=3, rate=0.01))


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("name: x\ntraining:\n  setps: 3", "x.yaml:3", r"training.setps: is not known here; do you mean 'steps'\?"),
        ("training:\n  steps: 3", "x.yaml:1", "name: is missing"),
        ("name: x\ntraining:\n  steps: 0", "x.yaml:3", "training.steps: .*greater than or equal to 1, found 0"),
        ("name: x\ntraining:\n  steps: many", "x.yaml:3", "training.steps: .*found 'many'"),
        ("name: x\nparts:\n- steps: 1\n- zzz: 1", "x.yaml:4", "parts.1.zzz: .*known are steps, rate"),
        ("- a", "x.yaml:1", "keys and values, found a list"),
        ("", "x.yaml:1", "found nothing"),
    ],
)
def test_what_does_not_fit_is_told_by_line(text, where, says):
    with pytest.raises(FormatError, match=says) as caught:
        fill(parse_yaml(text, "x.yaml"), Outer)
    assert caught.value.where == where


def test_everything_wrong_is_told_at_once():
    with pytest.raises(FormatError) as caught:
        fill(parse_yaml("nam: x\ntraining:\n  steps: 0", "x.yaml"), Outer)
    assert "line 3: training.steps" in caught.value.hint
