"""`weigh inspect`: what is inside, from the headers unless values are asked for."""

import json

import numpy as np
import pytest

from weighbridge.cli.main import run
from weighbridge.formats.safetensors import write


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.safetensors"
    arrays = {f"layer.{at}.weight": np.full((2, 3), at, np.float32) for at in range(30)}
    write(path, arrays | {"norm.bias": np.ones(4, np.float16)})
    return path


def test_the_largest_tensors_are_shown_and_all_when_asked(model, capsys):
    assert run(["inspect", str(model)]) == 0
    text = capsys.readouterr().out
    assert "Tensors (20 of 31, the largest)" in text
    assert run(["inspect", str(model), "--tensors"]) == 0
    text = capsys.readouterr().out
    assert "Tensors (31 of 31)" in text
    assert "layer.29.weight" in text


def test_a_pattern_chooses_tensors(model, capsys):
    assert run(["inspect", str(model), "--match", "*.bias"]) == 0
    text = capsys.readouterr().out
    assert "Tensors (1 of 31)" in text
    assert "norm.bias" in text


def test_values_are_read_when_asked_only(model, capsys):
    assert run(["inspect", str(model), "--json"]) == 0
    checks = [result["check"] for result in json.loads(capsys.readouterr().out)["results"]]
    assert checks == ["safety.pickle", "safety.structure", "anatomy"]
    assert run(["inspect", str(model), "--json", "--statistics", "--match", "norm.*"]) == 0
    results = {result["check"]: result for result in json.loads(capsys.readouterr().out)["results"]}
    (tensor,) = results["statistics"]["facts"]["tensors"]
    assert (tensor["name"], tensor["mean"]) == ("norm.bias", 1.0)


def test_statistics_are_columns(model, capsys):
    assert run(["inspect", str(model), "--statistics", "--match", "norm.bias"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].split() == ["name", "type", "shape", "size", "min", "max", "mean", "std", "zeros", "not", "finite"]
    assert lines[-1].split() == ["norm.bias", "F16", "4", "8", "B", "1", "1", "1", "0", "0", "0"]


def test_the_page_works_without_values(model, tmp_path):
    page = tmp_path / "report.html"
    assert run(["inspect", str(model), "--html", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert 'data-wb="figure"' in text
    assert 'id="values"' not in text


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b'{"a"', b"\xff" * 16])
def test_what_cannot_be_read_leaves_2(tmp_path, capsys, content):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    assert run(["inspect", str(path)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "weigh: " in output.err
    assert "Traceback" not in output.err


def test_a_broken_neighbour_is_told_and_leaves_2(model, capsys):
    (model.parent / "broken.safetensors").write_bytes(b"\x10")
    assert run(["inspect", str(model.parent)]) == 2
    text = capsys.readouterr().out
    assert "broken.safetensors" in text
    assert "layer.29" in text


def test_hostile_names_are_written_out(tmp_path, capsys):
    path = tmp_path / "model.safetensors"
    write(path, {"\x1b[2Jgone\u202e": np.zeros(2, np.float32)})
    run(["inspect", str(path)])
    text = capsys.readouterr().out
    assert r"\x1b[2Jgone\u202e" in text
    assert "\x1b" not in text


@pytest.fixture
def evil(tmp_path):
    """A pickle that would call os.system. It is written by hand and never loaded."""
    path = tmp_path / "evil.pkl"
    path.write_bytes(b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.")
    return path


def test_what_would_run_code_leaves_2_with_the_import_and_its_place(evil, capsys):
    assert run(["inspect", str(evil)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "os.system" in output.err
    assert "byte 2" in output.err
    assert "[unsafe]" in output.err


def test_what_would_run_code_is_listed_when_asked(evil, capsys):
    assert run(["inspect", str(evil), "--allow-unsafe"]) == 1
    text = capsys.readouterr().out
    assert "pickle.dangerous-import" in text
    assert "It holds no tensors." in text
