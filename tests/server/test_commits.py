"""Commits as a stream of lines, and what hostile ones come to."""

import base64
import hashlib
import json

import pytest


def line(key, **value):
    return json.dumps({"key": key, "value": value}).encode() + b"\n"


def file(path, content=b"x", **more):
    return line("file", path=path, content=base64.b64encode(content).decode(), encoding="base64", **more)


HEADER = line("header", summary="Change", description="")


@pytest.fixture
def commit(client, repo):
    def commit(*lines, by=client, to=repo, branch="main"):
        return by.post(f"/api/models/{to}/commit/{branch}", content=b"".join(lines))

    return commit


@pytest.fixture
def paths(client, repo):
    def paths():
        listed = client.get(f"/api/models/{repo}/tree/main", params={"recursive": True}).json()
        return [each["path"] for each in listed if each["type"] == "file"]

    return paths


def test_a_commit_answers_with_its_id_and_address(commit, client, repo):
    made = commit(HEADER, file("a.txt", b"one"))
    assert made.status_code == 200
    oid = made.json()["commitOid"]
    assert made.json()["commitUrl"].endswith(f"/{repo}/commit/{oid}")
    assert client.get(f"/{repo}/resolve/{oid}/a.txt").content == b"one"


def test_a_commit_may_come_without_a_last_line_end_and_with_empty_lines(commit, paths):
    assert commit(HEADER, b"\n", b"\r\n", file("a").rstrip()).status_code == 200
    assert "a" in paths()


def test_every_operation_is_applied(commit, paths):
    assert commit(HEADER, file("a"), file("d/b"), file("d/c"), file("e/f")).status_code == 200
    text = line("file", path="text", content="as it is", encoding="utf-8")
    assert commit(HEADER, line("deletedFile", path="a"), line("deletedFolder", path="d/"), text).status_code == 200
    assert paths() == [".gitattributes", "e/f", "text"]


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [b"not json\n"],
        [b"[" * 100_000],
        [b'"text"\n'],
        [b"{}\n"],
        [file("a")],
        [line("header", summary=1)],
        [HEADER, line("rename", path="a")],
        [HEADER, line("file", path="a")],
        [HEADER, line("file", path=["a"], content="")],
        [HEADER, line("file", path="a", content="!!!", encoding="base64")],
        [HEADER, line("file", path="a", content="", encoding="rot13")],
        [HEADER, line("lfsFile", path="a", oid="x" * 64)],
        [HEADER, line("lfsFile", path="a", oid="0" * 64, algo="md5")],
        [HEADER, line("lfsFile", path="a", oid="0" * 64)],
        [HEADER, line("lfsFile", path="a", oid="0" * 64, size=-1)],
        [HEADER, file("../a")],
        [HEADER, file("/etc/passwd")],
        [HEADER, file("a\\b")],
        [HEADER, file("a\0b")],
        [HEADER, file(".git/hooks/pre-commit")],
        [HEADER, file("a"), HEADER],
        [HEADER, b"\xff\xfe\n"],
    ],
)
def test_a_commit_that_is_not_well_formed_changes_nothing(commit, paths, lines):
    refused = commit(*lines)
    assert refused.status_code == 400, refused.text
    assert refused.json()["error"]
    assert paths() == [".gitattributes"]


def test_deleting_what_is_not_there_is_an_entry_not_found(commit):
    refused = commit(HEADER, line("deletedFile", path="gone"))
    assert (refused.status_code, refused.headers["x-error-code"]) == (404, "EntryNotFound")
    assert "doesn't exist" in refused.json()["error"]


def test_a_line_without_an_end_is_stopped(commit, monkeypatch, paths):
    monkeypatch.setattr("weighbridge.server.hf.commit.LONGEST_LINE", 100_000)
    refused = commit(HEADER, file("a", b"x" * 200_000))
    assert refused.status_code == 413
    assert paths() == [".gitattributes"]


def test_a_stale_parent_is_refused(commit, client, repo):
    first = client.get(f"/api/models/{repo}").json()["sha"]
    on_first = line("header", summary="x", parentCommit=first)
    assert commit(on_first, file("a")).status_code == 200
    assert commit(on_first, file("b")).status_code == 412


def test_who_may_not_write_is_told_so_in_the_clients_terms(commit, anonymous, reader, stranger, private):
    assert commit(HEADER, file("a"), by=anonymous).status_code == 401
    assert commit(HEADER, file("a"), by=reader).status_code == 403
    assert commit(HEADER, file("a"), by=stranger).status_code == 403
    hidden = commit(HEADER, file("a"), by=stranger, to=private)
    assert (hidden.status_code, hidden.headers["x-error-code"]) == (404, "RepoNotFound")


def test_a_pull_request_is_refused_clearly(client, repo):
    refused = client.post(f"/api/models/{repo}/commit/main", params={"create_pr": 1}, content=HEADER + file("a"))
    assert refused.status_code == 403
    assert "pull requests" in refused.headers["x-error-message"]


def test_a_commit_to_a_missing_branch_is_a_revision_not_found(commit):
    refused = commit(HEADER, file("a"), branch="nope")
    assert (refused.status_code, refused.headers["x-error-code"]) == (404, "RevisionNotFound")


class TestLargeFiles:
    """git-lfs's batch protocol."""

    DATA = b"weights" * 100_000
    OID = hashlib.sha256(DATA).hexdigest()
    SIZE = len(DATA)

    @pytest.fixture
    def batch(self, client, repo):
        def batch(oid=self.OID, size=self.SIZE, by=client, operation="upload", to=repo):
            body = {"operation": operation, "objects": [{"oid": oid, "size": size}], "hash_algo": "sha256"}
            return by.post(f"/{to}.git/info/lfs/objects/batch", json=body)

        return batch

    def test_a_file_goes_up_and_is_committed(self, batch, anonymous, client, commit, repo):
        actions = batch().json()["objects"][0]["actions"]
        assert anonymous.put(actions["upload"]["href"], content=self.DATA).status_code == 200
        assert client.post(actions["verify"]["href"], json={"oid": self.OID, "size": len(self.DATA)}).status_code == 200
        assert "actions" not in batch().json()["objects"][0]
        assert commit(HEADER, line("lfsFile", path="m.bin", oid=self.OID, size=len(self.DATA))).status_code == 200
        assert client.get(f"/{repo}/resolve/main/m.bin").content == self.DATA
        down = batch(operation="download").json()["objects"][0]["actions"]["download"]["href"]
        assert anonymous.get(down).content == self.DATA

    @pytest.mark.parametrize("sent", [DATA[:-1], DATA + b"x", b"x" * len(DATA), b""])
    def test_other_bytes_than_announced_are_refused(self, batch, anonymous, client, sent):
        actions = batch().json()["objects"][0]["actions"]
        assert anonymous.put(actions["upload"]["href"], content=sent).status_code == 400
        assert client.post(actions["verify"]["href"], json={"oid": self.OID, "size": len(self.DATA)}).status_code == 404
        assert "actions" in batch().json()["objects"][0]

    def test_an_address_is_worth_nothing_once_changed_or_for_another_use(self, batch, anonymous):
        href = batch().json()["objects"][0]["actions"]["upload"]["href"]
        assert anonymous.put(href[:-3] + "AAA", content=self.DATA).status_code == 403
        assert anonymous.put("http://testserver/api/lfs/objects/x.y", content=self.DATA).status_code == 403

    def test_an_address_is_worth_nothing_once_its_token_is_revoked(self, hub, sign_in, batch, anonymous):
        name = "soon-gone"
        sign_in("ada").headers["Authorization"]
        secret = hub.people.create_token("ada", name=name)
        client = sign_in("ada")
        client.headers["Authorization"] = f"Bearer {secret}"
        href = batch(by=client).json()["objects"][0]["actions"]["upload"]["href"]
        hub.people.revoke("ada", name)
        assert anonymous.put(href, content=self.DATA).status_code == 401

    def test_what_another_repository_holds_must_be_uploaded_all_the_same(self, batch, anonymous, stranger, hub, repo):
        from weighbridge.hub import RepoId

        href = batch().json()["objects"][0]["actions"]["upload"]["href"]
        anonymous.put(href, content=self.DATA)
        eve = hub.people.authenticate(hub.people.create_token("eve"))
        theirs = hub.repos.create(eve, RepoId("model", "eve", repo.name)).id
        assert "actions" in batch(by=stranger, to=theirs).json()["objects"][0]
        assert "error" in batch(by=stranger, to=theirs, operation="download").json()["objects"][0]
        stolen = stranger.post(
            f"/api/models/{theirs}/commit/main", content=HEADER + line("lfsFile", path="m.bin", oid=self.OID)
        )
        assert stolen.status_code == 400

    def test_only_who_may_write_gets_an_address(self, batch, anonymous, reader, stranger):
        assert batch(by=anonymous).status_code == 401
        assert batch(by=reader).status_code == 403
        assert batch(by=stranger).status_code == 403

    def test_an_object_that_has_no_sha256_is_told_apart(self, batch):
        assert batch(oid="../../x").json()["objects"][0]["error"]["code"] == 422
        assert batch(size=-1).status_code == 400


def test_what_a_request_is_told_says_nothing_of_our_own_command_line(commit):
    told = commit(b"garbage\n")
    assert told.status_code == 400
    assert "--help" not in told.text
