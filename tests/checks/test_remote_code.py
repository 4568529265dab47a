"""Configuration that would have a library run code."""

import numpy as np
import pytest

from weighbridge.checks import run
from weighbridge.report import Outcome, Severity

WEIGHTS = {"w": np.arange(4, dtype=np.float32)}


def judge(checkpoint_of, **side):
    return run(checkpoint_of(WEIGHTS, **side), only=["safety.remote-code"]).results[0]


def codes(result):
    return [finding.code.removeprefix("remote-code.") for finding in result.findings]


@pytest.mark.parametrize(
    ("name", "content", "code", "said"),
    [
        (
            "config.json",
            {"auto_map": {"AutoModel": "modeling_x.Model"}},
            "auto-map",
            "AutoModel from Model in modeling_x.py",
        ),
        ("config.json", {"auto_map": {"AutoModel": "a/b--m.Model"}}, "auto-map", "another repository, a/b (m.py)"),
        ("config.json", {"text_config": [{"auto_map": {"A": "m.M"}}]}, "auto-map", "A from M in m.py"),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["tok.T", None]}}, "auto-map", "T in tok.py"),
        ("config.json", {"trust_remote_code": True}, "trust", "switches trust_remote_code on"),
        ("config.json", {"custom_pipelines": {"my-task": {"impl": "p.P"}}}, "custom-pipeline", "my-task"),
        ("conf.json", {"model": {"_target_": "os.system"}}, "target", "os.system"),
        ("adapter_config.json", {"auto_mapping": {"parent_library": "evil.mod"}}, "auto-mapping", "evil.mod"),
        ("modules.json", [{"type": "evil.Module"}], "module-type", "evil.Module"),
        ("model_index.json", {"unet": ["my.mod", "UNet"]}, "pipeline-module", "my.mod"),
        ("config.yaml", '!!python/object/apply:os.system ["true"]', "yaml-object", "python/object/apply:os.system"),
        ("config.yaml", "a:\n  - _target_: os.system\n", "target", "os.system"),
        ("MLmodel", "flavors:\n  python_function:\n    loader_module: evil\n", "mlflow", "evil"),
        ("handler.py", "print(1)", "entry-point", "run by hosts"),
        ("config.json", '{"a": 1, "auto_map": null, "a": 2}', "duplicate-key", "(a)"),
    ],
)
def test_each_way_to_name_code_fails(checkpoint_of, name, content, code, said):
    result = judge(checkpoint_of, **{name: content})
    assert result.outcome is Outcome.FAIL
    finding = next(each for each in result.findings if each.code == f"remote-code.{code}")
    assert said in finding.message
    assert finding.where == name


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", {"architectures": ["BertModel"], "auto_map": None, "trust_remote_code": False}),
        ("adapter_config.json", {"auto_mapping": None}),
        ("adapter_config.json", {"auto_mapping": {"parent_library": "transformers.models.bert"}}),
        ("model_index.json", {"_class_name": "Pipe", "unet": ["diffusers", "UNet"], "safety_checker": [None, None]}),
        ("modules.json", [{"type": "sentence_transformers.models.Pooling"}]),
        ("README.md", "Load with trust_remote_code=True, auto_map and _target_: x"),
        ("config.yaml", "name: plain\n"),
        ("tokenizer.json", {"auto_map": {"a": "b.c"}}),
    ],
)
def test_ordinary_configuration_passes(checkpoint_of, name, content):
    result = judge(checkpoint_of, **{name: content})
    assert (result.outcome, result.findings) == (Outcome.PASS, ())


def test_a_pipeline_part_from_a_file_beside_it_fails(checkpoint_of):
    index = {"_class_name": ["pipe", "Evil"], "unet": ["evil_mod", "UNet"], "vae": ["some_pipeline", "VAE"]}
    result = judge(checkpoint_of, **{"model_index.json": index, "pipe.py": "", "unet__evil_mod.py": ""})
    assert codes(result) == ["pipeline-module", "pipeline-module", "python-file"]


def test_python_files_alone_are_told(checkpoint_of):
    result = judge(checkpoint_of, **{"train.py": "import os"})
    assert result.outcome is Outcome.PASS
    assert result.findings[0].severity is Severity.INFO
    assert result.findings[0].evidence["files"] == ["train.py"]


def test_weights_alone_are_skipped(checkpoint_of):
    result = judge(checkpoint_of)
    assert result.outcome is Outcome.SKIPPED
    assert "no configuration" in result.reason


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\xff\xfe\x00",
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b" " * (9 << 20),
    ],
)
def test_configuration_that_cannot_be_read_is_an_error_and_the_rest_is_judged(checkpoint_of, content):
    side = {"config.json": content, "tokenizer_config.json": {"auto_map": {"A": "b.C"}}}
    result = judge(checkpoint_of, **side)
    assert result.outcome is Outcome.ERROR
    assert "config.json" in result.reason
    assert "auto-map" in codes(result)


def test_a_thousand_references_make_a_short_report(checkpoint_of):
    config = {"auto_map": {f"A{at}": "m" * 10_000 + ".C" for at in range(500)}}
    result = judge(checkpoint_of, **{"config.json": config})
    assert len(result.findings) == 21
    assert max(len(finding.message) for finding in result.findings) < 1000
