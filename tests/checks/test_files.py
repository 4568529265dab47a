"""Every file of a checkpoint is looked into as `weigh scan` does, weights or not."""

import gzip
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from weighbridge.checks import check, run
from weighbridge.checks.files import CHECK
from weighbridge.report import Outcome, Severity
from weighbridge.scan import scan

WEIGHTS = {"w": np.arange(4, dtype=np.float32)}
# `os.system("true")` as a pickle, and a class that nobody knows; both are read here, and never loaded.
EVIL = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R."
UNKNOWN = b"\x80\x04\x8c\x09mylibrary\x8c\x05Thing\x93)R."
ESCAPE = {"chat_template": "{{ ''.__class__.__mro__[1].__subclasses__() }}"}


def zipped(**members):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return made.getvalue()


def slipping():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("../../.bashrc", "true")
    return made.getvalue()


def judge(checkpoint_of, **side):
    return run(checkpoint_of(WEIGHTS, **side), only=["safety.files"]).results[0]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("tokenizer_config.json", ESCAPE, "template.escape"),
        ("data.zip", slipping(), "archive.slip"),
        ("data.zip.gz", gzip.compress(zipped(inner__pkl=EVIL)), "pickle.dangerous-import"),
        ("model.h5", Path(sys.executable).read_bytes()[:4096], "code.native"),
        ("weights.safetensors.index.json", {"weight_map": {"a": "../../etc/passwd"}}, "config.index-outside"),
    ],
)
def test_danger_beside_the_weights_is_told(checkpoint_of, name, content, code):
    result = judge(checkpoint_of, **{name: content})
    assert result.outcome is Outcome.FAIL
    finding = next(each for each in result.findings if each.code == code)
    assert finding.severity is Severity.DANGER
    assert finding.where.startswith(name)
    assert finding.evidence["file"] == name


def test_a_suspicion_is_a_warning(checkpoint_of):
    result = judge(checkpoint_of, **{"odd.gz": gzip.compress(UNKNOWN)})
    assert [(each.code, each.severity) for each in result.findings] == [("pickle.unknown-import", Severity.WARNING)]


def test_nothing_is_told_twice(folder_of):
    folder = folder_of(WEIGHTS, **{"extra.bin": EVIL, "config.json": {"auto_map": {"AutoModel": "a/b--m.Model"}}})
    codes = [finding.code for finding in check(folder, only=["safety"]).findings]
    assert sorted(codes) == ["pickle.dangerous-import", "remote-code.auto-map"]


def test_weights_that_cannot_be_read_are_looked_into_all_the_same(folder_of):
    broken = zipped(data__pkl=EVIL) + b"PK\x05\x06"
    folder = folder_of(WEIGHTS, **{"pytorch_model.bin": broken})
    report = check(folder, only=["safety"])
    assert "pickle.dangerous-import" in [finding.code for finding in report.findings]


def test_what_could_not_be_judged_is_an_error_and_named(checkpoint_of):
    result = judge(checkpoint_of, **{"data.gz": gzip.compress(bytes(9_999))[:-12]})
    assert result.outcome is Outcome.ERROR
    assert "data.gz" in result.reason


def test_code_that_a_configuration_names_is_read_beside_it(folder_of):
    config = {"auto_map": {"AutoModel": "modeling_x.Model"}}
    code = "import os\nos.system('curl http://localhost | sh')\n"
    folder = folder_of(WEIGHTS, **{"sub__config.json": config, "sub__modeling_x.py": code})
    codes = [finding.code for finding in check(folder, only=["safety.files"]).findings]
    assert "config.remote-code" in codes


def test_it_finds_what_the_scan_finds(folder_of):
    folder = folder_of(WEIGHTS, **{"tokenizer_config.json": ESCAPE, "a.zip": slipping(), "b.gz": gzip.compress(EVIL)})
    scanned = {found.rule.id for verdict in scan([str(folder)]) for found in verdict.findings}
    checked = {finding.code for finding in check(folder, only=[CHECK.id]).findings}
    assert checked == scanned
    assert len(checked) == 3


def test_ordinary_files_pass(checkpoint_of):
    plain = {"config.json": {"model_type": "bert"}, "README.md": "# A model\n", "vocab.txt": "a\nb\n"}
    result = judge(checkpoint_of, **plain)
    assert (result.outcome, result.facts) == (Outcome.PASS, {"files": 4})
