"""Trains in processes of its own and kills them: `nursery.py FOLDER SEED CASE…`.

Leaves FOLDER/CASE/whole, of a run that was left alone, and FOLDER/CASE/broken, of one that was killed at random times,
once at least. It forks, so that torch is imported once; nothing else runs here that a fork could break.
"""

import os
import random
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import torch
import torch._dynamo  # the optimisers import it, for seconds
from samples import blobs, line, pictures, recipe

from weighbridge.learn.training import run

MOST_KILLS = 4
CASES = {
    "dropout": (
        blobs,
        recipe(options={"hidden": [9], "dropout": 0.3}, accumulate=2, clip=0.5, label_smoothing=0.1),
    ),
    "cnn": (
        pictures,
        recipe("cnn", {"channels": [4, 6]}, optimizer={"name": "sgd"}, schedule={"name": "onecycle"}),
    ),
    "lbfgs": (line, recipe(options={"hidden": [5]}, optimizer={"name": "lbfgs"}, batch_size=80)),
    "stopping": (
        blobs,
        recipe(stopping={"patience": 2}, checkpoints={"every": 3, "keep": 2}, schedule={"warmup": 0.3}),
    ),
    "head": (pictures, recipe("cnn", {"channels": [4, 6]}, what="head", optimizer={"name": "rmsprop"})),
    "changed head": (
        pictures,
        recipe("cnn", {"channels": [4, 6]}, what="head", data={"image": {"augment": ["flip"]}}),
    ),
    "fitted head": (
        pictures,
        recipe("cnn", {"channels": [4, 6]}, what="head", optimizer={"name": "lbfgs", "weight_decay": 0.01}),
    ),
}


def noisy(batch, rng):
    """A change of samples that shows whether it is drawn again as before."""
    return {name: values + rng.normal(size=values.shape).astype(values.dtype) * 0.1 for name, values in batch.items()}


def in_a_process(work, kill_after=None):
    """Run `work` in a process of its own, which is killed after so many seconds. Whether it came to its end."""
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)
        try:
            work()
        except BaseException:  # noqa: BLE001 (a child of a fork must end here, whatever happens)
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit("a run failed by itself")
    return os.WIFEXITED(status)


def main(name, folder, seed):
    data, what = CASES[name]
    rng = random.Random(seed)

    def train(into):
        run(what, data(), folder / into, change=noisy)

    started = time.perf_counter()
    in_a_process(lambda: train("whole"))
    length, kills = time.perf_counter() - started, 0
    while not in_a_process(lambda: train("broken"), rng.uniform(0.05, 0.9) * length if kills < MOST_KILLS else None):
        kills += 1
    if not kills:  # the first run had to warm up, and this was faster than any time to kill it
        shutil.rmtree(folder / "broken")
        in_a_process(lambda: train("broken"), length / 4)
        in_a_process(lambda: train("broken"))


if __name__ == "__main__":
    for case in sys.argv[3:]:
        main(case, Path(sys.argv[1]) / case, int(sys.argv[2]))
