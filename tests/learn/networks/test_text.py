"""Encoders and causal language models of transformers: built by configuration, saved as their library reads them."""

import json

import numpy as np
import pytest
import torch

from weighbridge.errors import FormatError, UnsafeError, UsageError
from weighbridge.learn.data import Facts
from weighbridge.learn.networks import find
from weighbridge.learn.networks import tokenizers as toks
from weighbridge.learn.networks.tokenizers import tokenizer_of
from weighbridge.learn.transfer.features import can_freeze

BERT = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
GPT2 = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64}
LLAMA = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
    "intermediate_size": 32, "max_position_embeddings": 64,
}  # fmt: skip
CLASSES = Facts("classification", "text", (16,), ("bad", "good", "so-so"))
LANGUAGE = Facts("language", "text", (16,))


def built(network, facts, **options):
    torch.manual_seed(0)
    kind, given = find(network, options)
    return kind, given, kind.build(given, facts).eval()


def batch(module, texts=("a fine film", "bad")):
    held = tokenizer_of(module).batch(list(texts), 16)
    return {name: torch.from_numpy(each) for name, each in held.items()}


@pytest.mark.parametrize(("architecture", "config"), [("bert", BERT), ("roberta", BERT), ("gpt2", GPT2)])
def test_an_encoder_is_what_transformers_loads(tmp_path, architecture, config):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    kind, options, module = built("encoder", CLASSES, architecture=architecture, config=config)
    kind.save(module, options, CLASSES, tmp_path)
    given = batch(module)
    expected = module(**given)
    assert expected.shape == (2, 3)
    theirs = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    assert torch.equal(theirs(**given).logits, expected)
    assert torch.equal(kind.load(tmp_path)(**given), expected)
    assert theirs.config.id2label == {0: "bad", 1: "good", 2: "so-so"}
    tokens = AutoTokenizer.from_pretrained(tmp_path)(["a fine film", "bad"], padding=True)["input_ids"]
    assert np.array_equal(tokens, given["input_ids"])


@pytest.mark.parametrize(
    ("architecture", "config"), [("gpt2", GPT2), ("llama", {**LLAMA, "tie_word_embeddings": True})]
)
def test_a_causal_language_model_is_what_transformers_loads(tmp_path, architecture, config):
    from transformers import AutoModelForCausalLM

    kind, options, module = built("causal_lm", LANGUAGE, architecture=architecture, config=config)
    kind.save(module, options, LANGUAGE, tmp_path)
    given = batch(module)
    expected = module(**given)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    assert torch.equal(theirs(**given).logits, expected)
    again = kind.load(tmp_path)
    assert torch.equal(again(**given), expected)
    assert again.get_input_embeddings().weight is again.get_output_embeddings().weight


def test_layers_are_grouped_by_depth_and_leave_nothing_out():
    for network, facts, config in (("encoder", CLASSES, BERT), ("causal_lm", LANGUAGE, GPT2)):
        kind, _, module = built(network, facts, config=config)
        groups = kind.layers(module)
        assert len(groups) == 2 + 2
        for name, _ in module.named_parameters():
            assert sum(name.startswith(prefix) for group in groups for prefix in group) == 1, name
        assert all("embed" in each or each.startswith("transformer.wt") for each in groups[0][:1])


def test_features_are_what_the_head_decides_on():
    kind, _, module = built("encoder", CLASSES, config=BERT)
    given = batch(module)
    assert can_freeze(kind, module)
    assert torch.equal(module.classifier(kind.features(module, given)), module(**given))
    kind, _, module = built("encoder", CLASSES, architecture="gpt2", config=GPT2)
    with pytest.raises(UsageError, match="every token"):
        kind.features(module, batch(module))


def test_the_tokenizer_of_bytes_knows_every_text():
    tokenizer = toks.by_bytes()
    for text in ("a film", "", "Zürich 雨 🐈", "\x00\n"):
        assert tokenizer.decode(tokenizer.encode(text)) == text
    held = tokenizer.batch(["abcdef", ""], 4)
    assert held["input_ids"].shape == (2, 4)
    assert held["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]


def test_a_folder_that_asks_for_code_is_refused_by_name(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", "auto_map": {"AutoModel": "evil.Model"}}))
    kind, options = find("encoder", {})
    with pytest.raises(UnsafeError, match=r"auto_map names evil\.Model"):
        kind.started(options, tmp_path)
    toks.by_bytes().save(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"auto_map": {"AutoTokenizer": ["evil.Tok", None]}}))
    with pytest.raises(UnsafeError, match="evil"):
        toks.read(tmp_path)


def test_a_damaged_tokenizer_is_told(tmp_path):
    (tmp_path / "tokenizer.json").write_text('{"model": 7}')
    with pytest.raises(FormatError, match="tokenizer cannot be read"):
        toks.read(tmp_path)


@pytest.mark.parametrize(
    ("options", "facts", "told"),
    [
        ({"architecture": "nothing-like-it"}, CLASSES, "nothing-like-it"),
        ({"config": {"num_hidden_layers": 10**9}}, CLASSES, "layers"),
        ({"config": {**BERT, "hidden_size": 10**7, "num_attention_heads": 1}}, CLASSES, "bytes for its weights"),
        ({"config": {**BERT, "max_position_embeddings": 8}}, CLASSES, "max_length is 16"),
        ({"config": {**BERT, "vocab_size": 100}}, CLASSES, "tokenizer has 261"),
        ({"config": {**BERT, "hidden_size": 15}}, CLASSES, "hidden size"),
        ({"architecture": "clip"}, CLASSES, "clip"),
        ({}, Facts("classification", "image", (1, 2, 2), ("a", "b")), "takes text"),
        ({}, LANGUAGE, "classes and numbers"),
    ],
)
def test_what_cannot_be_built_is_told(options, facts, told):
    kind, given = find("encoder", options)
    with pytest.raises(UsageError, match=told):
        kind.build(given, facts)
