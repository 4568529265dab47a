"""Adapters on the command line: merged into their base, measured and asked as they are, refused for another base."""

import json
import shutil

import numpy as np
import pytest

from weighbridge.checkpoint import open as open_checkpoint
from weighbridge.cli.main import run
from weighbridge.store import Store
from weighbridge.tensors import BytesSource

BASE = """\
recipe: 1
name: base
data:
  path: texts.jsonl
  task: language
  text: {max_length: 16}
  split: {test: 0.2}
model:
  network: causal_lm
  options:
    architecture: llama
    config: {hidden_size: 16, intermediate_size: 32, num_hidden_layers: 2, num_attention_heads: 2}
train: {steps: 3, batch_size: 8, seed: SEED}
hardware: {threads: 1, device: cpu}
"""
ADAPTER = """\
recipe: 1
name: adapter
data:
  path: texts.jsonl
  text: {max_length: 16}
  split: {test: 0.2}
model: {network: encoder}
start: base
train: {what: lora, lora: {rank: 2}, steps: 3, batch_size: 8}
hardware: {threads: 1, device: cpu}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a base, another base, and an adapter on the first that tells praise from complaint."""
    folder = tmp_path_factory.mktemp("adapters")
    words = {"praise": ("fine", "good", "early"), "complaint": ("bad", "late", "awful")}
    lines = [
        json.dumps({"text": f"{thing} {word}", "label": label})
        for label, said in words.items()
        for word in said
        for thing in ("the crane", "a parcel", "our yard", "this queue")
    ]
    (folder / "texts.jsonl").write_text("\n".join(lines))
    for name, text in (("base", BASE.replace("SEED", "0")), ("other", BASE.replace("SEED", "1")), ("tuned", ADAPTER)):
        (folder / f"{name}.yaml").write_text(text)
        assert run(["train", str(folder / f"{name}.yaml"), "--out", str(folder / name), "--json"]) == 0
    return folder


@pytest.fixture
def here(made, monkeypatch):
    monkeypatch.chdir(made)
    return made


@pytest.fixture
def bare(here, tmp_path):
    """The adapter as peft alone would have written it."""
    return shutil.copytree(
        here / "tuned/adapter", tmp_path / "bare", ignore=shutil.ignore_patterns("weighbridge.json", "recipe*")
    )


def told(capsys, *arguments):
    capsys.readouterr()
    assert run([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_an_adapter_is_measured_and_asked_as_the_model_that_was_published(here, capsys):
    whole = told(capsys, "eval", "tuned", "--data", "texts.jsonl")
    alone = told(capsys, "eval", "tuned/adapter", "--data", "texts.jsonl")
    assert alone["same_data"]
    assert alone["metrics"] == pytest.approx(whole["metrics"], rel=1e-4)
    (said,) = told(capsys, "predict", "tuned/adapter", "our yard awful")["predictions"]
    (expected,) = told(capsys, "predict", "tuned", "our yard awful")["predictions"]
    assert said["class"] == expected["class"]
    assert said["probability"] == pytest.approx(expected["probability"], rel=1e-4)


def test_a_bare_adapter_works_on_the_base_that_it_is_given(here, bare, capsys):
    (said,) = told(capsys, "predict", bare, "our yard awful", "--base", "base")["predictions"]
    (expected,) = told(capsys, "predict", "tuned", "our yard awful")["predictions"]
    assert said["class"].startswith("LABEL_")
    assert said["probability"] == pytest.approx(expected["probability"], rel=1e-4)
    lines = [json.loads(line) for line in (here / "texts.jsonl").read_text().splitlines()]
    numbered = [json.dumps({**line, "label": int(line["label"] == "praise")}) for line in lines]
    (bare / "numbered.jsonl").write_text("\n".join(numbered))
    found = told(capsys, "eval", bare, "--base", "base", "--data", bare / "numbered.jsonl")
    assert found["samples"] == len(lines)
    assert found["published"] is None


def test_peft_s_own_adapter_of_a_language_model_goes_on_with_a_text(here, tmp_path, capsys):
    from peft import LoraConfig, get_peft_model

    from weighbridge.learn.networks import find

    module = find("causal_lm", {})[0].load(here / "base")
    config = LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM")
    get_peft_model(module, config).save_pretrained(tmp_path / "theirs")
    given = ("predict", tmp_path / "theirs", "the crane", "--base", here / "base")
    expected = told(capsys, "predict", "base", "the crane")["predictions"]
    assert told(capsys, *given)["predictions"] == expected, "an adapter that has not learned yet changes nothing"


def test_the_merged_model_is_a_model(here, tmp_path, capsys):
    assert run(["merge-adapter", "base", "tuned/adapter", "--out", str(tmp_path / "merged")]) == 0
    whole = told(capsys, "eval", "tuned", "--data", "texts.jsonl")
    found = told(capsys, "eval", tmp_path / "merged", "--data", "texts.jsonl", "--split", "test")
    assert found["metrics"] == pytest.approx(whole["metrics"], rel=1e-4)
    with open_checkpoint(tmp_path / "merged") as merged, open_checkpoint("tuned/model.safetensors") as published:
        assert set(merged) == set(published)


@pytest.mark.parametrize(
    "command",
    [
        ["merge-adapter", "other", "tuned/adapter", "--out", "OUT"],
        ["eval", "tuned/adapter", "--base", "other", "--data", "texts.jsonl"],
        ["predict", "tuned/adapter", "a text", "--base", "other"],
    ],
)
def test_an_adapter_for_another_base_is_refused_by_name(here, tmp_path, capsys, command):
    assert run([each.replace("OUT", str(tmp_path / "out")) for each in command]) == 2
    said = capsys.readouterr().err
    assert "was made for base" in said
    assert "other has" in said
    assert not (tmp_path / "out").exists()


def test_a_base_of_another_name_on_a_hub_is_refused(bare, capsys):
    path = bare / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "base_model_name_or_path": "lab/bert"}))
    assert run(["predict", str(bare), "a text", "--base", "lab/gpt"]) == 2
    assert "is for lab/bert, and the base given is lab/gpt" in capsys.readouterr().err


def test_what_is_missing_is_told(here, bare, tmp_path, capsys):
    path = bare / "adapter_config.json"
    config = json.loads(path.read_text())
    for change, words in (
        ({"base_model_name_or_path": "gone"}, ("gone", "--base")),
        ({"base_model_name_or_path": None}, ("does not say what it is for", "--base")),
    ):
        path.write_text(json.dumps({**config, **change}))
        assert run(["predict", str(bare), "a text"]) == 2
        said = capsys.readouterr().err
        assert all(word in said for word in words)
    path.write_text(json.dumps({**config, "task_type": "TOKEN_CLS"}))
    assert run(["predict", str(bare), "a text", "--base", "base"]) == 2
    assert "TOKEN_CLS" in capsys.readouterr().err
    assert run(["eval", "tuned/adapter"]) == 2
    assert "--data" in capsys.readouterr().err
    assert run(["eval", "tuned", "--base", "base"]) == 2
    assert "holds weights" in capsys.readouterr().err
    assert run(["merge-adapter", "base", "base", "--out", str(tmp_path / "out")]) == 2
    assert "adapter_config.json" in capsys.readouterr().err


def test_a_store_keeps_the_merge_in_a_hundredth_of_the_file_beside_its_base(tmp_path):
    """Of a network large enough that the table of contents does not count: rank 8 on q and v of every layer."""
    from weighbridge.formats import safetensors
    from weighbridge.learn.transfer.merge import merge_adapter

    rng = np.random.default_rng(0)
    base, adapter, out = tmp_path / "base", tmp_path / "adapter", tmp_path / "out"
    base.mkdir()
    adapter.mkdir()
    width, layers = 512, 3
    tensors, learned = {}, {}
    for layer in range(layers):
        for name in ("q", "k", "v", "o"):
            tensors[f"{layer}.{name}.weight"] = rng.normal(0, 0.03, (width, width)).astype(np.float32)
        for name, shape in (("up", (4 * width, width)), ("down", (width, 4 * width))):
            tensors[f"{layer}.{name}.weight"] = rng.normal(0, 0.03, shape).astype(np.float32)
        for name in ("q", "v"):
            at = f"base_model.model.{layer}.{name}"
            learned[f"{at}.lora_A.weight"] = rng.normal(0, 0.04, (8, width)).astype(np.float32)
            learned[f"{at}.lora_B.weight"] = rng.normal(0, 0.01, (width, 8)).astype(np.float32)
    safetensors.write(base / "model.safetensors", tensors, {"format": "pt"})
    safetensors.write(adapter / "adapter_model.safetensors", learned, {"format": "pt"})
    (adapter / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 8, "lora_alpha": 16}))
    merge_adapter(base, adapter, out)
    data = (out / "model.safetensors").read_bytes()
    with Store.open(tmp_path / "store", create=True) as store:
        store.add(BytesSource((base / "model.safetensors").read_bytes()))
        stored = store.add(BytesSource(data))
        assert stored.new_bytes <= 0.012 * len(data)
        assert b"".join(store.file(stored.sha256).iter_range()) == data
