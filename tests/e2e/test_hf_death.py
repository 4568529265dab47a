"""A hub that is killed at a bad moment: what it acknowledged is there, the rest is not, and it starts again."""

import hashlib
import json
import os
import signal
import socket
import threading
import time

import httpx
import pytest

LARGE = os.urandom(30_000_000)
NAME = hashlib.sha256(LARGE).hexdigest()


@pytest.fixture
def client(own_server):
    with httpx.Client(headers={"Authorization": f"Bearer {own_server.token}"}, timeout=30) as client:
        yield client


def commit(client, server, *lines):
    body = b"".join(json.dumps({"key": key, "value": value}).encode() + b"\n" for key, value in lines)
    return client.post(f"{server.url}/api/models/ada/m/commit/main", content=body)


HEADER = ("header", {"summary": "x"})


def small(path, text="x"):
    return ("file", {"path": path, "content": text, "encoding": "utf-8"})


def upload_address(client, server):
    body = {"operation": "upload", "objects": [{"oid": NAME, "size": len(LARGE)}]}
    told = client.post(f"{server.url}/ada/m.git/info/lfs/objects/batch", json=body).json()["objects"][0]
    return told.get("actions", {}).get("upload", {}).get("href")


def test_a_hub_killed_in_the_middle_of_an_upload(own_server, client):
    client.post(f"{own_server.url}/api/repos/create", json={"name": "m"}).raise_for_status()
    assert commit(client, own_server, HEADER, small("kept.txt")).status_code == 200
    before = client.get(f"{own_server.url}/api/models/ada/m").json()["sha"]
    address = upload_address(client, own_server)

    def pieces():
        for start in range(0, len(LARGE), 1_000_000):
            if start == 15_000_000:
                own_server.process.send_signal(signal.SIGKILL)
                own_server.process.wait()
            yield LARGE[start : start + 1_000_000]

    with pytest.raises(httpx.TransportError):
        client.put(address, content=pieces(), headers={"Content-Length": str(len(LARGE))})
    own_server.start()
    assert list((own_server.data / "staging").iterdir()) == []
    told = client.get(f"{own_server.url}/api/models/ada/m").json()
    assert told["sha"] == before
    assert client.get(f"{own_server.url}/ada/m/resolve/main/kept.txt").text == "x"
    refused = commit(client, own_server, HEADER, ("lfsFile", {"path": "w.bin", "algo": "sha256", "oid": NAME}))
    assert refused.status_code == 400
    # The same client tries again, and all is well.
    address = upload_address(client, own_server)
    assert client.put(address, content=LARGE).status_code == 200
    done = commit(client, own_server, HEADER, ("lfsFile", {"path": "w.bin", "algo": "sha256", "oid": NAME}))
    assert done.status_code == 200
    assert client.get(f"{own_server.url}/ada/m/resolve/main/w.bin").content == LARGE


def test_a_hub_killed_at_once_after_it_acknowledged(own_server, client):
    client.post(f"{own_server.url}/api/repos/create", json={"name": "m"}).raise_for_status()
    assert client.put(upload_address(client, own_server), content=LARGE).status_code == 200
    own_server.stop(signal.SIGKILL)
    own_server.start()
    assert upload_address(client, own_server) is None, "the hub forgot an upload that it had acknowledged"
    lines = [HEADER, ("lfsFile", {"path": "w.bin", "algo": "sha256", "oid": NAME, "size": len(LARGE)})]
    done = commit(client, own_server, *lines)
    own_server.stop(signal.SIGKILL)
    own_server.start()
    assert client.get(f"{own_server.url}/api/models/ada/m").json()["sha"] == done.json()["commitOid"]
    assert client.get(f"{own_server.url}/ada/m/resolve/main/w.bin").content == LARGE


def test_a_hub_killed_while_commits_pour_in(own_server, client):
    client.post(f"{own_server.url}/api/repos/create", json={"name": "m"}).raise_for_status()
    acknowledged = []

    def pour():
        for number in range(1000):
            try:
                done = commit(
                    client, own_server, HEADER, *[small(f"{number}/{each}.txt", f"{number}") for each in range(5)]
                )
            except httpx.TransportError:
                return
            acknowledged.append((number, done.json()["commitOid"]))

    pouring = threading.Thread(target=pour)
    pouring.start()
    while len(acknowledged) < 5:
        time.sleep(0.01)
    own_server.stop(signal.SIGKILL)
    pouring.join()
    own_server.start()
    number, oid = acknowledged[-1]
    history = [each["id"] for each in client.get(f"{own_server.url}/api/models/ada/m/commits/main?limit=1000").json()]
    assert [each for _, each in reversed(acknowledged)] == history[-len(acknowledged) - 1 : -1]
    assert len(history) - 1 - len(acknowledged) <= 1, "at most one commit may have landed whose answer was lost"
    for revision in history[:-1]:
        listed = client.get(f"{own_server.url}/api/models/ada/m/tree/{revision}?recursive=true").json()
        files = [each["path"] for each in listed if each["type"] == "file"]
        assert (len(files) - 1) % 5 == 0, "a commit is half there"
    assert client.get(f"{own_server.url}/ada/m/resolve/{oid}/{number}/4.txt").text == str(number)


def test_an_upload_that_the_client_breaks_off_leaves_nothing(own_server, client):
    client.post(f"{own_server.url}/api/repos/create", json={"name": "m"}).raise_for_status()
    address = upload_address(client, own_server)
    path = address.removeprefix(own_server.url)
    with socket.create_connection(("127.0.0.1", own_server.port)) as line:
        line.sendall(
            f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(LARGE)}\r\n\r\n".encode() + LARGE[:5_000_000]
        )
    staging = own_server.data / "staging"
    for _ in range(200):
        if not list(staging.iterdir()):
            break
        time.sleep(0.05)
    assert list(staging.iterdir()) == []
    assert client.put(address, content=LARGE).status_code == 200
