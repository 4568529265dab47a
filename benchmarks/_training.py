"""A small network that really trains, for checkpoints with an optimiser's state."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

import weighbridge

WIDTH, LAYERS, LENGTH, BATCH = 192, 3, 64, 16


class Convolutional(nn.Module):
    """Bytes in, the next byte out, by dilated causal convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(256, WIDTH)
        self.layers = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, 3, dilation=2**i) for i in range(2 * LAYERS))
        self.head = nn.Linear(WIDTH, 256)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.embed(x).transpose(1, 2)
        for layer in self.layers:
            h = h + torch.relu(layer(nn.functional.pad(h, (2 * layer.dilation[0], 0))))
        return self.head(h.transpose(1, 2))


class Transformer(nn.Module):
    """Bytes in, the next byte out, by attention."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.place = nn.Embedding(256, WIDTH), nn.Embedding(LENGTH, WIDTH)
        layer = nn.TransformerEncoderLayer(WIDTH, 4, 4 * WIDTH, dropout=0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.head = nn.Linear(WIDTH, 256)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.embed(x) + self.place(torch.arange(x.shape[1]))
        return self.head(
            self.layers(h, mask=nn.Transformer.generate_square_subsequent_mask(x.shape[1]), is_causal=True)
        )


def train(to: Path, *, convolutional: bool, steps: int = 200) -> None:
    """Write `{"model", "optimizer", "step"}` as torch.save does, after Adam's steps on this package's own sources."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    sources = sorted(Path(weighbridge.__file__).parent.rglob("*.py"))
    text = torch.tensor(list(b"\n".join(path.read_bytes() for path in sources)), dtype=torch.long)
    model = Convolutional() if convolutional else Transformer()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(steps):
        starts = torch.randint(len(text) - LENGTH - 1, (BATCH,))
        batch = torch.stack([text[start : start + LENGTH + 1] for start in starts])
        logits = model(batch[:, :-1])
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    torch.save({"model": model.state_dict(), "optimizer": optimiser.state_dict(), "step": steps}, to)
