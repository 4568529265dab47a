"""open(): a file, a folder, an index or a mapping is one checkpoint; what cannot be read is told and spoils nothing."""

import json
import os

import numpy as np
import pytest

import weighbridge as wb
from weighbridge.errors import (
    FormatError,
    LimitError,
    PathNotFoundError,
    TruncatedError,
    UnknownFormatError,
    UnsafePathError,
    UsageError,
)
from weighbridge.formats.safetensors import write
from weighbridge.tensors import BytesSource, FileSource


def edit_index(folder, **changes):
    path = folder / "model.safetensors.index.json"
    content = json.loads(path.read_text())
    content["weight_map"].update(changes)
    path.write_text(json.dumps(content))


def test_one_file_is_a_mapping_of_its_tensors_in_their_order(tmp_path, filled):
    arrays = filled("z", "a", "m")
    write(tmp_path / "model.safetensors", arrays, {"format": "pt"})
    model = wb.open(tmp_path / "model.safetensors")
    assert list(model) == ["z", "a", "m"]
    assert len(model) == 3
    assert "a" in model
    assert "missing" not in model
    assert np.array_equal(model["a"].numpy(), arrays["a"])
    assert model.metadata == {"format": "pt"}
    assert model.name == "model.safetensors"
    assert list(model.files) == ["model.safetensors"]
    assert (model.parameters, model.nbytes) == (18, 72)
    assert repr(model) == "<Checkpoint 'model.safetensors': 3 tensors, 18 parameters, 1 file (safetensors)>"


def test_a_path_may_be_a_text_or_a_link(tmp_path, filled):
    write(tmp_path / "real.safetensors", filled("a"))
    (tmp_path / "link.safetensors").symlink_to(tmp_path / "real.safetensors")
    assert list(wb.open(str(tmp_path / "link.safetensors"))) == ["a"]


def test_a_folder_with_shards_is_one_checkpoint(sharded):
    model = wb.open(sharded)
    assert sorted(model) == ["a", "b", "c"]
    assert model["c"].numpy()[0, 0] == 2
    assert model["c"].info.file == "model-00002-of-00002.safetensors"
    assert list(model.files) == ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    assert sorted(model.side_files) == ["README.md", "config.json", "model.safetensors.index.json"]
    assert model.side_files["README.md"].read_at(0, 8) == b"# A card"
    assert model.broken == {}
    assert model.anomalies == ()


def test_an_index_given_by_its_path_opens_its_shards_and_nothing_else(sharded, filled):
    write(sharded / "other.safetensors", filled("other"))
    model = wb.open(sharded / "model.safetensors.index.json")
    assert sorted(model) == ["a", "b", "c"]


def test_one_shard_given_by_its_path_is_read_alone(sharded):
    model = wb.open(sharded / "model-00002-of-00002.safetensors")
    assert list(model) == ["b", "c"]
    assert model.broken == {}


def test_a_mapping_of_sources_is_opened_like_a_folder(sharded):
    sources = {path.name: FileSource(path) for path in sharded.iterdir()}
    model = wb.open(sources, name="from a store")
    assert sorted(model) == ["a", "b", "c"]
    assert model.name == "from a store"
    assert "config.json" in model.side_files


def test_files_in_folders_give_their_tensors_the_name_of_the_folder(tmp_path, filled):
    (tmp_path / "unet").mkdir()
    (tmp_path / ".cache").mkdir()
    write(tmp_path / "unet" / "diffusion_pytorch_model.safetensors", filled("conv.weight"))
    write(tmp_path / "model.safetensors", filled("head.weight"))
    write(tmp_path / ".cache" / "hidden.safetensors", filled("hidden"))
    write(tmp_path / ".hidden.safetensors", filled("hidden too"))
    assert list(wb.open(tmp_path)) == ["head.weight", "unet/conv.weight"]


def test_weights_are_told_by_their_bytes_and_not_by_their_names(tmp_path, filled):
    write(tmp_path / "weights.dat", filled("a"))
    (tmp_path / "notes.txt").write_text("nothing")
    model = wb.open(tmp_path)
    assert list(model) == ["a"]
    assert list(model.side_files) == ["notes.txt"]


def test_the_same_names_in_another_file_are_kept_under_the_name_of_the_file(tmp_path, filled):
    write(tmp_path / "model.fp16.safetensors", filled("a", "b"))
    write(tmp_path / "model.safetensors", filled("a", "b", "c"))
    model = wb.open(tmp_path)
    assert list(model) == ["a", "b", "model.safetensors:a", "model.safetensors:b", "c"]
    assert model["model.safetensors:b"].info.file == "model.safetensors"
    assert model["model.safetensors:b"].numpy()[0, 0] == 1


def test_the_same_tensors_in_another_format_are_alternatives(tmp_path, filled):
    np.save(tmp_path / "a.npy", np.zeros((2, 3), np.float32))
    write(tmp_path / "z.safetensors", filled("a", "b"))
    model = wb.open(tmp_path)
    assert list(model) == ["a", "b"]
    assert model["a"].info.file == "z.safetensors"
    assert list(model.alternatives) == ["a.npy"]
    assert [tensor.name for tensor in model.alternatives["a.npy"]] == ["a"]
    assert set(model.files) == {"a.npy", "z.safetensors"}


def test_a_broken_file_is_told_and_the_others_are_opened(tmp_path, filled):
    write(tmp_path / "good.safetensors", filled("a"))
    write(tmp_path / "bad.safetensors", filled("b"))
    os.truncate(tmp_path / "bad.safetensors", 70)
    (tmp_path / "empty.safetensors").touch()
    (tmp_path / "pointer.gguf").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\n")
    model = wb.open(tmp_path)
    assert list(model) == ["a"]
    kinds = {name: type(error) for name, error in model.broken.items()}
    assert kinds == {
        "bad.safetensors": TruncatedError,
        "empty.safetensors": UnknownFormatError,
        "pointer.gguf": UnknownFormatError,
    }
    assert "Git LFS" in str(model.broken["pointer.gguf"])
    assert "git lfs pull" in model.broken["pointer.gguf"].hint
    assert ", 3 broken>" in repr(model)


def test_where_nothing_can_be_read_the_first_fault_is_raised(tmp_path, filled):
    write(tmp_path / "bad.safetensors", filled("b"))
    os.truncate(tmp_path / "bad.safetensors", 70)
    for target in (tmp_path, tmp_path / "bad.safetensors"):
        with pytest.raises(TruncatedError, match=r"bad\.safetensors"):
            wb.open(target)


def test_a_missing_shard_is_told_by_the_index(sharded):
    (sharded / "model-00001-of-00002.safetensors").unlink()
    model = wb.open(sharded)
    assert sorted(model) == ["b", "c"]
    error = model.broken["model-00001-of-00002.safetensors"]
    assert isinstance(error, PathNotFoundError)
    assert "places 1 of its tensors there" in str(error)


def test_a_series_of_tables_counts_from_nought(tmp_path, filled):
    write(tmp_path / "model.safetensors", filled("a"))
    for number in (0, 2):
        (tmp_path / f"train-{number:05d}-of-00003.parquet").write_bytes(b"PAR1")
    broken = wb.open(tmp_path).broken
    assert "2 of 3 parts are here" in str(broken["train-00001-of-00003.parquet"])
    assert "train-00003-of-00003.parquet" not in broken


def test_a_missing_part_of_a_numbered_series_is_told_by_its_siblings(tmp_path, filled):
    write(tmp_path / "model-00001-of-00003.safetensors", filled("a"))
    write(tmp_path / "model-00003-of-00003.safetensors", filled("c"))
    model = wb.open(tmp_path)
    assert sorted(model) == ["a", "c"]
    assert "2 of 3 parts are here" in str(model.broken["model-00002-of-00003.safetensors"])


@pytest.mark.parametrize("name", ["ghost", "b"])
def test_a_tensor_that_is_not_where_the_index_says_is_told(sharded, name):
    edit_index(sharded, **{name: "model-00001-of-00002.safetensors"})
    model = wb.open(sharded)
    assert sorted(model) == ["a", "b", "c"]
    (anomaly,) = model.anomalies
    assert anomaly.code == "index.missing-tensor"
    assert anomaly.message == f"1 tensor is not in the shard that the index names: {name!r}"


def test_a_tensor_in_two_shards_is_taken_from_the_one_that_the_index_names(sharded):
    first = "model-00001-of-00002.safetensors"
    write(sharded / first, {"a": np.zeros(2, np.float32), "c": np.full(2, 77, np.float32)})
    model = wb.open(sharded)
    assert model["c"].info.file == "model-00002-of-00002.safetensors"
    assert model[f"{first}:c"].numpy()[0] == 77
    assert [anomaly.code for anomaly in model.anomalies] == ["index.duplicate-tensor"]


def test_a_tensor_that_the_index_forgot_is_told(sharded):
    write(sharded / "model-00001-of-00002.safetensors", {name: np.zeros(2, np.float32) for name in ("a", "extra")})
    model = wb.open(sharded)
    assert "extra" in model
    assert [anomaly.code for anomaly in model.anomalies] == ["index.unlisted-tensor"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weight_map": []}', '{"weight_map": {"a": 1}}', "[" * 100_000])
def test_an_index_that_is_none_is_broken_and_the_shards_are_opened(sharded, text):
    (sharded / "model.safetensors.index.json").write_text(text)
    model = wb.open(sharded)
    assert sorted(model) == ["a", "b", "c"]
    assert isinstance(model.broken["model.safetensors.index.json"], FormatError)
    with pytest.raises(FormatError):
        wb.open(sharded / "model.safetensors.index.json")


def test_a_folder_without_weights_says_so(tmp_path):
    with pytest.raises(UsageError, match="no file"):
        wb.open(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(UnknownFormatError, match="none of its 1 files holds weights"):
        wb.open(tmp_path)


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("missing", PathNotFoundError),
        ("missing/deeper", PathNotFoundError),
        ("pipe", UsageError),
        ("a\0b", PathNotFoundError),
        ("x" * 5000, PathNotFoundError),
        ("text", UnknownFormatError),
    ],
)
def test_what_is_no_weights_is_refused_at_once(tmp_path, target, kind):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(kind):
        wb.open(f"{tmp_path}/{target}")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_a_device_is_refused(device):
    with pytest.raises((UsageError, PathNotFoundError)):
        wb.open(device)


def test_an_unreadable_file_is_told(tmp_path, filled, monkeypatch):
    write(tmp_path / "a.safetensors", filled("a"))
    write(tmp_path / "b.safetensors", filled("b"))
    really_open = os.open

    def deny(path, *rest, **how):  # tests may run as root, who may read everything
        if str(path).endswith("a.safetensors"):
            raise PermissionError(13, "Permission denied", str(path))
        return really_open(path, *rest, **how)

    monkeypatch.setattr(os, "open", deny)
    with pytest.raises(PathNotFoundError, match="Permission denied"):
        wb.open(tmp_path / "a.safetensors")
    assert "Permission denied" in str(wb.open(tmp_path).broken["a.safetensors"])


def test_a_pipe_among_the_files_is_broken_and_not_waited_for(tmp_path, filled):
    write(tmp_path / "a.safetensors", filled("a"))
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in str(wb.open(tmp_path).broken["pipe"])


@pytest.mark.parametrize("name", ["../a", "/a", "a/../b", "a\\b", "a\0b", "", "a//b", "./a", "C:a", "x" * 2000])
def test_a_mapping_with_a_name_that_leaves_its_folder_is_refused(name):
    with pytest.raises(UnsafePathError):
        wb.open({name: BytesSource(b"x"), "good": BytesSource(b"y")})


def test_absurd_folders_are_refused(tmp_path, monkeypatch):
    deep = tmp_path / "/".join("d" * 20)
    deep.mkdir(parents=True)
    with pytest.raises(LimitError, match="nested more than"):
        wb.open(tmp_path)
    monkeypatch.setattr("weighbridge.checkpoint._folder.MAX_FILES", 3)
    wide = tmp_path / "wide"
    wide.mkdir()
    for number in range(4):
        (wide / f"{number}.txt").touch()
    with pytest.raises(LimitError, match="more than 3 files"):
        wb.open(wide)


def test_an_index_in_a_crowded_folder_opens_only_what_it_names(sharded, monkeypatch):
    monkeypatch.setattr("weighbridge.checkpoint._folder.MAX_FILES", 3)
    for number in range(10):
        (sharded / f"{number}.txt").touch()
    assert sorted(wb.open(sharded / "model.safetensors.index.json")) == ["a", "b", "c"]
