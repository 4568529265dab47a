"""`weigh check --policy`, as people and as CI run it."""

import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from weighbridge.formats.safetensors import write


@pytest.fixture
def run(tmp_path):
    def call(*arguments):
        command = [sys.executable, "-m", "weighbridge", "check", *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env=os.environ | {"COLUMNS": "200"}
        )

    return call


class Evil:
    def __reduce__(self):
        return (os.system, ("true",))


@pytest.fixture
def models(tmp_path):
    for name in ("good", "evil"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "model.safetensors", {"w": np.arange(6, dtype=np.float32).reshape(2, 3)})
    (tmp_path / "evil" / "extra.pkl").write_bytes(pickle.dumps(Evil()))
    return tmp_path


def test_the_standard_policy(run, models):
    good = run("good", "--policy", "standard")
    assert good.returncode == 0, good.stderr
    assert "Policy standard: allowed" in good.stdout
    evil = run("evil", "--policy", "standard")
    assert evil.returncode == 1
    assert "Policy standard: REFUSED" in evil.stdout
    assert "would run code" in evil.stdout


def test_a_policy_of_ones_own_as_json(run, models):
    (models / "p.yaml").write_text(
        "version: 1\nname: ours\nrules:\n- {license: none, action: hold, because: say what others may do}\n"
    )
    answer = run("good", "--policy", "p.yaml", "--json")
    assert answer.returncode == 1
    said = json.loads(answer.stdout)
    assert said["action"] == "hold"
    assert [(each["subject"], each["fact"]) for each in said["decisions"]] == [("license", "none")]
    assert said["report"]["outcome"] == "pass"


def test_several_paths_and_the_worst_counts(run, models):
    answer = run("good", "evil", "--policy", "standard")
    assert answer.returncode == 1
    assert answer.stdout.index("standard: allowed") < answer.stdout.index("standard: REFUSED")


def test_sarif_names_the_file(run, models):
    answer = run("evil", "--policy", "standard", "--sarif")
    assert answer.returncode == 1
    log = json.loads(answer.stdout)["runs"][0]
    result = next(each for each in log["results"] if each["ruleId"] == "pickle.dangerous-import")
    assert result["level"] == "error"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "evil/extra.pkl"
    assert log["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    both = json.loads(run("good", "evil", "--sarif").stdout)["runs"][0]["results"]
    assert {each["ruleId"] for each in both} >= {"pickle.dangerous-import"}
    assert json.loads(run("good", "--sarif").stdout)["runs"][0]["results"] == []


def test_mistakes_are_told(run, models):
    (models / "p.yaml").write_text("version: 1\nname: ours\nrule: []\n")
    answer = run("good", "--policy", "p.yaml")
    assert answer.returncode == 2
    assert "p.yaml:3" in answer.stderr
    assert "do you mean 'rules'" in answer.stderr
    assert run("good", "--policy", "missing.yaml").returncode == 2
    assert run("good", "--sarif", "--json").returncode == 2
    assert run("good", "evil", "--json").returncode == 2
    assert run("good", "--policy", "standard", "--only", "safety").returncode == 2
