"""transformers, unmodified: a tiny model pushed and loaded again."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")


def test_a_model_is_pushed_and_loaded_by_its_name(server):
    script = """
        import torch
        from transformers import AutoConfig, AutoModel, BertConfig, BertModel
        config = BertConfig(
            vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
            max_position_embeddings=32,
        )
        model = BertModel(config).eval()
        model.push_to_hub("ada/tiny-bert")
        again = AutoModel.from_pretrained("ada/tiny-bert").eval()
        for (name, one), (other, two) in zip(model.state_dict().items(), again.state_dict().items(), strict=True):
            assert name == other and torch.equal(one, two), name
        assert AutoConfig.from_pretrained("ada/tiny-bert").hidden_size == 16
        from huggingface_hub import HfApi
        info = HfApi().model_info("ada/tiny-bert")
        assert info.config["model_type"] == "bert"
        print("held")
    """
    assert server.python(script).endswith("held\n")
