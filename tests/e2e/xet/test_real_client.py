"""huggingface_hub with hf_xet, unmodified, uploads to our hub; what it sends comes back the same, bit for bit."""

import hashlib
import json
import struct
import urllib.error
import urllib.request
import zlib
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

MIB = 1 << 20
UPLOAD = "api.upload_file(path_or_fileobj=path, path_in_repo='m.safetensors', repo_id=repo)"


def write_weights(path, seed=0, tensors=3, items=MIB):
    """A safetensors file of bf16 tensors: noise with the exponents of weights, and one tensor that is all structure."""
    names = [f"layers.{number}.weight" for number in range(tensors)]
    header, offset = {}, 0
    for name in names:
        header[name] = {"dtype": "BF16", "shape": [items], "data_offsets": [offset, offset + 2 * items]}
        offset += 2 * items
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        for number in range(tensors):
            random = np.random.default_rng((seed, number))
            values = seed + np.arange(items) / 100 if number == 0 else random.standard_normal(items) * 0.02
            file.write((values.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes())
    return path


@pytest.fixture
def weights(request, tmp_path):
    """6 MB that no other test has."""
    return write_weights(tmp_path / "weights.safetensors", zlib.crc32(request.node.name.encode()))


def test_a_file_goes_up_through_xet_and_comes_back(server, client, tmp_path):
    large = write_weights(tmp_path / "large.safetensors", seed=1, tensors=6, items=4 * MIB)
    before = server.record.xorb_bytes()
    client().upload(large)
    assert server.record.xorb_bytes() - before > 20 * MIB
    assert client().download() == large.read_bytes()
    assert not list((server.hub.data / "xet" / "xorbs").glob("*/*"))


def test_noise_that_fills_a_xorb_to_its_limit_goes_up_too(client, tmp_path):
    noise = tmp_path / "noise.bin"
    noise.write_bytes(np.random.default_rng(5).bytes(70 * MIB))
    client().upload(noise, "noise.bin")
    assert client().download("noise.bin") == noise.read_bytes()


def test_an_edited_file_costs_little_on_the_line_and_in_the_store(server, client, weights, tmp_path):
    client().upload(weights)
    sent, stored = server.record.xorb_bytes(), server.store_bytes()
    data = bytearray(weights.read_bytes())
    data[3 * MIB : 3 * MIB + 1000] = bytes(1000)
    edited = tmp_path / "edited.safetensors"
    edited.write_bytes(data)
    client().restart()
    client().upload(edited)
    assert 0 < server.record.xorb_bytes() - sent < 400_000
    assert server.store_bytes() - stored < 2.5 * MIB  # the tensor that the edit lies in
    assert client().download() == bytes(data)


def test_a_client_that_forgot_everything_changes_little_in_the_store(server, client, weights):
    client().upload(weights)
    stored = server.store_bytes()
    client(home="another").upload(weights, "copy.safetensors")
    assert server.store_bytes() - stored < 10_000


def test_the_same_file_in_another_repository_of_the_same_user_sends_no_data(server, client, weights):
    alice = client()
    alice.upload(weights)
    sent = server.record.xorb_bytes()
    alice.must(f"api.create_repo('alice/other'); repo = 'alice/other'; {UPLOAD}", path=weights)
    assert server.record.xorb_bytes() == sent
    got = alice.must("print(hf_hub_download('alice/other', 'm.safetensors'))")
    assert Path(got).read_bytes() == weights.read_bytes()


def test_a_folder_with_several_large_files(client, tmp_path):
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    for number in range(3):
        write_weights(folder / "sub" / f"part-{number}.safetensors", seed=number, tensors=2)
    (folder / "config.json").write_text('{"model_type": "none"}')
    (folder / "README.md").write_text("# A model\n")
    client().must("api.upload_folder(folder_path=folder, repo_id=repo)", folder=folder)
    got = Path(client().must("print(snapshot_download(repo))"))
    for path in folder.rglob("*.*"):
        assert (got / path.relative_to(folder)).read_bytes() == path.read_bytes()


def test_an_upload_that_was_killed_goes_on(server, client, weights):
    alice = client()
    server.record.hold_shards = True
    server.record.shard_came.clear()
    alice.start(UPLOAD, path=weights)
    assert server.record.shard_came.wait(60)
    alice.restart()
    server.record.hold_shards = False
    assert "m.safetensors" not in alice.must("print(api.list_repo_files(repo))")
    alice.must(UPLOAD, path=weights)
    assert alice.download("m.safetensors") == weights.read_bytes()


def test_two_users_upload_the_same_file_at_once(client, weights):
    users = [client("alice", "one"), client("bob", "two")]
    processes = [user.start(UPLOAD, path=weights) for user in users]
    for process in processes:
        ok, output = json.loads(process.stdout.readline())
        assert ok, output
    for user in users:
        assert user.download("m.safetensors") == weights.read_bytes()


def test_two_users_of_one_machine_do_not_trip_over_each_others_memory(client, weights):
    client("alice").upload(weights)
    client("bob").upload(weights)
    assert client("bob").download() == weights.read_bytes()


def test_a_client_whose_memory_outlives_the_data_is_told_and_heals(own_server, client, weights):
    alice = client()
    alice.upload(weights)
    with own_server.hub.database.writing() as session:  # as after a restore from an older copy
        for table in ("xet_holders", "xet_runs", "xet_files", "xet_xorbs"):
            session.execute(text(f"DELETE FROM {table}"))
    told = alice.run(UPLOAD, path=weights)
    assert not told.ok
    assert "Run the same command again" in told.output
    alice.must(UPLOAD, path=weights)
    assert alice.download("m.safetensors") == weights.read_bytes()


# Attacks, by a user of the same hub who knows everything but the bytes.


@pytest.fixture
def shard(server, client, weights):
    """The shard by which alice uploaded her weights, as the real client made it."""
    del server.record.calls[:]
    client("alice").upload(weights)
    (shard,) = server.record.shards()
    return shard


def post(server, client, path, body):
    """A call to the storage with a write token for the client's own repository."""
    ask = urllib.request.Request(
        f"{server.url}/api/models/{client.repo}/xet-write-token/main",
        headers={"authorization": f"Bearer {server.tokens[client.user]}"},
    )
    grant = json.load(urllib.request.urlopen(ask))
    headers = {"authorization": f"Bearer {grant['accessToken']}"}
    request = urllib.request.Request(grant["casUrl"] + path, body, headers, method="POST")
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code


TAKE = """
from huggingface_hub._commit_api import UploadInfo
operation = CommitOperationAdd("stolen.safetensors", b"x" * 600)
operation.upload_info = UploadInfo(sha256=bytes.fromhex(sha256), size=int(size), sample=b"")
operation._upload_mode, operation._is_uploaded = "lfs", True
api.create_commit(repo, [operation], commit_message="take")
"""


def test_another_users_private_file_cannot_be_taken_by_what_is_known_of_it(server, client, weights, shard):
    assert post(server, client("alice"), "/v1/shards", shard) == 200
    assert post(server, client("bob"), "/v1/shards", shard) == 400
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert not client("bob").run(TAKE, sha256=sha256, size=weights.stat().st_size).ok
    assert "stolen.safetensors" not in client("bob").must("print(api.list_repo_files(repo))")


# In order: the file's hash, its number of terms, the term's xorb, its bytes, its last chunk, its proof, the sha256.
LIES = (50, 84, 100, 133, 140, 150, 200)


def test_a_shard_that_was_changed_on_its_way_is_refused(server, client, shard):
    for at in LIES:
        damaged = bytearray(shard)
        damaged[at] ^= 1
        assert post(server, client("alice"), "/v1/shards", bytes(damaged)) in (400, 413), at
