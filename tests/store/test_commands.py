"""`weigh pack`, `unpack` and `store`, as a person or a script runs them."""

from __future__ import annotations

import json

import pytest

from weighbridge.cli._bases import base_files
from weighbridge.cli.main import run
from weighbridge.errors import ObjectNotFoundError
from weighbridge.store import Store
from weighbridge.store._keys import file_key, name_key
from weighbridge.tensors import BytesSource


@pytest.fixture
def model(tmp_path, make):
    """A folder with a file in a folder in it."""
    root = tmp_path / "model"
    (root / "1_Pooling").mkdir(parents=True)
    (root / "model.safetensors").write_bytes(make.safetensors({"w": make.weights(300_000)}))
    (root / "config.json").write_text('{"a": 1}')
    (root / "1_Pooling" / "config.json").write_text("{}")
    return root


def weigh(capsys, *arguments):
    """Status, standard output, standard error."""
    status = run([str(argument) for argument in arguments])
    told = capsys.readouterr()
    return status, told.out, told.err


def test_a_packed_folder_unpacks_to_the_same_files(model, folder, tmp_path, capsys):
    status, out, _ = weigh(capsys, "pack", model, "--store", folder)
    assert (status, out.splitlines()[-1].startswith("3 files: ")) == (0, True)
    assert weigh(capsys, "unpack", "--store", folder, "--all", "--out", tmp_path / "out")[0] == 0
    for path in (p for p in model.rglob("*") if p.is_file()):
        assert (tmp_path / "out" / path.relative_to(model)).read_bytes() == path.read_bytes()
    assert not list((tmp_path / "out").rglob("*.part"))


def test_packing_tells_what_each_file_took(model, folder, make, capsys):
    status, out, _ = weigh(capsys, "pack", model, "--store", folder, "--json")
    told = json.loads(out)
    assert status == 0
    assert [file["name"] for file in told["files"]] == ["config.json", "model.safetensors", "1_Pooling/config.json"]
    weights = (model / "model.safetensors").read_bytes()
    assert told["files"][1]["sha256"] == make.sha256(weights)
    assert told["files"][1]["original_bytes"] == len(weights)
    assert len(weights) / 2 < told["files"][1]["new_bytes"] < len(weights) * 0.9
    assert told["new_bytes"] == sum(file["new_bytes"] for file in told["files"])
    assert all(file["seconds"] >= 0 and file["replaced"] is None for file in told["files"])
    again = json.loads(weigh(capsys, "pack", model, "--store", folder, "--json")[1])
    assert again["new_bytes"] == 0


def test_a_name_packed_again_stands_for_the_new_content_and_says_so(model, folder, capsys):
    path = model / "config.json"
    first = json.loads(weigh(capsys, "pack", path, "--store", folder, "--json")[1])["files"][0]
    path.write_text("changed")
    second = json.loads(weigh(capsys, "pack", path, "--store", folder, "--json")[1])["files"][0]
    assert second["replaced"] == first["sha256"] != second["sha256"]
    path.write_text("changed again")
    assert "replaces" in weigh(capsys, "pack", path, "--store", folder)[1]


def test_unpacking_never_overwrites_by_surprise(model, folder, tmp_path, capsys):
    weigh(capsys, "pack", model / "config.json", "--store", folder)
    out = tmp_path / "out"
    out.mkdir()
    (out / "config.json").write_text("mine")
    status, _, err = weigh(capsys, "unpack", "--store", folder, "config.json", "--out", out)
    assert (status, "exists already" in err, (out / "config.json").read_text()) == (2, True, "mine")
    assert weigh(capsys, "unpack", "--store", folder, "config.json", "--out", out, "--force")[0] == 0
    assert (out / "config.json").read_text() == '{"a": 1}'


@pytest.mark.parametrize("name", ["../escape", "/absolute", "a/../../b", "back\\slash", "a//b", "esc\x1b[31m", "C:/x"])
def test_unpacking_writes_no_name_that_leaves_its_folder(folder, tmp_path, capsys, name):
    with Store.open(folder, create=True) as store:
        store.bind(name, store.add(BytesSource(b"x")).sha256)
    before = sorted(tmp_path.rglob("*"))
    for which in (name, "--all"):
        status, _, err = weigh(capsys, "unpack", "--store", folder, "--out", tmp_path / "out", which)
        assert (status, "unsafe" in err, "\x1b" in err) == (2, True, False)
    assert sorted(tmp_path.rglob("*")) == before


def test_unpacking_does_not_follow_a_link_out_of_its_folder(folder, tmp_path, capsys):
    with Store.open(folder, create=True) as store:
        store.bind("link/x", store.add(BytesSource(b"x")).sha256)
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "link").symlink_to(tmp_path / "elsewhere")
    assert weigh(capsys, "unpack", "--store", folder, "--all", "--out", tmp_path / "out")[0] == 2
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_damaged_file_is_not_unpacked_and_leaves_nothing(model, folder, tmp_path, capsys):
    weigh(capsys, "pack", model / "model.safetensors", "--store", folder)
    pack = next((folder / "packs").rglob("*.pack"))
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.write_bytes(data)
    status, _, err = weigh(capsys, "unpack", "--store", folder, "--all", "--out", tmp_path / "out")
    assert (status, "store.corrupt" in err) == (2, True)
    assert list((tmp_path / "out").iterdir()) == []
    status, out, _ = weigh(capsys, "store", "verify", "--store", folder)
    assert (status, "hurts model.safetensors" in out) == (1, True)
    told = json.loads(weigh(capsys, "store", "verify", "--store", folder, "--json")[1])
    assert not told["ok"]
    assert told["damage"][0]["object"] == pack.relative_to(folder).as_posix()
    assert told["damage"][0]["files"][0]["names"] == ["model.safetensors"]


def test_damaged_files_keep_nobody_from_the_sound_ones(model, folder, make, tmp_path, capsys):
    for name in ("a", "b"):
        (model / f"{name}.safetensors").write_bytes(make.safetensors({name: make.weights(300_000, seed=ord(name))}))
        weigh(capsys, "pack", model / f"{name}.safetensors", "--store", folder)
    for pack in (folder / "packs").rglob("*.pack"):
        data = bytearray(pack.read_bytes())
        data[len(data) // 2] ^= 1
        pack.write_bytes(data)
    weigh(capsys, "pack", model / "config.json", "--store", folder)
    status, out, err = weigh(capsys, "unpack", "--store", folder, "--all", "--json", "--out", tmp_path / "out")
    assert (status, [one["name"] for one in json.loads(out)["files"]]) == (2, ["config.json"])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["config.json"]
    assert all(f"file {name}.safetensors" in err for name in ("a", "b"))


def test_a_sound_store_verifies_lists_and_adds_up(model, folder, capsys):
    weigh(capsys, "pack", model, "--store", folder)
    status, out, _ = weigh(capsys, "store", "verify", "--store", folder)
    assert (status, "every bit is sound" in out) == (0, True)
    listed = json.loads(weigh(capsys, "store", "ls", "--store", folder, "--json")[1])["files"]
    assert [file["name"] for file in listed] == ["1_Pooling/config.json", "config.json", "model.safetensors"]
    assert "model.safetensors" in weigh(capsys, "store", "ls", "--store", folder)[1]
    stat = json.loads(weigh(capsys, "store", "stat", "--store", folder, "--json")[1])
    assert (stat["files"], stat["file_bytes"]) == (3, sum(file["bytes"] for file in listed))
    assert "floats" in weigh(capsys, "store", "stat", "--store", folder)[1]


def test_what_cannot_be_done_is_told_in_a_line_and_a_hint(model, folder, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    cases = [
        (("pack", tmp_path / "missing", "--store", folder), "no such file"),
        (("pack", model, model / "config.json", "--store", folder), "would both be stored"),
        (("pack", tmp_path / "empty", "--store", folder), "holds no files"),
        (("pack", model / "1_Pooling", "--store", model), "holds other files"),
        (("unpack", "--store", tmp_path / "missing", "--all", "--out", tmp_path), "no store here"),
        (("unpack", "--store", model, "--all", "--out", tmp_path), "is not a store"),
        (("store", "verify", "--store", model), "is not a store"),
    ]
    weigh(capsys, "pack", model, "--store", folder)
    cases += [
        (("unpack", "--store", folder, "nobody", "--out", tmp_path), "no file named 'nobody'"),
        (("unpack", "--store", folder, "--out", tmp_path), "either names or --all"),
        (("unpack", "--store", folder, "x", "--all", "--out", tmp_path), "either names or --all"),
    ]
    for arguments, expected in cases:
        status, out, err = weigh(capsys, *arguments)
        assert (status, out, expected in err, "Traceback" in err) == (2, "", True, False), err


def test_a_store_inside_the_packed_folder_is_not_packed_into_itself(model, capsys):
    for _ in range(2):
        told = json.loads(weigh(capsys, "pack", model, "--store", model / "store", "--json")[1])
        assert len(told["files"]) == 3


def test_a_file_name_that_is_not_unicode_is_refused_before_anything_is_stored(model, folder, capsys):
    (model / "zz\udcff").write_bytes(b"x")
    status, _, err = weigh(capsys, "pack", model, "--store", folder)
    assert (status, "not Unicode" in err, folder.exists()) == (2, True, False)


@pytest.mark.parametrize("kind", ["names", "files"])
def test_a_damaged_name_or_manifest_keeps_nobody_from_the_sound_files(model, folder, tmp_path, capsys, kind):
    weigh(capsys, "pack", model, "--store", folder)
    with Store.open(folder) as store:
        sha256 = store.resolve("config.json")
    key = file_key(sha256) if kind == "files" else name_key("config.json")
    path = folder / key
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    for command in (
        ("store", "ls", "--store", folder),
        ("unpack", "--all", "--store", folder, "--out", tmp_path / "o"),
    ):
        status, out, err = weigh(capsys, *command)
        assert status == 2
        assert "model.safetensors" in out
        assert key in err
    written = {p.relative_to(tmp_path / "o").as_posix() for p in (tmp_path / "o").rglob("*") if p.is_file()}
    assert written == {"model.safetensors", "1_Pooling/config.json"}


def test_packing_tells_what_a_file_was_coded_against(tmp_path, folder, make, capsys):
    weights = make.weights(100_000)
    for name, values in (("base", weights), ("fine", weights + make.weights(100_000, 1) / 1000)):
        (tmp_path / f"{name}.safetensors").write_bytes(make.safetensors({"w": values.reshape(100, 1000)}))
    weigh(capsys, "pack", tmp_path / "base.safetensors", "--store", folder)
    base = make.sha256((tmp_path / "base.safetensors").read_bytes())
    fine = tmp_path / "fine.safetensors"
    status, out, _ = weigh(capsys, "pack", fine, "--store", folder, "--base", "base.safetensors", "--json")
    assert status == 0
    assert json.loads(out)["files"][0]["bases"] == [{"sha256": base, "blocks": 1}]
    again = tmp_path / "again"
    status, out, _ = weigh(capsys, "pack", fine, "--store", again, "--base", "nothing.safetensors")
    assert status != 0
    weigh(capsys, "pack", tmp_path / "base.safetensors", "--store", again)
    assert "of its blocks beside base.safetensors" in weigh(capsys, "pack", fine, "--store", again)[1]


def test_a_card_names_where_to_look_first(tmp_path, folder, make):
    (tmp_path / "README.md").write_text("---\nbase_model:\n- org/base\n- org/absent\n---\n")
    with Store.open(folder, create=True) as store:
        wanted = store.add(BytesSource(b"wanted")).sha256
        store.bind("org/base/model.safetensors", wanted)
        store.bind("org/base2/model.safetensors", store.add(BytesSource(b"other")).sha256)
        assert base_files(store, (), [tmp_path, folder]) == (wanted,)
        assert base_files(store, ["ab" * 32], []) == ("ab" * 32,)
        with pytest.raises(ObjectNotFoundError):
            base_files(store, ["unknown"], [])
