"""Text recipes from one end to the other: a base, an adapter on it, killed and gone on with, measured again."""

import json
import random

import pytest
import torch

from weighbridge.errors import FormatError
from weighbridge.learn import data, start
from weighbridge.learn.data import Splits
from weighbridge.learn.evaluation.evaluate import evaluate
from weighbridge.learn.evaluation.predict import predict
from weighbridge.learn.recipe import Recipe
from weighbridge.learn.training.events import Step
from weighbridge.learn.training.run import run

BERT = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
GPT2 = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 64}


class KilledError(Exception):
    pass


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    rng = random.Random(0)
    words = {"good": ("good", "fine", "lovely"), "bad": ("bad", "awful", "poor")}
    lines = []
    for number in range(64):
        label = rng.choice(sorted(words))
        lines.append(json.dumps({"text": f"a {rng.choice(words[label])} film, no {number}", "label": label}))
    (folder / "films.jsonl").write_text("\n".join(lines))
    return folder


def recipe(network, config=None, begun=None, **train):
    task = {"task": "language"} if network == "causal_lm" else {}
    return Recipe.model_validate(
        {
            "recipe": 1,
            "name": "films",
            "data": {"path": "films.jsonl", "split": {"test": 0.25}, "text": {"max_length": 24}, **task},
            "model": {"network": network, "options": {"config": config} if config else {}},
            "start": begun,
            "train": {"steps": 6, "batch_size": 8, "optimizer": {"learning_rate": 0.02}, **train},
            "evaluate": {"every": 2},
            "hardware": {"device": "cpu", "threads": 1},
        }
    )


def trained(recipe, texts, out, tell=None):
    splits: Splits = data.load(recipe.data, where=texts)
    found = start.find(recipe.start, where=texts) if recipe.start else None
    return splits, run(recipe, splits, out, start=found, tell=tell or (lambda _event: None))


@pytest.mark.parametrize(("network", "config"), [("encoder", BERT), ("causal_lm", GPT2)])
def test_an_adapter_goes_on_after_a_kill_to_the_same_bits(tmp_path, texts, network, config):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    trained(recipe(network, config), texts, tmp_path / "base")
    lora = recipe(network, begun=str(tmp_path / "base"), what="lora", lora={"rank": 2, "dropout": 0.1})
    splits, whole = trained(lora, texts, tmp_path / "whole")

    def kill(event):
        if isinstance(event, Step) and event.step == 5:
            raise KilledError

    with pytest.raises(KilledError):
        trained(lora, texts, tmp_path / "killed", kill)
    _, resumed = trained(lora, texts, tmp_path / "killed")
    assert resumed.resumed == 4
    for name in ("model.safetensors", "adapter/adapter_model.safetensors", "adapter/adapter_config.json"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name

    assert evaluate(tmp_path / "whole", splits).metrics == whole.metrics["metrics"]
    assert any("unchanged" in each["said"] for each in whole.metrics["moved"])
    assert any(each["changed"] for each in whole.metrics["moved"])

    auto = AutoModelForCausalLM if network == "causal_lm" else AutoModelForSequenceClassification
    merged = auto.from_pretrained(tmp_path / "whole").eval()
    beside = PeftModel.from_pretrained(auto.from_pretrained(tmp_path / "base"), tmp_path / "whole/adapter").eval()
    given = torch.arange(5, 21)[None]
    assert torch.allclose(merged(input_ids=given).logits, beside(input_ids=given).logits, atol=1e-5)


def test_a_model_is_asked_of_texts_and_files(tmp_path, texts):
    trained(recipe("encoder", BERT), texts, tmp_path / "classes")
    (tmp_path / "note.txt").write_text("a lovely film")
    first, second = predict(tmp_path / "classes", ["a lovely film", str(tmp_path / "note.txt")])
    assert first.likely == second.likely
    assert {name for name, _ in first.likely} == {"bad", "good"}
    assert sum(share for _, share in first.likely) == pytest.approx(1)
    trained(recipe("causal_lm", GPT2), texts, tmp_path / "language")
    (said,) = predict(tmp_path / "language", ["a lovely"])
    assert said.text is not None
    assert said == predict(tmp_path / "language", ["a lovely"])[0]
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(FormatError, match="no UTF-8 text"):
        predict(tmp_path / "classes", [str(tmp_path / "bytes.txt")])
