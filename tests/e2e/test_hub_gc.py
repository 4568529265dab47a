"""`weigh hub gc` beside a server that serves: uploads in flight, clients that remember, a store that shrinks."""

import hashlib
import json
import os
import threading
from pathlib import Path

import httpx
import pytest

from weighbridge.hub import Hub, HubGcOptions

CONTENTS = [os.urandom(300_000) for _ in range(2)]
LARGE = os.urandom(4_000_000)


@pytest.fixture
def client(own_server):
    with httpx.Client(headers={"Authorization": f"Bearer {own_server.token}"}, timeout=60) as client:
        yield client


def create(client, server, name):
    client.post(f"{server.url}/api/repos/create", json={"name": name}).raise_for_status()


def delete(client, server, name):
    client.request("DELETE", f"{server.url}/api/repos/delete", json={"name": name}).raise_for_status()


def address(client, server, repo, data):
    body = {"operation": "upload", "objects": [{"oid": hashlib.sha256(data).hexdigest(), "size": len(data)}]}
    told = client.post(f"{server.url}/ada/{repo}.git/info/lfs/objects/batch", json=body).json()["objects"][0]
    return told["actions"]["upload"]["href"]


def commit(client, server, repo, data, text="x"):
    lines = [
        {"key": "header", "value": {"summary": "x"}},
        {"key": "file", "value": {"path": "note.txt", "content": text, "encoding": "utf-8"}},
        {"key": "lfsFile", "value": {"path": "w.bin", "algo": "sha256", "oid": hashlib.sha256(data).hexdigest()}},
    ]
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    client.post(f"{server.url}/api/models/ada/{repo}/commit/main", content=body).raise_for_status()


def fetch(client, server, repo, path="w.bin"):
    return client.get(f"{server.url}/ada/{repo}/resolve/main/{path}").content


def collect(server, *options):
    return json.loads(server.weigh("hub", "gc", "--data", str(server.data), "--grace", "0", "--json", *options))


def test_an_upload_in_flight_of_what_a_collection_takes(own_server, client):
    create(client, own_server, "old")
    client.put(address(client, own_server, "old", LARGE), content=LARGE).raise_for_status()
    commit(client, own_server, "old", LARGE)
    delete(client, own_server, "old")
    create(client, own_server, "new")
    told = []

    def pieces():
        yield LARGE[:2_000_000]
        told.append(collect(own_server))
        yield LARGE[2_000_000:]

    where = address(client, own_server, "new", LARGE)
    client.put(where, content=pieces(), headers={"Content-Length": str(len(LARGE))}).raise_for_status()
    assert told[0]["files"] == 2  # the large one, and note.txt
    assert told[0]["store"]["deleted"]["packs"] >= 1
    again = collect(own_server)
    assert (again["files"], again["store"]["deleted"]["packs"]) == (0, 0)
    commit(client, own_server, "new", LARGE)
    assert fetch(client, own_server, "new") == LARGE


def test_uploads_of_the_same_content_over_and_over_beside_collections(own_server, client):
    """Each round relies on content that the store has, that nobody names, and that a collection would take."""
    stop, rounds = threading.Event(), []

    def collecting():
        with Hub.open(own_server.data) as hub:
            while not stop.is_set():
                rounds.append(hub.collect(HubGcOptions(grace=0)).files)

    thread = threading.Thread(target=collecting)
    thread.start()
    try:
        for number in range(12):
            data, repo = CONTENTS[number % 2], f"m{number}"
            create(client, own_server, repo)
            client.put(address(client, own_server, repo, data), content=data).raise_for_status()
            commit(client, own_server, repo, data, text=f"{number % 3}")
            assert fetch(client, own_server, repo) == data
            assert fetch(client, own_server, repo, "note.txt") == b"%d" % (number % 3)
            delete(client, own_server, repo)
    finally:
        stop.set()
        thread.join()
    assert len(rounds) > 3
    assert sum(rounds) > 6, rounds
    assert json.loads(own_server.weigh("store", "verify", "--store", str(own_server.data / "store"), "--json"))["ok"]


def test_a_client_that_remembers_what_was_collected(own_server):
    """The Xet client sends no chunk twice; after a collection it is told to forget, and all is well."""
    (own_server.home / "w.bin").write_bytes(LARGE)
    for _ in range(2):
        path = own_server.python("""
            from huggingface_hub import HfApi, hf_hub_download
            HfApi().create_repo("ada/m")
            HfApi().upload_file(path_or_fileobj="w.bin", path_in_repo="w.bin", repo_id="ada/m")
            print(hf_hub_download("ada/m", "w.bin", force_download=True))
        """)
        assert Path(path.strip().splitlines()[-1]).read_bytes() == LARGE
        own_server.python("from huggingface_hub import HfApi; HfApi().delete_repo('ada/m')")
        assert collect(own_server)["files"] >= 1
    dry = collect(own_server, "--dry-run")
    assert (dry["files"], dry["dry_run"]) == (0, True)
