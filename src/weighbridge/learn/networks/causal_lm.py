"""Any causal language model of transformers: `AutoModelForCausalLM`."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from weighbridge.errors import UsageError
from weighbridge.learn.data import Facts
from weighbridge.learn.networks import _files, _transformers, tokenizers
from weighbridge.learn.networks._transformers import TransformerOptions


class CausalLm:
    """The kind of network named `causal_lm`. Without starting weights it is a GPT-2 by `config`, on bytes."""

    name = "causal_lm"
    options = TransformerOptions

    def started(self, options: TransformerOptions, folder: Path) -> TransformerOptions:
        """The options completed by the configuration of starting weights."""
        return _transformers.completed(options, folder)

    def build(self, options: TransformerOptions, facts: Facts, folder: Path | None = None) -> nn.Module:
        """See `Network`; `folder` may hold the tokenizer of starting weights."""
        from transformers import AutoModelForCausalLM

        if (facts.task, facts.kind) != ("language", "text"):
            raise UsageError(
                f"a causal language model learns language from text, and this data is {facts.kind} for {facts.task}",
                hint="Set data.task to language, or take the network encoder.",
            )
        brought = tokenizers.read(folder) if folder is not None and options.tokenizer == "auto" else None
        tokenizer = brought or tokenizers.by_bytes()
        config = _transformers.configured(options, "gpt2", tokenizer, facts)
        return _transformers.built(AutoModelForCausalLM, config, tokenizer)

    def save(self, module: nn.Module, options: TransformerOptions, facts: Facts, folder: Path) -> None:
        _transformers.save(module, folder)

    def load(self, folder: Path) -> nn.Module:
        facts = Facts("language", "text", (1,))
        return _files.read_weights(self.build(_transformers.options_in(folder), facts, folder), folder)

    def head(self, module: nn.Module) -> tuple[str, ...]:
        """What stands beside the base model; it may share its weights with the embeddings."""
        base = _transformers.base(module)
        return tuple(name for name, each in module.named_children() if name != base and list(each.parameters()))

    def layers(self, module: nn.Module) -> tuple[tuple[str, ...], ...]:
        return _transformers.layers(module, self.head(module))

    def features(self, module: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        raise UsageError(
            "a language model decides on every token: it has no features of whole texts",
            hint="Set train.what to all or lora.",
        )
