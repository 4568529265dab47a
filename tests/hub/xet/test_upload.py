"""Uploads become stored files; what comes again is not sent again; nothing of another account can be reached."""

import hashlib
import os
import threading

import pytest

from weighbridge.errors import (
    EntryNotFoundError,
    ForbiddenError,
    ForgottenXorbError,
    FormatError,
    InvalidUploadError,
    RepoNotFoundError,
    StorageFullError,
    UnauthenticatedError,
)
from weighbridge.hub.model import ANONYMOUS, RepoId, Role
from weighbridge.hub.xet import service
from weighbridge.wire.xet import hashing, shard, xorb


def noise(seed: str, length: int = 10_500) -> bytes:
    return hashlib.shake_256(seed.encode()).digest(length)


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_an_uploaded_file_can_be_read_and_its_repository_may_refer_to_it(bench, client):
    client("alice").upload(noise("one"))
    assert bench.content(noise("one")) == noise("one")
    assert bench.may_refer("alice", noise("one"))
    assert not bench.may_refer("bob", noise("one"))


def test_a_xorb_is_dropped_once_all_its_chunks_lie_in_stored_files(bench, client):
    alice = client("alice")
    one, two = noise("one"), noise("two")
    alice.send_xorb([*map(bytes, (one[:1000], one[1000:1500])), two[:1000]])
    alice.register(shard.serialise([alice.describe(one[:1500])]))
    assert len(bench.raw_xorbs()) == 1
    alice.register(shard.serialise([alice.describe(two[:1000])]))
    assert len(bench.raw_xorbs()) == 0
    assert bench.content(one[:1500]) == one[:1500]


def test_a_changed_file_is_made_from_what_came_before(bench, client):
    alice = client("alice")
    first = noise("first", 200_000)
    alice.upload(first)
    assert len(bench.raw_xorbs()) == 0
    before = alice.sent_bytes
    changed = first[:50_000] + noise("patch", 1000) + first[51_000:]
    alice.upload(changed)
    assert alice.sent_bytes - before < 1100
    assert bench.content(changed) == changed
    alice.upload(changed + first)
    assert bench.content(changed + first) == changed + first


def test_the_same_file_again_takes_no_xorb(bench, client):
    alice = client("alice")
    alice.upload(noise("one"))
    before = alice.sent_bytes
    alice.upload(noise("one"))
    assert alice.sent_bytes == before


def test_a_file_may_repeat_a_chunk_and_come_in_many_terms(bench, client):
    data = noise("x", 1000) * 3 + noise("y", 1000) + noise("x", 1000) + b"end"
    client("alice").upload(data)
    assert bench.content(data) == data
    assert len(bench.raw_xorbs()) == 0


def test_an_empty_file_is_a_file(bench, client):
    alice = client("alice")
    alice.register(shard.serialise([alice.describe(b"")]))
    assert bench.may_refer("alice", b"")


def test_a_file_without_a_claimed_sha256_gets_its_own(bench, client):
    alice = client("alice")
    alice.send_xorb([noise("one", 900)])
    file, _, terms = alice.describe(noise("one", 900))
    alice.register(shard.serialise([(file, None, terms)]))
    assert bench.may_refer("alice", noise("one", 900))


@pytest.mark.parametrize("scheme", xorb.Scheme)
def test_every_compression_gives_the_same_file(bench, client, scheme):
    data = bytes(range(250)) * 40
    alice = client("alice")
    alice.send_xorb([data[:1000], data[1000:2000]], scheme)
    alice.register(shard.serialise([alice.describe(data[:2000])]))
    assert bench.content(data[:2000]) == data[:2000]


def test_a_xorb_that_came_before_is_not_new(bench, client):
    chunks = [noise("one", 1000), noise("two", 1000)]
    alice = client("alice")
    assert alice.send_xorb(chunks) == (alice.known[hashing.chunk_hash(chunks[0])][0], True)
    assert alice.send_xorb(chunks)[1] is False
    alice.register(shard.serialise([alice.describe(chunks[0] + chunks[1])]))
    assert len(bench.raw_xorbs()) == 0
    assert client("bob").send_xorb(chunks)[1] is False
    assert len(bench.raw_xorbs()) == 0


def test_two_uploads_of_the_same_file_at_once_both_succeed(bench, client):
    data, failures = noise("both", 300_000), []

    def upload(user):
        try:
            client(user).upload(data)
        except BaseException as error:  # noqa: BLE001 (told by the assertion)
            failures.append(error)

    threads = [threading.Thread(target=upload, args=(user,)) for user in ("alice", "bob", "alice", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert bench.may_refer("alice", data)
    assert bench.may_refer("bob", data)
    assert bench.content(data) == data


def test_an_upload_survives_a_restart_between_xorb_and_shard(bench, client):
    alice = client("alice")
    alice.send_xorb([noise("one", 1000)])
    again = type(bench).open(bench.folder)
    alice.bench = again
    alice.register(shard.serialise([alice.describe(noise("one", 1000))]))
    assert again.content(noise("one", 1000)) == noise("one", 1000)
    again.hub.close()


# What must be refused.


def test_a_xorb_under_another_name_is_refused_and_not_kept(bench, client):
    alice = client("alice")
    with bench.xet.scratch() as path:
        path.write_bytes(xorb.serialise([b"other"]))
        with pytest.raises(InvalidUploadError, match="was announced"):
            bench.xet.receive(alice.scope, b"x" * 32, path)
    assert len(bench.raw_xorbs()) == 0
    assert not bench.xet.has_sent(alice.scope, b"x" * 32)


def test_a_broken_xorb_is_refused_and_nothing_left(bench, client):
    with bench.xet.scratch() as path:
        path.write_bytes(xorb.serialise([noise("one", 900)])[:-1])
        with pytest.raises(FormatError, match="expected 900"):
            bench.xet.receive(client("alice").scope, b"x" * 32, path)
    assert not list((bench.folder / "xet" / "incoming").iterdir())


def test_a_false_sha256_is_refused_and_not_visible(bench, client):
    alice = client("alice")
    data = noise("lie", 2500)
    alice.send_xorb([data[:1000], data[1000:2000], data[2000:]])
    with pytest.raises(InvalidUploadError):
        alice.register(shard.serialise([alice.describe(data, hashlib.sha256(b"other").digest())]))
    assert not bench.may_refer("alice", data)
    assert not bench.may_refer("alice", b"other")
    assert not bench.hub.objects.has(sha(data))


def test_a_false_sha256_of_a_known_file_is_refused(bench, client):
    client("alice").upload(noise("known"))
    bob = client("bob")
    bob.upload(noise("known"))
    with pytest.raises(InvalidUploadError, match="claimed"):
        bob.register(shard.serialise([bob.describe(noise("known"), b"s" * 32)]))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"proof": b"p" * 32}, "proof does not match"),
        ({"nbytes": 999}, "999 bytes claimed"),
        ({"last": 3}, "a xorb that has 2"),
        ({"first": 1, "last": 1}, "chunks 1 to 1"),
        ({"first": 2**32 - 1}, "a xorb that has 2"),
        ({"first": 1, "last": 2, "nbytes": 500}, "proof does not match"),
    ],
)
def test_a_term_that_lies_is_refused(bench, client, change, says):
    from dataclasses import replace

    alice = client("alice")
    data = noise("lie", 1500)
    alice.send_xorb([data[:1000], data[1000:]])
    file, sha256, terms = alice.describe(data)
    with pytest.raises(InvalidUploadError, match=says):
        alice.register(shard.serialise([(file, sha256, [replace(terms[0], **change), terms[1]])]))
    assert not bench.hub.objects.has(sha(data))


def test_a_false_file_hash_is_refused(bench, client):
    alice = client("alice")
    alice.send_xorb([noise("one", 900)])
    _, sha256, terms = alice.describe(noise("one", 900))
    with pytest.raises(InvalidUploadError, match="make another file"):
        alice.register(shard.serialise([(b"f" * 32, sha256, terms)]))


def test_one_lie_in_a_shard_and_none_of_its_files_is_granted(bench, client):
    alice = client("alice")
    good, bad = noise("good", 900), noise("bad", 900)
    alice.send_xorb([good, bad])
    lie = alice.describe(bad, b"s" * 32)
    with pytest.raises(InvalidUploadError):
        alice.register(shard.serialise([alice.describe(good), lie]))
    assert not bench.may_refer("alice", good)


def test_a_file_that_does_not_fit_is_refused_before_it_is_written(bench, client, monkeypatch):
    monkeypatch.setattr(bench.xet._pool, "free_bytes", lambda: 1 << 20)
    with pytest.raises(StorageFullError, match="bytes are free"):
        client("alice").upload(noise("big"))


# Isolation.


def test_a_xorb_of_another_account_cannot_be_referred_to_by_its_hash(bench, client):
    alice, mallory = client("alice"), client("bob")
    secret = noise("secret", 900)
    alice.upload(secret)
    mallory.known = dict(alice.known)  # even with every hash known, proofs included
    with pytest.raises(ForgottenXorbError, match="not sent"):
        mallory.register(shard.serialise([mallory.describe(secret)]))
    assert not bench.may_refer("bob", secret)


def test_whether_another_account_has_sent_a_xorb_is_not_told(bench, client):
    alice = client("alice")
    name, _ = alice.send_xorb([noise("secret", 900)])
    assert bench.xet.has_sent(alice.scope, name)
    assert not bench.xet.has_sent(client("bob").scope, name)


def test_who_sends_the_data_themselves_may_refer_to_it(bench, client):
    client("alice").upload(noise("shared"))
    client("bob").upload(noise("shared"))
    assert bench.may_refer("bob", noise("shared"))


def test_a_file_hash_of_another_repository_is_not_found(bench, client):
    alice = client("alice")
    alice.upload(noise("secret"))
    bench.commit("alice", noise("secret"))
    digest, _, _ = alice.describe(noise("secret"))
    assert bench.xet.file(alice.scope, digest).size == len(noise("secret"))
    with pytest.raises(EntryNotFoundError):
        bench.xet.file(client("bob").scope, digest)


def test_a_file_that_no_revision_has_is_not_found(bench, client):
    alice = client("alice")
    alice.upload(noise("draft"))
    with pytest.raises(EntryNotFoundError):
        bench.xet.file(alice.scope, alice.describe(noise("draft"))[0])


def test_a_token_for_a_repository_that_one_may_not_see_is_not_given(bench):
    for caller in (bench.caller("bob"), ANONYMOUS):
        for write in (False, True):
            with pytest.raises(RepoNotFoundError):
                bench.xet.issue(caller, RepoId("model", "alice", "m"), "main", write=write)


def test_a_reader_gets_no_write_token_and_a_read_token_does_not_write(bench):
    with pytest.raises(ForbiddenError):
        bench.xet.issue(bench.caller("alice", Role.READ), RepoId("model", "alice", "m"), "main", write=True)
    issued = bench.xet.issue(bench.caller("alice", Role.READ), RepoId("model", "alice", "m"), "main", write=False)
    assert not bench.xet.scope(issued.token).write
    with pytest.raises(ForbiddenError, match="reading only"):
        bench.xet.scope(issued.token, write=True)


def test_a_token_ends_and_cannot_be_changed(bench, monkeypatch):
    token = bench.xet.issue(bench.caller("alice"), RepoId("model", "alice", "m"), "main", write=True).token
    for forged in (token[:-2] + "AA", "A" + token, token.replace(".", ""), "", "x.y", "é.é"):
        with pytest.raises(UnauthenticatedError):
            bench.xet.scope(forged)
    monkeypatch.setattr(service, "TOKEN_SECONDS", -1)
    old = bench.xet.issue(bench.caller("alice"), RepoId("model", "alice", "m"), "main", write=True).token
    with pytest.raises(UnauthenticatedError, match="expired"):
        bench.xet.scope(old)


# What clients remember.


def test_each_account_has_its_own_realm_and_keeps_it_over_a_restart(bench):
    realm = bench.realm("alice")
    assert realm != bench.realm("bob")
    again = type(bench).open(bench.folder)
    assert again.realm("alice") == realm
    again.hub.close()


def test_a_client_that_remembers_what_is_gone_is_sent_to_a_new_realm(bench, client):
    alice = client("alice")
    alice.known[hashing.chunk_hash(noise("gone", 900))] = (b"g" * 32, 0)
    realm = bench.realm("alice")
    bobs = bench.realm("bob")
    with pytest.raises(ForgottenXorbError) as caught:
        alice.register(shard.serialise([alice.describe(noise("gone", 900))]))
    assert "same command again" in caught.value.hint
    assert bench.realm("alice") != realm
    assert bench.realm("bob") == bobs


def test_a_xorb_damaged_on_disk_is_asked_for_again(bench, client):
    alice = client("alice")
    alice.send_xorb([noise("one", 900)], xorb.Scheme.NONE)
    (path,) = bench.raw_xorbs()
    data = bytearray(path.read_bytes())
    data[500] ^= 1
    path.write_bytes(data)
    with pytest.raises(ForgottenXorbError):
        alice.register(shard.serialise([alice.describe(noise("one", 900))]))
    assert alice.send_xorb([noise("one", 900)])[1] is True
    alice.register(shard.serialise([alice.describe(noise("one", 900))]))
    assert bench.content(noise("one", 900)) == noise("one", 900)


def test_sweeping_removes_what_is_old_and_keeps_what_is_needed(bench, client, monkeypatch):
    monkeypatch.setattr(service, "SWEEP_SECONDS", -1)
    alice = client("alice")
    alice.upload(noise("kept"))
    old, _ = alice.send_xorb([noise("old", 900)])
    new, _ = alice.send_xorb([noise("new", 900)])
    half, _ = alice.send_xorb([noise("half one", 900), noise("half two", 900)])
    alice.register(shard.serialise([alice.describe(noise("half one", 900))]))
    leftover = bench.folder / "xet" / "incoming" / "leftover"
    leftover.write_bytes(b"x")
    for path in [leftover, *(bench.xet._pool._path(name) for name in (old, half))]:
        os.utime(path, (0, 0))
    bench.xet.sweep()
    assert not leftover.exists()
    assert not bench.xet.has_sent(alice.scope, old)
    assert bench.xet.has_sent(alice.scope, new)
    assert not bench.xet.has_sent(alice.scope, half)
    assert bench.content(noise("half one", 900)) == noise("half one", 900)
    with pytest.raises(ForgottenXorbError):
        alice.register(shard.serialise([alice.describe(noise("half two", 900))]))
    alice.send_xorb([noise("half one", 900), noise("half two", 900)])
    alice.register(shard.serialise([alice.describe(noise("half two", 900))]))


def test_chunks_of_a_file_that_is_gone_are_asked_for_again(bench, client):
    alice = client("alice")
    data = noise("collected", 30_000)
    alice.upload(data)
    assert bench.hub.objects.settle(10)
    (bench.folder / "store" / "files" / sha(data)[:2] / sha(data)).unlink()
    with pytest.raises(ForgottenXorbError):
        alice.upload(data[:20_000])
    alice.known.clear()
    alice.upload(data)
    alice.upload(data[:20_000])
    assert bench.content(data) == data
    assert bench.content(data[:20_000]) == data[:20_000]


def test_progress_reaches_the_whole(bench, client):
    alice = client("alice")
    data = noise("one", 5000)
    alice.send_xorb([data[at : at + 1000] for at in range(0, 5000, 1000)])
    seen = []
    bench.xet.register(alice.scope, shard.serialise([alice.describe(data)]), seen.append)
    assert (seen[0].done, seen[0].total) == (0, 5000)
    assert seen[-1].done == seen[-1].total == 5000
