"""A published model on texts: what class they are of, or how they go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from weighbridge.errors import FormatError, LimitError, NotFiniteError
from weighbridge.learn.data import Facts
from weighbridge.learn.evaluation.measure import tensors
from weighbridge.learn.networks.tokenizers import TextTokenizer, tokenizer_of

MAX_BYTES = 16 << 20
CONTINUED = 32
"""So many tokens a text goes on for, or up to the token that ends texts."""


def read(given: str) -> str:
    """The text that `given` is: that of the file if it names one, else itself. Raises `FormatError`, `LimitError`."""
    try:
        is_file = len(given) < 4096 and Path(given).is_file()
    except (OSError, ValueError):  # no name that a file could have
        is_file = False
    if not is_file:
        return given
    if Path(given).stat().st_size > MAX_BYTES:
        raise LimitError(f"has more than {MAX_BYTES:,} bytes of text", where=given)
    try:
        return Path(given).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(f"is no UTF-8 text (byte {error.start})", where=given) from None


def outputs(module: nn.Module, text: str, facts: Facts) -> np.ndarray:
    """Logits or numbers of one text, (1, k). Raises `NotFiniteError`."""
    batch = tensors(_tokenizer(module).batch([text], facts.shape[0]), torch.device("cpu"))
    with torch.inference_mode():
        found: np.ndarray = module(**batch).float().numpy()
    if not np.isfinite(found).all():
        raise NotFiniteError("the model's output is NaN or infinite", where=text[:80])
    return found


def continued(module: nn.Module, text: str, facts: Facts) -> str:
    """The likeliest next tokens, one after another. Raises `NotFiniteError`."""
    tokenizer = _tokenizer(module)
    tokens = tokenizer.encode(text) or [tokenizer.end]
    return tokenizer.decode(list(_next(module, tokens, facts.shape[0], tokenizer.end)))


def _next(module: nn.Module, tokens: list[int], length: int, end: int) -> Iterator[int]:
    """The model sees the last `length` tokens, as many as it learned from at once."""
    for _ in range(CONTINUED):
        seen = np.array([tokens[-length:]], np.int64)
        batch: dict[str, Any] = {"input_ids": seen, "attention_mask": np.ones_like(seen)}
        with torch.inference_mode():
            logits = module(**tensors(batch, torch.device("cpu")))[0, -1].float()
        if not bool(torch.isfinite(logits).all()):
            raise NotFiniteError("the model's output is NaN or infinite")
        found = int(logits.argmax())
        if found == end:
            return
        tokens = [*tokens, found]
        yield found


def _tokenizer(module: nn.Module) -> TextTokenizer:
    tokenizer = tokenizer_of(module)
    if tokenizer is None:
        raise FormatError("the model's folder brings no tokenizer")
    return tokenizer
