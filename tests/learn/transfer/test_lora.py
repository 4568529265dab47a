"""Adapters in peft's own files: peft loads them with the same outputs, and merging is what peft makes of it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from weighbridge.checkpoint import open as open_checkpoint
from weighbridge.errors import UsageError
from weighbridge.learn.data import Facts
from weighbridge.learn.networks import find
from weighbridge.learn.networks.tokenizers import tokenizer_of
from weighbridge.learn.recipe.model import LoraSpec
from weighbridge.learn.start.digest import tensors_digest
from weighbridge.learn.transfer.lora import adapt
from weighbridge.learn.transfer.merge import merge_adapter

BERT = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
GPT2 = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64}
CLASSES = ("bad", "good", "so-so")
CASES = {
    "encoder": ("encoder", {"config": BERT}, Facts("classification", "text", (16,), CLASSES)),
    "causal_lm": ("causal_lm", {"config": GPT2}, Facts("language", "text", (16,))),
    "mlp": ("mlp", {"hidden": [8, 8]}, Facts("classification", "table", (5,), CLASSES)),
    "cnn": ("cnn", {"channels": [4, 8]}, Facts("classification", "image", (1, 8, 8), CLASSES)),
}


def digest(folder):
    with open_checkpoint(folder) as held:
        return tensors_digest(held)


def learned(case, folder, seed=0, rank=2, save=True):
    """A base in `folder`/base, and beside it an adapter whose every number is other than at the start."""
    torch.manual_seed(seed)
    kind, options, facts = CASES[case]
    network, options = find(kind, options)
    module = network.build(options, facts).eval()
    base = Path(folder) / "base"
    if save:
        base.mkdir(parents=True)
        network.save(module, options, facts, base)
    adapter = adapt(network, module, LoraSpec(rank=rank, alpha=5), facts, base="org/base", digest=digest(base))
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.3)
    adapter.save(Path(folder) / "adapter")
    return network, module.eval(), facts, adapter


def batch(module, facts):
    if facts.kind == "text":
        given = tokenizer_of(module).batch(["a fine film", "bad"], 16)
        return {name: torch.from_numpy(each) for name, each in given.items()}
    generator = torch.Generator().manual_seed(1)
    return {"pixels" if facts.kind == "image" else "features": torch.randn((3, *facts.shape), generator=generator)}


@pytest.mark.parametrize("case", CASES)
def test_peft_loads_the_adapter_with_the_same_outputs(tmp_path, case):
    from peft import PeftModel

    network, module, facts, _ = learned(case, tmp_path)
    expected = module(**batch(module, facts))
    base = network.load(tmp_path / "base")
    given = batch(base, facts)
    assert not torch.equal(base(**given), expected)
    theirs = PeftModel.from_pretrained(base, tmp_path / "adapter").eval()
    found = theirs(**given)
    assert torch.equal(found if isinstance(found, torch.Tensor) else found.logits, expected)


@pytest.mark.parametrize("case", CASES)
def test_merging_is_what_peft_makes_of_it(tmp_path, case):
    network, module, facts, adapter = learned(case, tmp_path)
    before = module(**batch(module, facts))
    merge_adapter(tmp_path / "base", tmp_path / "adapter", tmp_path / "one")
    merge_adapter(tmp_path / "base", tmp_path / "adapter", tmp_path / "two")
    one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two
    theirs = adapter.merge()
    state = theirs.state_dict()
    with open_checkpoint(tmp_path / "one") as merged:
        for name in merged:
            np.testing.assert_allclose(merged[name].numpy(), state[name].numpy(), rtol=1e-5, atol=1e-6)
    again = network.load(tmp_path / "one")
    assert torch.allclose(again(**batch(again, facts)), before, atol=1e-4)


def test_only_the_adapter_and_the_head_learn(tmp_path):
    _, module, _, _ = learned("encoder", tmp_path)
    names = [name for name, each in module.named_parameters() if each.requires_grad]
    assert {name.split(".")[0] for name in names} == {"bert", "classifier"}
    assert all("lora_" in name for name in names if name.startswith("bert."))


def test_an_adapter_for_another_base_is_refused_with_both_named(tmp_path):
    learned("encoder", tmp_path / "a")
    learned("encoder", tmp_path / "b", seed=1)
    meant, found = digest(tmp_path / "a/base"), digest(tmp_path / "b/base")
    with pytest.raises(UsageError) as told:
        merge_adapter(tmp_path / "b/base", tmp_path / "a/adapter", tmp_path / "out")
    assert meant[:16] in str(told.value)
    assert found[:16] in str(told.value)
    assert not (tmp_path / "out").exists()


def test_peft_s_own_adapter_of_another_shape_is_told_by_tensor(tmp_path):
    from peft import LoraConfig, get_peft_model

    learned("encoder", tmp_path)
    kind, options = find("encoder", {"config": {**BERT, "hidden_size": 8}})
    other = kind.build(options, CASES["encoder"][2])
    get_peft_model(other, LoraConfig(r=2, target_modules=["query"])).save_pretrained(tmp_path / "theirs")
    with pytest.raises(UsageError, match=r"query\.weight is \(16, 16\), the adapter's \(8, 8\)"):
        merge_adapter(tmp_path / "base", tmp_path / "theirs", tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "told"),
    [({"use_dora": True}, "use_dora = True"), ({"peft_type": "IA3"}, "peft_type = 'IA3'"), ({"r": 0}, "r is 0")],
)
def test_adapters_of_other_kinds_are_refused(tmp_path, change, told):
    learned("mlp", tmp_path)
    path = tmp_path / "adapter/adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(Exception, match=told):
        merge_adapter(tmp_path / "base", tmp_path / "adapter", tmp_path / "out")


def test_an_end_that_no_layer_has_is_told():
    kind, options, facts = CASES["encoder"]
    network, options = find(kind, options)
    module = network.build(options, facts)
    with pytest.raises(UsageError, match="ends in nowhere") as told:
        adapt(network, module, LoraSpec(targets=("nowhere",)), facts, base="b", digest="d")
    assert "query" in (told.value.hint or "")
