"""Configs that have code loaded: told apart by what the code does, and by what is known of a name."""

import json

import pytest

from weighbridge.scan import Status, exit_status, scan


@pytest.fixture
def verdicts_on(tmp_path):
    """Scan a folder with these files; {name: verdict}."""

    def verdicts(**files):
        for name, content in files.items():
            path = tmp_path / name.replace("__", ".").replace("_in_", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return {each.path.removeprefix(f"{tmp_path}/"): each for each in scan([str(tmp_path)])}

    return verdicts


def ids(verdict):
    return {found.rule.id for found in verdict.findings}


AUTO_MAP = {"auto_map": {"AutoModel": "modeling_it.It"}}
LOADED = [
    {"config__json": AUTO_MAP},
    {"tokenizer_config__json": {"auto_map": {"AutoTokenizer": ["modeling_it.It", None]}}},
    {"model_index__json": {"_class_name": ["modeling_it", "Pipeline"]}},
    {"model_index__json": {"_class_name": "StableDiffusionPipeline", "unet": ["modeling_it", "UNet"]}},
    {"modules__json": [{"idx": 0, "name": "0", "path": "", "type": "modeling_it.Pool"}]},
    {"config__yaml": "model:\n  _target_: modeling_it.It\n"},
]
REACHING = [
    "import os\nos.system('true')\n",
    "from os import system as s\ns('true')\n",
    "import subprocess as sp\nclass It:\n    def __init__(self):\n        sp.run(['true'])\n",
    "exec('1')\n",
    "__import__('os').system('true')\n",
    "import importlib\nimportlib.import_module('os').popen('true')\n",
    "import os\ngetattr(os, 'sys' + 'tem')('true')\n",
    "import os as o\nx = o.system\nx('true')\n",
    "().__class__.__base__.__subclasses__()\n",
]
HARMLESS = """
import math
import os
import torch
from torch import nn
from transformers import PreTrainedModel

class It(PreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.compile = nn.Linear(1, 1)
        self.path = os.path.join("a", "b")

    def forward(self, x):
        self.eval()
        return self.compile(x) * math.sqrt(2)
"""


@pytest.mark.parametrize("config", LOADED, ids=lambda config: next(iter(config)))
def test_code_that_a_config_has_loaded_is_read(verdicts_on, config):
    (name,) = (each.replace("__", ".") for each in config)
    verdict = verdicts_on(**config, modeling_it__py=REACHING[0])[name]
    assert verdict.status is Status.DANGEROUS
    assert "os.system in line 2" in verdict.findings[0].message


@pytest.mark.parametrize("source", REACHING)
def test_ways_to_the_system_in_python(verdicts_on, source):
    assert verdicts_on(config__json=AUTO_MAP, modeling_it__py=source)["config.json"].status is Status.DANGEROUS


def test_code_that_only_computes_is_a_warning(verdicts_on):
    verdicts = verdicts_on(config__json=AUTO_MAP, modeling_it__py=HARMLESS)
    assert exit_status(list(verdicts.values())) == 0
    assert ids(verdicts["config.json"]) == {"config.custom-code"}


def test_what_the_code_imports_from_beside_itself_is_read_too(verdicts_on):
    verdicts = verdicts_on(config__json=AUTO_MAP, modeling_it__py="from .other import x\n", other__py=REACHING[0])
    assert "other.py calls os.system" in verdicts["config.json"].findings[0].message


def test_code_of_another_repository_is_a_warning(verdicts_on):
    verdict = verdicts_on(config__json={"auto_map": {"AutoModel": "who/what--modeling.It"}})["config.json"]
    assert (verdict.status, ids(verdict)) == (Status.CLEAN, {"config.custom-code"})


@pytest.mark.parametrize(
    "target",
    ["os.system", "builtins.eval", "eval", "subprocess.Popen", "torch.hub.load", "torch.os.system",
     "numpy.f2py.compile", "pickle.loads", "shutil.rmtree", "torch.load", "builtins:exec"],
)  # fmt: skip
def test_targets_that_reach_the_system(verdicts_on, target):
    verdicts = verdicts_on(
        config__yaml=f"a:\n  b:\n    - _target_: {target}\n", config__json={"x": {"_target_": target}}
    )
    assert [verdict.status for verdict in verdicts.values()] == [Status.DANGEROUS] * 2
    assert ids(verdicts["config.json"]) == {"config.dangerous-target"}


@pytest.mark.parametrize(
    "target",
    ["torch.optim.AdamW", "pytorch_lightning.Trainer", "nemo.collections.asr.modules.ConformerEncoder",
     "hydra.utils.to_absolute_path", "functools.partial", "ldm.models.autoencoder.AutoencoderKL"],
)  # fmt: skip
def test_targets_that_are_known_are_silent(verdicts_on, target):
    verdict = verdicts_on(config__yaml=f"model:\n  _target_: {target}\n  target: {target}\n")["config.yaml"]
    assert verdict.findings == ()


def test_a_target_that_is_not_known_is_a_warning(verdicts_on):
    verdict = verdicts_on(config__yaml="_target_: my_own.models.Net\n")["config.yaml"]
    assert (verdict.status, ids(verdict)) == (Status.CLEAN, {"config.unknown-target"})


def test_a_word_that_is_no_import_is_no_target(verdicts_on):
    assert verdicts_on(config__json={"target": "label", "type": "os"})["config.json"].findings == ()


@pytest.mark.parametrize(
    "tag",
    ["!!python/object/apply:os.system ['true']", "!!python/object/new:subprocess.Popen [['true']]",
     "!!python/name:os.system", "a: [1, {b: !!python/module:subprocess}]", "!apply:os.system ['true']",
     "--- 1\n--- !!python/object/apply:builtins.eval ['1']", "x: !new:subprocess.Popen\n  args: ['true']"],
)  # fmt: skip
def test_yaml_tags_that_call(verdicts_on, tag):
    assert verdicts_on(config__yaml=tag)["config.yaml"].status is Status.DANGEROUS


@pytest.mark.parametrize(
    "text",
    ["a: !!python/tuple [1, 2]", "a: !!python/object/apply:collections.OrderedDict [[]]", "a: !ENV x",
     "model: !new:torch.nn.Linear\n  n: 2", "a: &x [1]\nb: *x", "a: [", "a: !!python/object:argparse.Namespace {}"],
)  # fmt: skip
def test_yaml_that_is_usual_is_silent(verdicts_on, text):
    verdict = verdicts_on(config__yaml=text)["config.yaml"]
    assert (verdict.findings, verdict.errors) == ((), ())


def test_aliases_that_grow_are_walked_once(verdicts_on):
    rows = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 1}]\n" for n in range(40))
    assert verdicts_on(config__yaml=rows)["config.yaml"].status is Status.CLEAN


def test_an_index_that_names_a_file_elsewhere(verdicts_on):
    for name in ("../../etc/passwd", "/etc/passwd", "C:\\x", "a/../../b"):
        verdict = verdicts_on(model_index_x__json={"weight_map": {"w": name, "v": "model-1.safetensors"}})
        assert ids(verdict["model_index_x.json"]) == {"config.index-outside"}


def test_a_loader_of_mlflow_that_lies_in_its_code_folder(verdicts_on):
    model = "flavors:\n  python_function:\n    loader_module: mine\n"
    assert verdicts_on(MLmodel=model, code_in_mine__py=REACHING[0])["MLmodel"].status is Status.DANGEROUS
    usual = "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n"
    assert verdicts_on(MLmodel=usual)["MLmodel"].findings == ()


def test_a_module_outside_the_folder_is_not_opened(tmp_path):
    (tmp_path / "evil.py").write_text(REACHING[0])
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"auto_map": {"AutoModel": "...evil.It"}}))
    (folder / "linked.py").symlink_to(tmp_path / "evil.py")
    (folder / "model_index.json").write_text(json.dumps({"_class_name": ["linked", "It"]}))
    found = {each.path.rpartition("/")[2]: ids(each) for each in scan([str(folder)])}
    assert found["config.json"] == {"config.custom-code"}
    assert found["model_index.json"] == {"config.custom-code"}
