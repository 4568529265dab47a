"""What networks of transformers share: configurations without code, modules that give logits, files of the library."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from weighbridge.errors import FormatError, UsageError
from weighbridge.learn._json import read_object
from weighbridge.learn.data import Facts
from weighbridge.learn.networks import _files, tokenizers
from weighbridge.learn.networks.base import Options

_OURS = ("architectures", "auto_map", "dtype", "torch_dtype", "transformers_version", "_name_or_path", "model_type",
         "id2label", "label2id", "num_labels", "problem_type", "quantization_config")  # fmt: skip
_MOST_LAYERS = 1024


class TransformerOptions(Options):
    """`architecture` is transformers' name of a kind (bert, gpt2, …), that of the starting weights if they have one;
    `config` is what its configuration says otherwise than by default or than the starting weights' own."""

    architecture: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,64}$")] | None = None
    config: dict[str, Any] = Field(default={})
    tokenizer: Literal["auto", "bytes"] = Field(
        default="auto", description="auto: that of the starting weights, one of bytes where they bring none."
    )


def completed(options: TransformerOptions, folder: Path) -> TransformerOptions:
    """Options with what the configuration beside the starting weights says. Raises `UnsafeError` for `auto_map`."""
    path = folder / _files.CONFIG
    if not path.is_file():
        return options
    tokenizers.refuse_code(path)
    theirs = read_object(path)
    kind = theirs.get("model_type")
    if options.architecture not in (None, kind):
        raise UsageError(
            f"the starting weights are of the architecture {kind!r}, and the recipe names {options.architecture!r}",
            where=str(path),
        )
    config = {key: value for key, value in theirs.items() if key not in _OURS}
    return TransformerOptions(architecture=kind, config={**config, **options.config}, tokenizer=options.tokenizer)


def configured(options: TransformerOptions, default: str, tokenizer: tokenizers.TextTokenizer, facts: Facts) -> Any:
    """The library's configuration. Raises `UsageError` for kinds, values and lengths that it has not."""
    from transformers import AutoConfig

    kind = options.architecture or default
    given = {key: value for key, value in options.config.items() if key not in _OURS}
    if "vocab_size" not in given:
        given["vocab_size"] = tokenizer.size
        given |= {"bos_token_id": tokenizer.end, "eos_token_id": tokenizer.end}
    given["pad_token_id"] = tokenizer.pad
    try:
        config = AutoConfig.for_model(kind, **given)
    except Exception as error:  # noqa: BLE001 (each of hundreds of configurations checks in its own way)
        told = str(error).split("Should be one of")[0].strip()[:300]
        raise UsageError(f"transformers takes no such configuration of {kind!r}: {told}") from None
    _ensure_fits(config, tokenizer, facts)
    return config


def _ensure_fits(config: Any, tokenizer: tokenizers.TextTokenizer, facts: Facts) -> None:
    layers = getattr(config, "num_hidden_layers", 1)
    if not isinstance(layers, int) or not 1 <= layers <= _MOST_LAYERS:
        raise UsageError(f"the configuration asks for {layers!r} layers, expected 1 to {_MOST_LAYERS}")
    if tokenizer.size > int(getattr(config, "vocab_size", tokenizer.size)):
        raise UsageError(
            f"the tokenizer has {tokenizer.size:,} tokens, and the network knows {config.vocab_size:,}",
            hint="Take the tokenizer that the weights were made with.",
        )
    longest = getattr(config, "max_position_embeddings", None)
    if isinstance(longest, int) and 0 < longest < facts.shape[0]:
        raise UsageError(
            f"data.text.max_length is {facts.shape[0]}, and the network knows {longest} positions",
            hint="Set data.text.max_length lower.",
        )


def built(kind: Any, config: Any, tokenizer: tokenizers.TextTokenizer) -> nn.Module:
    """A module of this kind (an AutoModel) with random weights, which returns logits and brings its tokenizer.

    Its parameters are counted before they are made. Raises `UsageError` for an architecture without such a model.
    """
    try:
        with torch.device("meta"):
            needs = sum(each.numel() for each in kind.from_config(config, dtype=torch.float32).parameters()) * 4
        _ensure_memory(needs)
        module: nn.Module = kind.from_config(config, dtype=torch.float32)
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001 (as above)
        told = str(error).split("\n")[0][:200]
        raise UsageError(f"transformers builds no {kind.__name__} of {config.model_type!r}: {told}") from None
    module.register_forward_hook(_logits)
    tokenizers.attach(module, tokenizer)
    return module


def _ensure_memory(needs: int) -> None:
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needs > there:
        raise UsageError(f"the network needs {needs:,} bytes for its weights alone, and this machine has {there:,}")


def _logits(_module: nn.Module, _given: Any, output: Any) -> Any:
    """What the rest of the package takes of the library's many outputs."""
    return output if isinstance(output, Tensor) else output.logits


def save(module: Any, folder: Path) -> None:
    """`model.safetensors`, `config.json` and the tokenizer's files, so that `from_pretrained` reads them."""
    from transformers.utils import logging

    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        module.save_pretrained(folder, max_shard_size="1000GB")
    finally:
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
    tokenizer = tokenizers.tokenizer_of(module)
    if tokenizer is not None:
        tokenizer.save(folder)


def options_in(folder: Path, architecture: str | None = None) -> TransformerOptions:
    """What `save` wrote of the configuration. Raises `FormatError` and `UnsafeError`."""
    found = completed(TransformerOptions(architecture=architecture), folder)
    if found.architecture is None:
        raise FormatError("names no model_type", where=str(folder / _files.CONFIG))
    return found


def base(module: Any) -> str:
    """The name of the part below the head: `bert`, `transformer`, `model`."""
    return str(module.base_model_prefix)


def layers(module: nn.Module, head: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Embeddings; each layer; what stands above the layers, and the head."""
    stack = _stack(module)
    inside = [f"{stack}.{index}." for index in range(len(module.get_submodule(stack)))] if stack else []  # type: ignore[arg-type]
    first, last = list[str](), [f"{name}." for name in head]
    for name, _ in _leaves(module):
        if any(f"{name}.".startswith(prefix) for prefix in (*inside, *last)):
            continue
        (first if _is_embedding(module, name) else last).append(f"{name}.")
    return (tuple(first), *((prefix,) for prefix in inside), tuple(last))


def _stack(module: nn.Module) -> str:
    """The longest list of modules: the layers."""
    lists = [(len(each), name) for name, each in module.named_modules() if isinstance(each, nn.ModuleList)]
    return max(lists, key=lambda pair: (pair[0], -len(pair[1])))[1] if lists else ""


def _leaves(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, each in module.named_modules():
        if name and next(each.parameters(recurse=False), None) is not None:
            yield name, each


def _is_embedding(module: nn.Module, name: str) -> bool:
    return "embed" in name.lower() or isinstance(module.get_submodule(name), nn.Embedding)
