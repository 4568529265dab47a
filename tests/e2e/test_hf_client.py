"""huggingface_hub 2.4, unmodified, in processes of its own: the library and its command."""

import random

import pytest

RANDOM = random.Random(7)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model as people have them: card, config, weights of several MB, and a folder inside."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "README.md").write_text("---\nlicense: mit\ntags: [tiny]\n---\n# Tiny\n")
    (folder / "config.json").write_text('{"model_type": "tiny"}')
    (folder / "weights.bin").write_bytes(RANDOM.randbytes(3_000_000))
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_bytes(RANDOM.randbytes(200_000))
    (folder / "empty.txt").write_bytes(b"")
    (folder / "per%cent é.txt").write_text("x")
    return folder


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_command_says_who_i_am(server):
    assert "ada" in server.hf("auth", "whoami")
    assert "ada" in server.hf("auth", "whoami", token=server.read_token)
    wrong = server.hf("auth", "whoami", token="hf_wrong", ok=False)
    assert "Invalid" in wrong
    assert "Traceback" not in wrong


def test_the_command_creates_uploads_and_downloads(server, folder, tmp_path):
    assert "ada/by-command" in server.hf("repos", "create", "ada/by-command")
    assert "commit" in server.hf("upload", "ada/by-command", str(folder))
    server.hf("download", "ada/by-command", "--local-dir", str(tmp_path / "down"))
    got = contents(tmp_path / "down")
    wanted = contents(folder)
    assert {name: got[name] for name in wanted} == wanted
    assert "commit" in server.hf("upload", "ada/by-command", str(folder / "config.json"), "copies/config.json")
    one = server.hf("download", "ada/by-command", "copies/config.json", "--local-dir", str(tmp_path / "one"))
    assert (tmp_path / "one" / "copies" / "config.json").read_bytes() == wanted["config.json"], one
    assert "ada/by-command" in server.hf("models", "ls", "--author", "ada", "--format", "json")
    assert "not found" in server.hf("download", "ada/missing", ok=False)
    assert "deleted" in server.hf("repos", "delete", "ada/by-command", "--yes").lower()


def test_the_library_publishes_and_fetches(server, folder):
    script = f"""
        import filecmp, json, os
        from huggingface_hub import HfApi, hf_hub_download, snapshot_download
        folder = {str(folder)!r}
        api = HfApi()
        assert api.whoami()["name"] == "ada"
        url = api.create_repo("ada/by-library")
        assert api.create_repo("ada/by-library", exist_ok=True) == url, url
        first = api.model_info("ada/by-library").sha
        done = api.upload_folder(repo_id="ada/by-library", folder_path=folder, commit_message="All of it")
        info = api.model_info("ada/by-library", files_metadata=True)
        assert info.sha == done.oid != first
        assert info.card_data.license == "mit" and "tiny" in info.tags
        assert {{s.rfilename: s.size for s in info.siblings}}["weights.bin"] == 3_000_000
        names = set(api.list_repo_files("ada/by-library"))
        assert names == {set(contents(folder)) | {".gitattributes"}!r}, names
        path = snapshot_download("ada/by-library")
        for name in names - {{".gitattributes"}}:
            assert filecmp.cmp(os.path.join(path, name), os.path.join(folder, name), shallow=False), name
        assert snapshot_download("ada/by-library", local_files_only=True) == path
        # Nothing changed: the client sees that from the ids, and makes no commit.
        assert api.upload_folder(repo_id="ada/by-library", folder_path=folder).oid == done.oid
        assert [commit.title for commit in api.list_repo_commits("ada/by-library")] == ["All of it", "initial commit"]
        [only] = api.list_models(search="by-library")
        assert only.id == "ada/by-library" and only.sha == done.oid
        tree = {{entry.path: entry for entry in api.list_repo_tree("ada/by-library", recursive=True, expand=True)}}
        assert tree["onnx/model.onnx"].lfs.size == 200_000 and tree["onnx/model.onnx"].last_commit.oid == done.oid
        [info] = api.get_paths_info("ada/by-library", ["onnx", "missing"])
        assert info.path == "onnx"
        assert api.file_exists("ada/by-library", "config.json") and not api.file_exists("ada/by-library", "nope")
        assert api.repo_exists("ada/by-library") and not api.repo_exists("ada/nope")
        print("held")
    """
    assert server.python(script).endswith("held\n")


def test_the_clients_own_exceptions_are_raised(server):
    script = """
        from huggingface_hub import HfApi, hf_hub_download, snapshot_download
        from huggingface_hub.errors import *
        api = HfApi()
        api.create_repo("ada/errors")
        api.create_repo("ada/hidden", private=True)

        def raised(expected, call, *arguments, **options):
            try:
                call(*arguments, **options)
            except expected as error:
                assert type(error) is expected, type(error)
                return error
            raise AssertionError(f"{call.__name__} did not raise")

        raised(RepositoryNotFoundError, api.model_info, "ada/missing")
        raised(RepositoryNotFoundError, api.model_info, "gpt2")
        raised(RepositoryNotFoundError, api.dataset_info, "ada/errors")
        raised(RepositoryNotFoundError, snapshot_download, "ada/missing")
        raised(RepositoryNotFoundError, hf_hub_download, "ada/missing", "config.json")
        raised(RepositoryNotFoundError, api.delete_repo, "ada/missing")
        raised(RepositoryNotFoundError, api.model_info, "ada/hidden", token=False)
        raised(RevisionNotFoundError, api.model_info, "ada/errors", revision="nope")
        raised(RevisionNotFoundError, hf_hub_download, "ada/errors", "config.json", revision="nope")
        raised(RemoteEntryNotFoundError, hf_hub_download, "ada/errors", "config.json")
        raised(RemoteEntryNotFoundError, lambda: list(api.list_repo_tree("ada/errors", "nope")))
        raised(RemoteEntryNotFoundError, api.delete_file, "nope", "ada/errors")
        error = raised(HfHubHTTPError, api.create_repo, "ada/errors")
        assert error.response.status_code == 409
        error = raised(HfHubHTTPError, api.model_info, "ada/errors", token="hf_wrong")
        assert error.response.status_code == 401 and "Invalid credentials" in str(error), str(error)
        error = raised(HfHubHTTPError, api.whoami, token="hf_wrong")
        assert "Invalid user token" in str(error), str(error)
        error = raised(HfHubHTTPError, api.create_repo, "someone/else")
        assert error.response.status_code == 403
        upload = dict(path_or_fileobj=b"x", path_in_repo="a.txt", repo_id="ada/errors")
        error = raised(HfHubHTTPError, api.upload_file, **upload, token=READ_TOKEN)
        assert error.response.status_code == 403 and "can only read" in str(error), str(error)
        error = raised(HfHubHTTPError, api.upload_file, **upload, token=False)
        assert error.response.status_code == 401
        first = api.model_info("ada/errors").sha
        api.upload_file(**upload, parent_commit=first)
        upload["path_or_fileobj"] = b"y"
        error = raised(HfHubHTTPError, api.upload_file, **upload, parent_commit=first)
        assert error.response.status_code == 412
        broken = upload | {"path_in_repo": "README.md", "path_or_fileobj": b"---\\na: [1\\n---\\n"}
        raised(ValueError, api.upload_file, **broken)
        print("held")
    """
    assert server.python(script.replace("READ_TOKEN", repr(server.read_token))).endswith("held\n")


def test_refs_deletions_moves_and_visibility(server):
    script = """
        from huggingface_hub import HfApi, hf_hub_download
        from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete
        api, repo = HfApi(), "ada/refs"
        api.create_repo(repo)
        v1 = api.upload_file(path_or_fileobj=b"one", path_in_repo="d/a.txt", repo_id=repo).oid
        api.create_tag(repo, tag="v1", tag_message="first")
        api.create_branch(repo, branch="try/this")
        api.create_branch(repo, branch="try/this", exist_ok=True)
        api.upload_file(path_or_fileobj=b"two", path_in_repo="d/a.txt", repo_id=repo, revision="try/this")
        read = lambda revision: open(hf_hub_download(repo, "d/a.txt", revision=revision), "rb").read()
        assert (read("v1"), read("main"), read("try/this"), read(v1)) == (b"one", b"one", b"two", b"one")
        refs = api.list_repo_refs(repo)
        assert [b.name for b in refs.branches] == ["main", "try/this"] and refs.tags[0].target_commit == v1
        weights = bytes(range(256)) * 1000
        added = [CommitOperationAdd("w.bin", weights), CommitOperationAdd("e/f/g.txt", b"g")]
        api.create_commit(repo, added, commit_message="Add")
        api.create_commit(
            repo,
            [
                CommitOperationCopy("w.bin", "copy.bin"),
                CommitOperationCopy("d/a.txt", "b.txt"),
                CommitOperationDelete("e/"),
                CommitOperationDelete("d/a.txt"),
            ],
            commit_message="Copy and delete",
        )
        assert sorted(api.list_repo_files(repo)) == [".gitattributes", "b.txt", "copy.bin", "w.bin"]
        assert open(hf_hub_download(repo, "copy.bin"), "rb").read() == weights
        assert open(hf_hub_download(repo, "b.txt"), "rb").read() == b"one"
        api.delete_tag(repo, tag="v1")
        api.delete_branch(repo, branch="try/this")
        api.super_squash_history(repo, commit_message="All")
        assert [c.title for c in api.list_repo_commits(repo)] == ["All"]
        api.move_repo(repo, "ada/moved")
        assert api.model_info(repo).id == "ada/moved"
        api.update_repo_settings("ada/moved", private=True)
        assert api.model_info("ada/moved").private and not api.repo_exists("ada/moved", token=False)
        api.auth_check("ada/moved")
        api.delete_repo("ada/moved")
        api.delete_repo("ada/moved", missing_ok=True)
        print("held")
    """
    assert server.python(script).endswith("held\n")


def test_a_file_system_of_the_client_reads_ranges_and_writes(server):
    script = """
        from huggingface_hub import HfApi, HfFileSystem
        HfApi().create_repo("ada/files")
        fs = HfFileSystem()
        data = bytes(range(256)) * 40_000
        with fs.open("ada/files/d/w.bin", "wb") as file:
            file.write(data)
        assert fs.ls("ada/files/d", detail=False) == ["ada/files/d/w.bin"]
        assert fs.info("ada/files/d/w.bin")["size"] == len(data)
        with fs.open("ada/files/d/w.bin", "rb", block_size=65536) as file:
            file.seek(5_000_001)
            assert file.read(1000) == data[5_000_001:5_001_001]
        assert fs.glob("ada/files/**/*.bin") == ["ada/files/d/w.bin"]
        fs.rm("ada/files/d/w.bin")
        assert not fs.exists("ada/files/d/w.bin")
        print("held")
    """
    assert server.python(script).endswith("held\n")


def test_large_files_also_go_up_by_lfs(server, folder):
    """From an open file, and with Xet turned off."""
    script = f"""
        import os
        os.environ["HF_HUB_DISABLE_XET"] = DISABLED
        from huggingface_hub import HfApi, hf_hub_download
        api, path = HfApi(), {str(folder / "weights.bin")!r}
        api.create_repo("ada/lfs", exist_ok=True)
        name = f"weights-{{DISABLED}}.bin"
        with open(path, "rb") as file:
            api.upload_file(path_or_fileobj=file, path_in_repo=name, repo_id="ada/lfs")
        assert open(hf_hub_download("ada/lfs", name), "rb").read() == open(path, "rb").read()
        if DISABLED == "1":
            api.upload_folder(repo_id="ada/lfs", folder_path={str(folder)!r})
            assert "onnx/model.onnx" in api.list_repo_files("ada/lfs")
        print("held")
    """
    for disabled in ("0", "1"):
        assert server.python(script.replace("DISABLED", repr(disabled))).endswith("held\n")


def test_the_dataset_kind_works_alike(server):
    script = """
        from huggingface_hub import HfApi, hf_hub_download
        api = HfApi()
        api.create_repo("ada/numbers", repo_type="dataset")
        api.upload_file(path_or_fileobj=b"a,b", path_in_repo="x.csv", repo_id="ada/numbers", repo_type="dataset")
        weights = bytes(200_000)
        api.upload_file(path_or_fileobj=weights, path_in_repo="x.npz", repo_id="ada/numbers", repo_type="dataset")
        assert open(hf_hub_download("ada/numbers", "x.csv", repo_type="dataset"), "rb").read() == b"a,b"
        assert open(hf_hub_download("ada/numbers", "x.npz", repo_type="dataset"), "rb").read() == weights
        assert [d.id for d in api.list_datasets(author="ada")] == ["ada/numbers"]
        assert api.dataset_info("ada/numbers").siblings
        print("held")
    """
    assert server.python(script).endswith("held\n")
