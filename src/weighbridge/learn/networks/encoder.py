"""Any encoder of transformers for telling classes of texts, or numbers: `AutoModelForSequenceClassification`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from weighbridge.errors import UsageError
from weighbridge.learn.data import Facts
from weighbridge.learn.networks import _files, _parts, _transformers, tokenizers
from weighbridge.learn.networks._transformers import TransformerOptions


class Encoder:
    """The kind of network named `encoder`. Without starting weights it is a BERT by `config`, on bytes."""

    name = "encoder"
    options = TransformerOptions

    def started(self, options: TransformerOptions, folder: Path) -> TransformerOptions:
        """The options completed by the configuration of starting weights."""
        return _transformers.completed(options, folder)

    def build(self, options: TransformerOptions, facts: Facts, folder: Path | None = None) -> nn.Module:
        """See `Network`; `folder` may hold the tokenizer of starting weights."""
        from transformers import AutoModelForSequenceClassification

        if facts.kind != "text":
            raise UsageError(f"an encoder takes text, and this data is {facts.kind}", hint="Take mlp or cnn.")
        brought = tokenizers.read(folder) if folder is not None and options.tokenizer == "auto" else None
        tokenizer = brought or tokenizers.by_bytes()
        config = _transformers.configured(options, "bert", tokenizer, facts)
        if facts.task == "language":
            raise UsageError("an encoder tells classes and numbers of texts", hint="For language take causal_lm.")
        config.num_labels = _parts.outputs(facts)
        config.problem_type = "regression" if facts.task == "regression" else "single_label_classification"
        if facts.classes:
            config.id2label = dict(enumerate(facts.classes))
            config.label2id = {name: index for index, name in enumerate(facts.classes)}
        return _transformers.built(AutoModelForSequenceClassification, config, tokenizer)

    def save(self, module: nn.Module, options: TransformerOptions, facts: Facts, folder: Path) -> None:
        _transformers.save(module, folder)

    def load(self, folder: Path) -> nn.Module:
        module = self.build(_transformers.options_in(folder), _facts(folder), folder)
        return _files.read_weights(module, folder)

    def head(self, module: nn.Module) -> tuple[str, ...]:
        """All that stands beside the base model."""
        base = _transformers.base(module)
        return tuple(name for name, each in module.named_children() if name != base and list(each.parameters()))

    def layers(self, module: nn.Module) -> tuple[tuple[str, ...], ...]:
        return _transformers.layers(module, self.head(module))

    def features(self, module: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """What the first module of the head is given."""
        seen = list[Tensor]()
        head = module.get_submodule(self.head(module)[0])
        hook = head.register_forward_pre_hook(lambda _module, given: seen.append(given[0]))
        try:
            module(**batch)
        finally:
            hook.remove()
        if seen[0].ndim != 2:
            raise UsageError(
                "the head of this architecture decides on every token: it has no features of whole texts",
                hint="Set train.what to all or lora.",
            )
        return seen[0]


def _facts(folder: Path) -> Facts:
    """Of a published folder what `build` needs: the classes. The length is what the data says."""
    from weighbridge.learn._json import read_object

    config = read_object(folder / _files.CONFIG)
    labels: dict[str, Any] = config.get("id2label") or {}
    if config.get("problem_type") == "regression":
        return Facts("regression", "text", (1,), outputs=max(len(labels), 1))
    classes = tuple(str(labels[key]) for key in sorted(labels, key=int)) or ("LABEL_0", "LABEL_1")
    return Facts("classification", "text", (1,), classes)
