"""Learning by names on a hub: a trained model is pushed, and a stranger measures and reproduces it by its name."""

import json
import shutil
from urllib.request import urlopen

import numpy as np
import pytest

from weighbridge.hub import Hub, Role
from weighbridge.trust import PrivateKey

RECIPE = """\
recipe: 1
name: blobs
data:
  path: blobs.npz
  split: {test: 0.25, seed: 0}
model: {network: mlp, options: {hidden: [6]}}
train: {steps: 20, batch_size: 16, optimizer: {learning_rate: 0.05}, checkpoints: {every: 10}}
hardware: {device: cpu, threads: 1}
"""


def data_at(folder):
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=80)
    np.savez(folder / "blobs.npz", x=rng.normal(size=(80, 3)) + 3 * y[:, None], y=np.array(["a", "b"])[y])
    return folder / "blobs.npz"


@pytest.fixture(scope="module")
def trained(server):
    """The folder of a run, on the hub as ada/blobs, and what `weigh train` said."""
    folder = server.home / "maker"
    folder.mkdir()
    data_at(folder)
    (folder / "blobs.yaml").write_text(RECIPE)
    told = json.loads(server.weigh("train", "blobs.yaml", "--out", "model", "--json", cwd=folder))
    pushed = json.loads(server.weigh("push", "model", "ada/blobs", "--json", cwd=folder))
    shutil.rmtree(folder / "model" / ".cache")  # what stays on the maker's machine
    return folder / "model", told, pushed["revision"]


def files_of(server, name, folder):
    server.weigh("pull", name, "--out", str(folder))
    return {each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()} - {".gitattributes"}


def names(files):
    return {name for name in files if not name.startswith((".cache", "."))}


def test_checkpoints_and_event_files_of_a_run_stay_at_home_unless_they_are_asked_for(server, trained, tmp_path):
    folder, _, _ = trained
    assert any((folder / "checkpoints").rglob("*"))
    assert any((folder / "runs").iterdir())
    found = names(files_of(server, "ada/blobs", tmp_path / "pulled"))
    assert {"model.safetensors", "config.json", "recipe.yaml", "recipe.lock.json", "weighbridge.json"} <= found
    assert not [name for name in found if name.startswith(("checkpoints/", "runs/"))]
    said = json.loads(server.weigh("push", str(folder), "ada/whole", "--whole-run", "--json"))
    whole = names(files_of(server, "ada/whole", tmp_path / "whole"))
    assert {name.partition("/")[0] for name in whole - found} == {"checkpoints", "runs"}
    assert said["files"] == len(whole)


def test_folders_of_these_names_that_are_no_part_of_a_run_are_published(server, tmp_path):
    (tmp_path / "mine/checkpoints").mkdir(parents=True)
    (tmp_path / "mine/checkpoints/a.txt").write_text("a")
    server.weigh("push", str(tmp_path / "mine"), "ada/mine")
    assert "checkpoints/a.txt" in files_of(server, "ada/mine", tmp_path / "pulled")


def test_a_model_is_measured_by_its_name_on_the_hub(server, trained, tmp_path):
    _, told, revision = trained
    data = data_at(tmp_path)
    for name in ("ada/blobs", f"ada/blobs@{revision}"):
        found = json.loads(server.weigh("eval", name, "--data", str(data), "--json"))
        assert found["metrics"] == told["metrics"] == found["published"]
        assert found["same_data"]


def test_a_model_is_reproduced_by_its_name_on_the_hub(server, trained, tmp_path):
    folder, _, revision = trained
    data = data_at(tmp_path)
    given = ("reproduce", f"ada/blobs@{revision}", "--data", str(data), "--train", "--out", str(tmp_path / "again"))
    found = json.loads(server.weigh(*given, "--json"))
    assert (found["evaluation"]["verdict"], found["training"]["verdict"]) == ("identical", "identical")
    assert (tmp_path / "again/model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()


def test_a_stranger_attests_and_the_hub_shows_it(server, trained, tmp_path):
    _, _, revision = trained
    data, key = data_at(tmp_path), tmp_path / "eve.pem"
    key.write_bytes(PrivateKey.generate().pem())
    with Hub.open(server.data) as hub:
        hub.people.add_user("eve")
        eve = hub.people.create_token("eve", Role.WRITE)
    given = ("reproduce", "ada/blobs", "--data", str(data))
    said = json.loads(server.weigh(*given, "--attest", "--key", str(key), "--token", eve, "--json"))
    assert said["attested"] == PrivateKey.read(key).public.fingerprint
    with urlopen(f"{server.url}/api/models/ada/blobs/reproductions/main") as answer:
        told = json.load(answer)
    (found,) = told["reproductions"]
    assert told["commit"] == revision
    assert (found["user"], found["holds"], found["evaluation"], found["training"]) == ("eve", True, "identical", None)
    assert found["key"] == said["attested"]
    with urlopen(f"{server.url}/ada/blobs") as page:
        assert f"key {found['key'][:8]}" in page.read().decode()


def test_attesting_needs_a_key_a_hub_and_a_token_that_may_write(server, trained, tmp_path):
    data, key = data_at(tmp_path), tmp_path / "key.pem"
    key.write_bytes(PrivateKey.generate().pem())
    given = ("reproduce", "ada/blobs", "--data", str(data), "--attest")
    assert "--key" in server.weigh(*given, ok=False)
    assert "can only read" in server.weigh(*given, "--key", str(key), "--token", server.read_token, ok=False)
    local = ("reproduce", str(trained[0]), "--data", str(data), "--attest", "--key", str(key))
    assert "ORG/NAME" in server.weigh(*local, ok=False)


def test_names_that_lead_nowhere_are_told(server, trained):
    assert "--data" in server.weigh("eval", "ada/blobs", ok=False)
    for command in (("eval", "ada/none"), ("reproduce", "ada/none")):
        said = server.weigh(*command, ok=False)
        assert "ada/none" in said
        assert "Traceback" not in said
