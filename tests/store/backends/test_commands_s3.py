"""`weigh` with a store on S3, as a person or a script runs it."""

from __future__ import annotations

import hashlib
import json

import pytest

from weighbridge.cli.main import run
from weighbridge.errors import UsageError
from weighbridge.hub import Hub
from weighbridge.store.backends import connect


@pytest.fixture
def model(tmp_path, make):
    root = tmp_path / "model"
    (root / "1_Pooling").mkdir(parents=True)
    (root / "model.safetensors").write_bytes(make.safetensors({"w": make.weights(300_000)}))
    (root / "1_Pooling" / "config.json").write_text("{}")
    return root


def weigh(capsys, *arguments):
    """Status, standard output, standard error."""
    status = run([str(argument) for argument in arguments])
    told = capsys.readouterr()
    return status, told.out, told.err


def test_packed_to_s3_and_back(model, s3, tmp_path, capsys):
    packed = json.loads(weigh(capsys, "pack", model, "--store", s3, "--json")[1])
    assert (packed["store"], len(packed["files"])) == (s3, 2)
    assert json.loads(weigh(capsys, "pack", model, "--store", s3, "--json")[1])["new_bytes"] == 0
    assert weigh(capsys, "unpack", "--store", s3, "--all", "--out", tmp_path / "out")[0] == 0
    for path in (p for p in model.rglob("*") if p.is_file()):
        assert (tmp_path / "out" / path.relative_to(model)).read_bytes() == path.read_bytes()
    assert not (tmp_path / "s3:").exists()


def test_the_cache_is_the_users_and_may_be_lost(model, s3, tmp_path, capsys):
    weigh(capsys, "pack", model, "--store", s3)
    (index,) = (tmp_path / "cache" / "weighbridge").glob("*/blocks.sqlite")
    index.unlink()
    assert weigh(capsys, "unpack", "--store", s3, "--all", "--out", tmp_path / "out")[0] == 0
    assert json.loads(weigh(capsys, "pack", model, "--store", s3, "--json")[1])["new_bytes"] == 0


def test_files_and_urls_of_one_folder_are_one_store(model, tmp_path, capsys):
    assert weigh(capsys, "pack", model, "--store", f"file://{tmp_path}/store")[0] == 0
    out = weigh(capsys, "pack", model, "--store", tmp_path / "store", "--json")[1]
    assert json.loads(out)["new_bytes"] == 0


def told(capsys, *arguments):
    status, out, err = weigh(capsys, *arguments)
    assert (status, out, "Traceback" in err) == (2, "", False), err
    assert "a-secret" not in err
    assert "http" not in err.replace("https://s3.example.org", "")  # the endpoint is not ours to tell
    return err


def test_what_the_server_or_the_way_to_it_refuses_is_told_with_what_to_do(model, s3, capsys, monkeypatch):
    pack = ("pack", model, "--store")
    assert "there is no such bucket" in told(capsys, *pack, "s3://no-such-bucket/x")
    assert "is not a store" in told(capsys, "unpack", "--store", s3, "--all", "--out", model)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    err = told(capsys, *pack, s3)
    assert "the secret key is not the one" in err
    assert "Set AWS_ACCESS_KEY_ID" in err
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    assert "does not know the access key" in told(capsys, *pack, s3)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    err = told(capsys, *pack, s3)
    assert "cannot be reached: Connection refused" in err
    assert "Set AWS_ENDPOINT_URL" in err
    monkeypatch.setenv("AWS_ENDPOINT_URL", "not a url")
    assert "AWS_ENDPOINT_URL is not a URL" in told(capsys, *pack, s3)


@pytest.mark.parametrize(
    "location",
    ["s3://", "s3://UPPER/x", "s3://key:a-secret@models/x", "s3://models/a//b", "s3://models/../x", "ftp://x"],
)
def test_other_locations_are_refused_and_made_nowhere(model, location, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    told(capsys, "pack", model, "--store", location)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_prefix_that_holds_other_things_becomes_no_store(model, s3, capsys):
    connect(s3).put("report.csv", [b"1,2"])
    assert "holds other files ('report.csv'" in told(capsys, "pack", model, "--store", s3)


def test_a_hub_keeps_its_content_on_s3_and_remembers_where(s3, tmp_path):
    data = tmp_path / "hub"
    with Hub.open(data, create=True, store=s3) as hub:
        hub.objects.put({_sha(b"content"): b"content"})
    assert not (data / "store").exists()
    for store in (None, s3, s3 + "/"):
        with Hub.open(data, store=store) as hub:
            assert hub.objects.open(_sha(b"content")).read_at(0, 7) == b"content"
    with pytest.raises(UsageError, match="keeps its content in s3://"):
        Hub.open(data, store=str(tmp_path / "elsewhere"))


def test_a_hub_that_has_its_content_beside_it_is_not_moved_by_an_option(s3, tmp_path):
    Hub.open(tmp_path / "hub", create=True).close()
    with pytest.raises(UsageError, match="not in s3://"):
        Hub.open(tmp_path / "hub", create=True, store=s3)
    Hub.open(tmp_path / "hub", store=str(tmp_path / "hub" / "store")).close()


def _sha(content):
    return hashlib.sha256(content).hexdigest()
