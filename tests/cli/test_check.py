"""`weigh check`: exit status, JSON alone on stdout, a page in a file."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from weighbridge.checks import CHECKS
from weighbridge.cli.main import run
from weighbridge.formats.safetensors import write
from weighbridge.report import from_json

SCHEMA = json.loads((Path(__file__).parents[2] / "spec" / "report.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def clean(tmp_path):
    path = tmp_path / "clean.safetensors"
    write(path, {"layer.0.weight": np.arange(6, dtype=np.float32).reshape(2, 3)})
    return path


@pytest.fixture
def sick(tmp_path):
    path = tmp_path / "sick.safetensors"
    write(path, {"head.weight": np.array([1.0, np.nan], np.float32)})
    return path


@pytest.fixture
def cut(tmp_path, clean):
    path = tmp_path / "cut.safetensors"
    path.write_bytes(clean.read_bytes()[:-5])
    return path


def test_clean_weights_leave_0(clean, capsys):
    assert run(["check", str(clean)]) == 0
    output = capsys.readouterr()
    assert "clean: every check that applies passed" in output.out
    assert output.err == ""


def test_findings_leave_1_and_name_the_tensor(sick, capsys):
    assert run(["check", str(sick)]) == 1
    assert "head.weight" in capsys.readouterr().out


def test_what_cannot_be_read_leaves_2_and_a_report(cut, capsys):
    assert run(["check", str(cut)]) == 2
    output = capsys.readouterr().out
    assert "format.truncated" in output
    assert "Traceback" not in output


def test_no_such_file_leaves_2(tmp_path, capsys):
    assert run(["check", str(tmp_path / "nothing")]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "[input.not-found]" in output.err


@pytest.mark.parametrize("which", ["clean", "sick", "cut"])
def test_json_is_alone_on_stdout_and_keeps_the_schema(which, request, capsys):
    status = run(["check", str(request.getfixturevalue(which)), "--json"])
    text = capsys.readouterr().out
    jsonschema.validate(json.loads(text), SCHEMA)
    assert from_json(text).exit_status == status


def test_only_some_checks(sick, capsys):
    assert run(["check", str(sick), "--only", "safety", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)["results"]
    assert {result["check"].split(".")[0] for result in results} == {"safety"}


def test_an_unknown_check_leaves_2(clean, capsys):
    assert run(["check", str(clean), "--only", "beauty"]) == 2
    assert "expected one of safety.pickle" in capsys.readouterr().err


def test_the_page_is_written_beside_the_terminals_view(clean, tmp_path, capsys):
    page = tmp_path / "report.html"
    assert run(["check", str(clean), "--html", str(page)]) == 0
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    output = capsys.readouterr()
    assert "clean" in output.out
    assert str(page) in output.err
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_the_page_of_something_broken_is_written_too(cut, tmp_path):
    page = tmp_path / "report.html"
    assert run(["check", str(cut), "--html", str(page), "--json"]) == 2
    assert "format.truncated" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("target", ["no/such/folder/report.html", "."])
def test_a_page_that_cannot_be_written_leaves_2_and_no_rest(clean, tmp_path, monkeypatch, capsys, target):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert run(["check", str(clean), "--html", target]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before


def test_a_page_replaces_a_page_and_nothing_else(clean, tmp_path, capsys):
    weights = clean.read_bytes()
    assert run(["check", str(clean), "--html", str(clean)]) == 2
    assert "is not a page" in capsys.readouterr().err
    assert clean.read_bytes() == weights
    page = tmp_path / "report.html"
    assert run(["check", str(clean), "--html", str(page)]) == 0
    assert run(["check", str(clean), "--html", str(page)]) == 0


def test_the_pages_of_all_checks_can_be_read(capsys):
    assert run(["check", "--list"]) == 0
    text = capsys.readouterr().out
    assert all(each.id in text and each.page in text for each in CHECKS)


def test_a_terminal_without_utf8_is_no_reason_to_fail(clean):
    import os
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "weighbridge", "check", str(clean)],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"safety.pickle" in done.stdout


def test_a_pickle_that_would_run_code_leaves_1_and_a_report(tmp_path, capsys):
    path = tmp_path / "evil.pkl"
    path.write_bytes(b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.")
    assert run(["check", str(path), "--json"]) == 1
    report = from_json(capsys.readouterr().out)
    assert report.findings[0].code == "pickle.dangerous-import"
    assert report.findings[0].message.startswith("loading it would call os.system('true')")


@pytest.mark.parametrize("options", [[], ["--json"]])
@pytest.mark.parametrize(("weights", "status"), [("clean", 0), ("sick", 1)])
def test_a_reader_who_leaves_does_not_change_the_status(weights, status, options, request):
    path = request.getfixturevalue(weights)
    command = [sys.executable, "-m", "weighbridge", "check", str(path), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert (process.wait(), process.stderr.read()) == (status, "")


@pytest.mark.parametrize("options", ["", "--json"])
def test_a_closed_stdout_is_no_reason_to_fail(clean, options):
    command = f'"$0" -m weighbridge check "$1" {options} >&-'
    done = subprocess.run(["sh", "-c", command, sys.executable, str(clean)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_values_that_do_not_inflate_leave_2(tmp_path, capsys):
    path = tmp_path / "torn.npz"
    np.savez_compressed(path, a=np.random.default_rng(0).normal(size=50_000))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(64)
    path.write_bytes(data)
    assert run(["check", str(path), "--json"]) == 2
    assert "a.npy" in capsys.readouterr().out
