"""huggingface_hub 1.19, unmodified, as pip installs it: it asks how to upload, and is told LFS."""

import os
from pathlib import Path

import pytest

PYTHON = os.environ.get("WEIGHBRIDGE_HF119", "")

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(not PYTHON, reason="WEIGHBRIDGE_HF119 names no python that has huggingface_hub 1.19"),
]


def test_it_creates_uploads_and_downloads(server, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "weights.safetensors").write_bytes(os.urandom(3_000_000))
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n")
    script = f"""
        import filecmp, os, huggingface_hub
        from huggingface_hub import HfApi, hf_hub_download, list_models, model_info, snapshot_download
        from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError
        assert huggingface_hub.__version__.startswith("1.19."), huggingface_hub.__version__
        folder, repo, api = {str(tmp_path)!r}, "ada/older", HfApi()
        assert api.whoami()["name"] == "ada"
        api.create_repo(repo)
        api.create_repo(repo, exist_ok=True, private=False)
        done = api.upload_folder(repo_id=repo, folder_path=folder)
        assert model_info(repo).sha == done.oid
        path = snapshot_download(repo)
        for name in ("d/weights.safetensors", "config.json", "README.md"):
            assert filecmp.cmp(os.path.join(path, name), os.path.join(folder, name), shallow=False), name
        with open(os.path.join(folder, "d/weights.safetensors"), "rb") as file:
            api.upload_file(path_or_fileobj=file, path_in_repo="again.bin", repo_id=repo)
        assert [m.id for m in list_models(author="ada", search="older")] == [repo]
        for expected, call in (
            (RepositoryNotFoundError, lambda: model_info("ada/missing")),
            (RevisionNotFoundError, lambda: model_info(repo, revision="nope")),
            (EntryNotFoundError, lambda: hf_hub_download(repo, "nope")),
        ):
            try:
                call()
            except expected:
                continue
            raise AssertionError(expected)
        api.create_branch(repo, branch="b")
        api.create_tag(repo, tag="v1")
        api.delete_file("config.json", repo)
        assert "config.json" not in api.list_repo_files(repo)
        print("held")
    """
    assert server.python(script, interpreter=PYTHON).endswith("held\n")


def test_its_command_works(server, tmp_path):
    hf = str(Path(PYTHON).with_name("hf"))
    (tmp_path / "model.bin").write_bytes(os.urandom(300_000))
    assert "ada" in server.run([hf, "auth", "whoami"])
    server.run([hf, "repo", "create", "ada/older-command"])
    server.run([hf, "upload", "ada/older-command", str(tmp_path)])
    server.run([hf, "download", "ada/older-command", "--local-dir", str(tmp_path / "down")])
    assert (tmp_path / "down" / "model.bin").read_bytes() == (tmp_path / "model.bin").read_bytes()
