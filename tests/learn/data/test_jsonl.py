"""Texts by JSONL: found keys, labels of each type, and lines that are told by their number."""

import json

import pytest

from weighbridge.errors import DataError, FormatError
from weighbridge.learn import data
from weighbridge.learn.recipe import DataSpec


def written(folder, lines, name="texts.jsonl"):
    (folder / name).write_text("\n".join(each if isinstance(each, str) else json.dumps(each) for each in lines))
    return DataSpec(path=name, split={"test": 0.25})


def test_texts_and_labels_are_read_where_they_lie(tmp_path):
    lines = [{"text": f"text {n} é", "label": "even" if n % 2 == 0 else "odd"} for n in range(40)]
    spec = written(tmp_path, [*lines[:20], "", *lines[20:], {"text": "text 3 é", "label": "odd"}])
    splits = data.load(spec, where=tmp_path)
    assert splits.facts.classes == ("even", "odd")
    assert (len(splits.train), len(splits.test)) == (30, 10)  # the repeated line is gone
    for part in (splits.train, splits.test):
        for index, target in enumerate(part.targets):
            number = int(part.raw(index).split()[1])
            assert target == number % 2


def test_language_needs_no_label(tmp_path):
    spec = written(tmp_path, [{"content": f"line {n}"} for n in range(8)])
    assert data.load(spec, where=tmp_path).facts.task == "language"


def test_files_and_columns_say_the_split(tmp_path):
    written(tmp_path, [{"text": f"a {n}", "label": n % 2} for n in range(6)], "train.jsonl")
    written(tmp_path, [{"text": f"b {n}", "label": n % 2} for n in range(4)], "test.jsonl")
    splits = data.load(DataSpec(path="."), where=tmp_path)
    assert (len(splits.train), len(splits.test)) == (6, 4)
    folder = tmp_path / "column"
    folder.mkdir()
    rows = [{"text": f"a {n}", "label": n % 2, "fold": "dev" if n > 5 else "train"} for n in range(8)]
    written(folder, rows)
    splits = data.load(DataSpec(path="column", split={"column": "fold"}), where=tmp_path)
    assert (len(splits.train), len(splits.validation)) == (6, 2)


@pytest.mark.parametrize(
    ("lines", "error", "told"),
    [
        ([{"text": "a", "label": 1}, "{"], FormatError, r"texts\.jsonl:2.*JSON"),
        ([{"text": "a", "label": 1}, "[1]"], FormatError, r"texts\.jsonl:2.*list"),
        ([{"text": "a", "label": 1}, {"text": 5, "label": 1}], DataError, "'text' is int"),
        ([{"text": "a", "label": 1}, {"text": "b"}], DataError, "has no 'label'"),
        ([{"text": "a", "label": 1}, {"text": "b", "label": "x"}], DataError, "text and labels that are numbers"),
        ([{"text": "a", "label": 1}, {"text": "b", "label": None}], DataError, "NoneType"),
        ([{"foo": 1}], DataError, "keys are foo"),
        ([""], DataError, "holds no samples"),
    ],
)
def test_bad_lines_are_told_by_number(tmp_path, lines, error, told):
    spec = written(tmp_path, lines)
    with pytest.raises(error, match=told):
        data.load(spec, where=tmp_path)
