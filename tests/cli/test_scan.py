"""`weigh scan`: its formats, its exit status, and what starting it imports."""

import json
import subprocess
import sys

import pytest

from weighbridge.cli.main import run
from weighbridge.scan import RULES

CALL = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."


@pytest.fixture
def files(tmp_path):
    (tmp_path / "evil.pkl").write_bytes(CALL)
    (tmp_path / "good.pkl").write_bytes(b"\x80\x04]\x94.")
    (tmp_path / "torn.pkl").write_bytes(b"\x80\x04]\x94(K")
    return tmp_path


def told(capsys, *arguments) -> tuple[int, str]:
    status = run(["scan", *map(str, arguments)])
    return status, capsys.readouterr().out


def test_tsv_is_a_line_a_file(files, capsys):
    status, out = told(capsys, "--format", "tsv", files)
    assert out == f"dangerous\t{files}/evil.pkl\nclean\t{files}/good.pkl\nerror\t{files}/torn.pkl\n"
    assert status == 1


@pytest.mark.parametrize(("names", "expected"), [("good", 0), ("good torn", 2), ("torn evil", 1), ("good evil", 1)])
def test_the_exit_status_tells_the_worst_with_danger_first(files, capsys, names, expected):
    assert told(capsys, *(files / f"{name}.pkl" for name in names.split()))[0] == expected


def test_text_says_what_where_how_sure_and_what_to_do(files, capsys):
    _, out = told(capsys, files / "evil.pkl")
    assert "pickle.dangerous-import (danger, certain): would call posix.system('true')" in out
    assert "evil.pkl, byte 17 (STACK_GLOBAL)" in out
    assert RULES["pickle.dangerous-import"].hint in out


def test_json_counts_and_lists(files, capsys):
    status, out = told(capsys, files, "--format=json")
    document = json.loads(out)
    assert (status, document["summary"]) == (1, {"clean": 1, "dangerous": 1, "error": 1})
    (evil, good, torn) = document["files"]
    assert (evil["findings"][0]["offset"], good["findings"], torn["errors"][0]["code"]) == (17, [], "format.truncated")


def test_sarif_names_rules_files_and_what_could_not_be_told(files, capsys):
    _, out = told(capsys, files, "--format", "sarif")
    (work,) = json.loads(out)["runs"]
    assert [rule["id"] for rule in work["tool"]["driver"]["rules"]] == ["pickle.dangerous-import"]
    assert work["results"][0]["level"] == "error"
    assert work["results"][0]["locations"][0]["physicalLocation"]["region"] == {"byteOffset": 17, "byteLength": 1}
    assert "torn.pkl" in work["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


def test_cyclonedx_names_files_by_digest_and_what_affects_them(files, capsys):
    _, out = told(capsys, files, "--format", "cyclonedx")
    document = json.loads(out)
    assert document["specVersion"] == "1.6"
    assert [component["properties"][0]["value"] for component in document["components"]] == [
        "dangerous",
        "clean",
        "error",
    ]
    assert all(len(component["hashes"][0]["content"]) == 64 for component in document["components"])
    assert document["vulnerabilities"][0]["affects"] == [{"ref": "file-1"}]


@pytest.mark.parametrize("separator", ["\n", "\0"])
def test_files_are_taken_from_a_list(files, capsys, separator):
    (files / "list").write_text(separator.join([f"{files}/good.pkl", f"{files}/evil.pkl", ""]))
    status, out = told(capsys, "--files-from", files / "list", "--format", "tsv")
    assert (status, [line.split("\t")[0] for line in out.splitlines()]) == (1, ["clean", "dangerous"])


def test_imports_are_allowed_by_exact_names_only(files, capsys):
    (files / "mine.pkl").write_bytes(b"\x80\x04\x8c\x06mycode\x8c\x04Load\x93)R.")
    (files / "allow").write_text("# ours\nmycode:Load  # reads nothing\n")
    assert told(capsys, files / "mine.pkl")[0] == 1
    assert told(capsys, files / "mine.pkl", "--allow", files / "allow")[0] == 0
    (files / "allow").write_text("mycode:*\n")
    assert told(capsys, files / "mine.pkl", "--allow", files / "allow")[0] == 2


@pytest.mark.parametrize("wrong", [[], ["--format", "xml", "a"], ["--files-from", "nowhere"], ["--what", "a"]])
def test_wrong_usage_is_told_and_ends_with_2(wrong, capsys):
    assert run(["scan", *wrong]) == 2
    assert capsys.readouterr().err


def test_the_plain_way_and_typers_way_mean_the_same(files, capsys):
    plain = told(capsys, files, "--format", "tsv")
    from weighbridge.cli._app import run_typer

    with pytest.raises(SystemExit) as leaving:
        run_typer(["scan", str(files), "--format", "tsv"])
    assert (leaving.value.code, capsys.readouterr().out) == plain


def test_scanning_imports_nothing_heavy(files):
    code = "import sys\nfrom weighbridge.cli.main import run\nrun(sys.argv[1:])\nprint(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code, "scan", str(files)], capture_output=True, text=True, check=True)
    heavy = {"numpy", "pydantic", "typer", "rich", "sqlalchemy", "torch", "weighbridge.store", "weighbridge.checkpoint"}
    assert heavy.intersection(done.stdout.splitlines()[-1].split()) == set()
