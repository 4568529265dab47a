"""Datasets on a hub: fetched by our client, pinned by commit and digest, found again when `main` has moved on."""

import csv
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from weighbridge.cli._learn import fetch_data
from weighbridge.cli.main import run
from weighbridge.errors import DataError, RepoNotFoundError, RevisionNotFoundError
from weighbridge.learn.data import load
from weighbridge.learn.recipe import DataSpec

RECIPE = """\
recipe: 1
name: peaks
data:
  path: hub:ada/peaks
  files: ["rows/*.csv"]
model: {network: mlp, options: {hidden: [6]}}
train: {steps: 12, batch_size: 16, optimizer: {learning_rate: 0.05}}
hardware: {device: cpu, threads: 1}
"""


@pytest.fixture(autouse=True)
def stranger(server, tmp_path, monkeypatch):
    """Everything below runs as a client of the hub with a cache of its own."""
    monkeypatch.setenv("WEIGHBRIDGE_CACHE", str(tmp_path / "cache"))
    for name, value in server.environment().items():
        if name.startswith("HF_"):
            monkeypatch.setenv(name, value)


def push(server, folder, name):
    return json.loads(server.weigh("push", str(folder), name, "--kind", "dataset", "--json"))["revision"]


def table(path, count, seed):
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["height", "label"])
        rows.writerows([f"{rng.normal() + 3 * (n % 2):.4f}", "ab"[n % 2]] for n in range(count))


def read(server, path, **spec):
    return load(DataSpec(path=path, **spec), where=server.home, fetch=fetch_data(server.url, server.token))


def test_a_run_pins_the_commit_and_is_measured_by_it_after_main_moved(server, tmp_path, capsys):
    data = tmp_path / "peaks"
    table(data / "rows/train.csv", 60, 0)
    table(data / "rows/test.csv", 20, 1)
    table(data / "others/train.csv", 30, 2)
    commit = push(server, data, "ada/peaks")
    (tmp_path / "peaks.yaml").write_text(RECIPE)
    out = tmp_path / "out"
    assert run(["train", str(tmp_path / "peaks.yaml"), "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["samples"] == 20
    lock = json.loads((out / "recipe.lock.json").read_text())
    assert lock["data"]["hub"] == f"ada/peaks@{commit}"
    assert not list((tmp_path / "cache").rglob("others"))  # what no pattern names is not fetched
    server.weigh("push", str(out), "ada/peaks-model")

    table(data / "rows/train.csv", 60, 3)
    (data / "rows/test.csv").rename(data / "rows/validation.csv")
    moved = push(server, data, "ada/peaks")
    assert moved != commit
    for given in (str(out), "ada/peaks-model"):
        assert run(["eval", given, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["same_data"]
        assert found["metrics"] == told["metrics"]
    assert run(["reproduce", "ada/peaks-model", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["evaluation"]["verdict"] == "identical"
    assert run(["eval", str(out), "--data", f"hub:ada/peaks@{moved}", "--split", "train", "--json"]) == 0
    assert not json.loads(capsys.readouterr().out)["same_data"]


def test_parquet_jsonl_and_folders_of_pictures(server, tmp_path):
    def png(value):
        stream = io.BytesIO()
        Image.fromarray(np.full((5, 5), value, np.uint8)).save(stream, "PNG")
        return {"bytes": stream.getvalue(), "path": None}

    pictures, texts, folders = (tmp_path / name for name in ("pictures", "texts", "folders"))
    (pictures / "data").mkdir(parents=True)
    names = {"info": {"features": {"label": {"names": ["dark", "light"], "_type": "ClassLabel"}}}}
    for split, start in (("train", 0), ("test", 100)):
        columns = {"image": [png(start + n) for n in range(8)], "label": [0, 1] * 4}
        held = pa.table(columns).replace_schema_metadata({"huggingface": json.dumps(names)})
        pq.write_table(held, pictures / f"data/{split}-00000-of-00001.parquet")
        for n in range(4):
            (folders / split / "ab"[n % 2]).mkdir(parents=True, exist_ok=True)
            (folders / split / "ab"[n % 2] / f"{n}.png").write_bytes(png(start + n)["bytes"])
    texts.mkdir()
    lines = [json.dumps({"text": f"line {n}", "label": n % 2}) for n in range(10)]
    (texts / "train.jsonl").write_text("\n".join(lines))
    (texts / "README.md").write_text("# Lines\n")
    revisions = {each.name: push(server, each, f"ada/{each.name}") for each in (pictures, texts, folders)}
    found = {name: read(server, f"hub:ada/{name}") for name in revisions}
    assert {name: splits.origin for name, splits in found.items()} == {
        name: f"ada/{name}@{revision}" for name, revision in revisions.items()
    }
    shapes = {name: (s.facts.kind, s.facts.classes, len(s.train), len(s.test)) for name, s in found.items()}
    assert shapes == {
        "pictures": ("image", ("dark", "light"), 8, 8),
        "texts": ("text", ("0", "1"), 10, 0),
        "folders": ("image", ("a", "b"), 4, 4),
    }
    local = load(DataSpec(path="folders"), where=tmp_path)
    assert (local.digest, local.origin) == (found["folders"].digest, None)


def test_a_file_that_a_revision_no_longer_has_is_not_read_from_the_cache(server, tmp_path):
    data = tmp_path / "shrinks"
    for name, seed in (("train.csv", 0), ("train-more.csv", 1)):
        table(data / name, 10, seed)
    before = push(server, data, "ada/shrinks")
    assert len(read(server, "hub:ada/shrinks").train) == 20
    server.python(
        "from huggingface_hub import HfApi; HfApi().delete_file('train-more.csv', 'ada/shrinks', repo_type='dataset')"
    )
    assert len(read(server, "hub:ada/shrinks").train) == 10
    assert len(read(server, f"hub:ada/shrinks@{before}").train) == 20


def test_places_that_lead_nowhere_are_told(server, tmp_path):
    with pytest.raises(RepoNotFoundError, match="ada/nowhere"):
        read(server, "hub:ada/nowhere")
    table(tmp_path / "here/train.csv", 10, 0)
    push(server, tmp_path / "here", "ada/here")
    with pytest.raises(RevisionNotFoundError):
        read(server, "hub:ada/here@v9")
    with pytest.raises(DataError, match=r"no file matches data.files: \*\.parquet"):
        read(server, "hub:ada/here", files=("*.parquet",))
