"""A network's tokenizer: its files as they came, kept with the model, and what makes tokens of texts by them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from weighbridge.errors import FormatError, LimitError, UnsafeError
from weighbridge.learn._json import dump, read_object
from weighbridge.learn.data import Batch

FILES = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt",
    "vocab.json", "merges.txt", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model", "chat_template.jinja",
)  # fmt: skip
_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model",
                 "tokenizer.model")  # fmt: skip
MAX_BYTES = 128 << 20
_ATTRIBUTE = "weighbridge_tokenizer"
_SPECIAL = ("<pad>", "<s>", "</s>", "<unk>", "<mask>")


@dataclass(frozen=True)
class TextTokenizer:
    """`files` are the tokenizer's, by name. `pad` and `end` are tokens: of filling, and between two texts."""

    files: Mapping[str, bytes]
    tokenizer: Any
    pad: int
    end: int

    @property
    def size(self) -> int:
        """So many tokens a network must know."""
        return len(self.tokenizer)

    def encode(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=False, verbose=False))

    def batch(self, texts: list[str], max_length: int) -> Batch:
        """`input_ids` and `attention_mask`, int64 (n, length of the longest, at most `max_length`)."""
        rows = [self.tokenizer(text, truncation=True, max_length=max_length)["input_ids"] for text in texts]
        length = max(1, *map(len, rows))
        tokens = np.full((len(rows), length), self.pad, np.int64)
        mask = np.zeros((len(rows), length), np.int64)
        for index, row in enumerate(rows):
            tokens[index, : len(row)] = row
            mask[index, : len(row)] = 1
        mask[:, 0] = 1  # a text without tokens is one of padding: attention to nothing has no mean
        return {"input_ids": tokens, "attention_mask": mask}

    def decode(self, tokens: list[int]) -> str:
        return str(self.tokenizer.decode(tokens, skip_special_tokens=True))

    def save(self, folder: Path) -> None:
        """Write the files as they came."""
        for name, data in self.files.items():
            (folder / name).write_bytes(data)


def read(folder: Path) -> TextTokenizer | None:
    """The tokenizer in a model's folder, None if there is none. Nothing of it is executed.

    Raises `UnsafeError` where the folder asks for code of its own, `FormatError` and `LimitError`.
    """
    if not any((folder / name).is_file() for name in _VOCABULARIES):
        return None
    files = {}
    for name in FILES:
        path = folder / name
        if path.is_file():
            if path.stat().st_size > MAX_BYTES:
                raise LimitError(f"has more than {MAX_BYTES:,} bytes, which no tokenizer needs", where=str(path))
            files[name] = path.read_bytes()
    if "tokenizer_config.json" in files:
        refuse_code(folder / "tokenizer_config.json")
    return _opened(files, str(folder))


def refuse_code(path: Path) -> None:
    """Raises `UnsafeError` for a configuration that names Python code to be run (`auto_map`)."""
    named = read_object(path).get("auto_map")
    if named:
        listed = named.values() if isinstance(named, dict) else (named,)
        raise UnsafeError(
            f"asks for code of its own: auto_map names {', '.join(map(str, listed))}",
            where=str(path),
            hint="Only networks that transformers itself has can be used.",
        )


def by_bytes() -> TextTokenizer:
    """A tokenizer that needs no training: a token for each byte of UTF-8, and five special ones."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({name: at for at, name in enumerate([*_SPECIAL, *alphabet])}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in _SPECIAL])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    names = dict(zip(("pad_token", "bos_token", "eos_token", "unk_token", "mask_token"), _SPECIAL, strict=True))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **names}
    files = {"tokenizer.json": tokenizer.to_str(pretty=True).encode(), "tokenizer_config.json": dump(config).encode()}
    return _opened(files, "the tokenizer of bytes")


def attach(module: nn.Module, tokenizer: TextTokenizer) -> None:
    """Let the module bring its tokenizer along."""
    setattr(module, _ATTRIBUTE, tokenizer)


def tokenizer_of(module: nn.Module) -> TextTokenizer | None:
    """What `attach` attached; None for networks of pictures and tables."""
    found = getattr(module, _ATTRIBUTE, None)
    return found if isinstance(found, TextTokenizer) else None


def _opened(files: Mapping[str, bytes], where: str) -> TextTokenizer:
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    with tempfile.TemporaryDirectory(prefix="weighbridge-") as folder:  # no other file there: no code, no network
        for name, data in files.items():
            (Path(folder) / name).write_bytes(data)
        alone = "tokenizer.json" in files and "tokenizer_config.json" not in files
        kind: Any = PreTrainedTokenizerFast if alone else AutoTokenizer
        try:
            tokenizer = kind.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        except Exception as error:  # noqa: BLE001 (libraries in other languages raise what they like)
            told = str(error).split("\n")[0].replace(folder, "").strip()[:300]
            raise FormatError(f"the tokenizer cannot be read ({type(error).__name__}: {told})", where=where) from None
    end = next((each for each in _ends(tokenizer) if each is not None), None)
    if end is None:
        raise FormatError("the tokenizer names no token that ends or separates texts", where=where)
    pad = tokenizer.pad_token_id
    return TextTokenizer(files, tokenizer, int(end if pad is None else pad), int(end))


def _ends(tokenizer: Any) -> tuple[int | None, ...]:
    return (tokenizer.eos_token_id, tokenizer.sep_token_id, tokenizer.bos_token_id, tokenizer.pad_token_id)
