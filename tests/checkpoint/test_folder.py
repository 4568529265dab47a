"""What a folder may hold: plain files, links that stay inside, and the cache of huggingface_hub."""

import os

import pytest

import weighbridge as wb
from weighbridge.errors import PathNotFoundError, UnsafePathError
from weighbridge.formats.safetensors import write


@pytest.fixture
def outside(tmp_path, filled):
    (tmp_path / "outside").mkdir()
    write(tmp_path / "outside" / "secret.safetensors", filled("secret"))
    return tmp_path / "outside" / "secret.safetensors"


@pytest.fixture
def folder(tmp_path, filled):
    (tmp_path / "model").mkdir()
    write(tmp_path / "model" / "good.safetensors", filled("good"))
    return tmp_path / "model"


def test_a_link_that_stays_inside_is_followed(folder):
    (folder / "linked.safetensors").symlink_to("good.safetensors")
    assert list(wb.open(folder)) == ["good", "linked.safetensors:good"]


def test_a_link_that_leaves_the_folder_is_refused(folder, outside):
    (folder / "model.safetensors").symlink_to(outside)
    (folder / "config.json").symlink_to("/etc/passwd")
    model = wb.open(folder)
    assert list(model) == ["good"]
    assert {name: type(error) for name, error in model.broken.items()} == {
        "model.safetensors": UnsafePathError,
        "config.json": UnsafePathError,
    }


def test_a_chain_of_links_is_judged_by_where_it_ends(folder, outside):
    (folder / "b.safetensors").symlink_to(outside)
    (folder / "a.safetensors").symlink_to("b.safetensors")
    assert isinstance(wb.open(folder).broken["a.safetensors"], UnsafePathError)


def test_a_linked_folder_is_not_entered(folder, outside):
    (folder / "sub").symlink_to(outside.parent)
    (folder / "loop").symlink_to(folder)
    assert list(wb.open(folder)) == ["good"]


def test_a_link_to_nothing_is_told(folder):
    (folder / "gone.safetensors").symlink_to("nowhere")
    (folder / "self.safetensors").symlink_to("self.safetensors")
    broken = wb.open(folder).broken
    assert isinstance(broken["gone.safetensors"], PathNotFoundError)
    assert isinstance(broken["self.safetensors"], PathNotFoundError)


def test_a_name_with_a_backslash_or_a_line_break_is_refused(folder, filled):
    write(folder / "a\\b.safetensors", filled("a"))
    write(folder / "a\nb.safetensors", filled("a"))
    broken = wb.open(folder).broken
    assert [type(error) for error in broken.values()] == [UnsafePathError] * 2
    assert all(name.isprintable() for name in broken)


def test_a_name_that_is_no_text_is_refused(folder):
    with open(os.fsencode(folder) + b"/\xff.safetensors", "wb") as file:  # noqa: PTH123
        file.write(b"x")
    broken = wb.open(folder).broken
    assert [type(error) for error in broken.values()] == [UnsafePathError]
    str(next(iter(broken.values()))).encode()


def test_a_snapshot_in_the_cache_of_huggingface_hub_is_opened(tmp_path, filled, outside):
    repo = tmp_path / "hub" / "models--org--name"
    snapshot = repo / "snapshots" / "0123abcd"
    (repo / "blobs").mkdir(parents=True)
    (snapshot / "unet").mkdir(parents=True)
    write(repo / "blobs" / "aa11", filled("top"))
    write(repo / "blobs" / "bb22", filled("inner"))
    (snapshot / "model.safetensors").symlink_to("../../blobs/aa11")
    (snapshot / "unet" / "model.safetensors").symlink_to("../../../blobs/bb22")
    (snapshot / "evil.safetensors").symlink_to(outside)
    model = wb.open(snapshot)
    assert list(model) == ["top", "unet/inner"]
    assert isinstance(model.broken["evil.safetensors"], UnsafePathError)
    assert list(wb.open(snapshot / "unet")) == ["inner"]


def test_a_folder_that_only_looks_like_a_snapshot_may_not_link_out(tmp_path, filled, outside):
    snapshot = tmp_path / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    (tmp_path / "blobs").mkdir()
    write(tmp_path / "blobs" / "aa11", filled("top"))
    (snapshot / "model.safetensors").symlink_to("../../blobs/aa11")
    with pytest.raises(UnsafePathError, match="outside the folder"):
        wb.open(snapshot)


def test_names_in_any_script_are_fine(folder, filled):
    for name in ("модель", "模型", "narrow\u202fspace", "emoji 👩\u200d🚀"):
        write(folder / f"{name}.safetensors", filled(name))
    model = wb.open(folder)
    assert model.broken == {}
    assert len(model) == 5


def test_an_index_may_name_files_in_its_own_sub_folders_but_not_through_links(folder, filled, outside):
    (folder / "parts").mkdir()
    write(folder / "parts" / "one.safetensors", filled("one"))
    (folder / "out").symlink_to(outside.parent)
    index = folder / "model.safetensors.index.json"
    index.write_text('{"weight_map": {"one": "parts/one.safetensors"}}')
    assert list(wb.open(index)) == ["parts/one"]
    index.write_text('{"weight_map": {"secret": "out/secret.safetensors"}}')
    with pytest.raises(UnsafePathError):
        wb.open(index)
