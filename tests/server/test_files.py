"""HEAD and GET of files: whole, in part, not at all."""

import hashlib
from urllib.parse import quote

import pytest

from weighbridge.hub import AddFile, AddStored, git

TEXT = b"The weight of a thing.\n" * 1000
DATA = bytes(range(256)) * 20_000  # 5 MB: several blocks of the store


@pytest.fixture
def put(hub, ada, repo):
    """Commit files; gives the address of each."""

    def put(**files):
        operations = []
        for name, content in files.items():
            path = name.replace("__", ".")
            if len(content) > 1_000_000:
                held = hub.uploads.receive(ada, repo, [content])
                operations.append(AddStored(path, held.sha256, held.size))
            else:
                operations.append(AddFile(path, content))
        hub.content.commit(ada, repo, "main", operations, title="x")
        return [f"/{repo}/resolve/main/{operation.path}" for operation in operations]

    return put


def test_a_file_comes_back_byte_for_byte(anonymous, hub, ada, repo, put):
    small, large = put(a__txt=TEXT, b__bin=DATA)
    head = hub.repos.get(ada, repo).head
    for address, content, etag in (
        (small, TEXT, git.blob_oid(TEXT)),
        (large, DATA, hashlib.sha256(DATA).hexdigest()),
    ):
        got = anonymous.get(address)
        assert got.status_code == 200
        assert got.content == content
        assert got.headers["etag"] == f'"{etag}"'
        assert got.headers["x-repo-commit"] == head
        assert got.headers["accept-ranges"] == "bytes"
        told = anonymous.head(address)
        assert told.status_code == 200
        assert told.content == b""
        assert told.headers["content-length"] == str(len(content))
        for name in ("etag", "x-repo-commit", "content-type", "content-disposition"):
            assert told.headers[name] == got.headers[name]
    assert anonymous.head(large).headers["x-linked-size"] == str(len(DATA))
    assert anonymous.head(large).headers["x-linked-etag"] == f'"{hashlib.sha256(DATA).hexdigest()}"'
    assert "x-linked-etag" not in anonymous.head(small).headers


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=1000-", 1000, None),
        ("bytes=-10", -10, None),
        ("bytes=0-99999999999", 0, None),
        ("bytes=-99999999999", 0, None),
        ("BYTES=3-5", 3, 6),
        ("bytes=4194300-4194310", 4194300, 4194311),
    ],
)
def test_a_range_gives_exactly_these_bytes(anonymous, put, asked, start, stop):
    [address] = put(b__bin=DATA)
    got = anonymous.get(address, headers={"Range": asked})
    wanted = DATA[start:stop]
    first = DATA.__len__() + start if start < 0 else start
    assert got.status_code == 206
    assert got.content == wanted
    assert got.headers["content-range"] == f"bytes {first}-{first + len(wanted) - 1}/{len(DATA)}"
    assert got.headers["content-length"] == str(len(wanted))


@pytest.mark.parametrize("asked", ["bytes=23000-", "bytes=99999999-", "bytes=-0"])
def test_a_range_past_the_end_is_told_with_the_size(anonymous, put, asked):
    [address] = put(a__txt=TEXT)
    got = anonymous.get(address, headers={"Range": asked})
    assert got.status_code == 416
    assert got.headers["content-range"] == f"bytes */{len(TEXT)}"
    assert got.content == b""


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,5-6", "bytes=5-1", "bytes=", "bytes=-", "bytes=a-b", "lines=0-1", "bytes=0x1-2", "x" * 10_000]
)
def test_a_range_that_makes_no_sense_gives_the_whole_file(anonymous, put, asked):
    [address] = put(a__txt=TEXT)
    got = anonymous.get(address, headers={"Range": asked})
    assert (got.status_code, got.content) == (200, TEXT)


def test_an_empty_file_has_no_range(anonymous, put):
    [address] = put(empty=b"")
    assert anonymous.get(address).content == b""
    assert anonymous.get(address, headers={"Range": "bytes=0-"}).status_code == 416


def test_a_file_that_the_client_has_is_not_sent_again(anonymous, put):
    [address] = put(a__txt=TEXT)
    etag = anonymous.head(address).headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        got = anonymous.get(address, headers={"If-None-Match": known})
        assert (got.status_code, got.content) == (304, b"")
    assert anonymous.get(address, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_range_of_another_version_gives_the_whole_file(anonymous, put):
    [address] = put(a__txt=TEXT)
    etag = anonymous.head(address).headers["etag"]
    assert anonymous.get(address, headers={"Range": "bytes=0-4", "If-Range": etag}).content == TEXT[:5]
    assert anonymous.get(address, headers={"Range": "bytes=0-4", "If-Range": '"old"'}).content == TEXT


def test_only_the_blocks_that_a_range_touches_are_decoded(hub, ada, repo, anonymous, put, monkeypatch):
    from weighbridge.store._reader import BlockReader

    [address] = put(b__bin=DATA)
    read, real = [], BlockReader.read
    monkeypatch.setattr(BlockReader, "read", lambda self, block, file: read.append(block) or real(self, block, file))
    assert anonymous.get(address, headers={"Range": "bytes=100-200"}).content == DATA[100:201]
    assert sum(block.length for block in read) < len(DATA) / 2


def test_what_is_missing_is_told_with_the_commit_so_that_clients_remember(anonymous, hub, ada, repo):
    for path in ("nope.txt", "a/b/c", ".gitattributes/x", "%2e%2e/x", "a%00b"):
        got = anonymous.head(f"/{repo}/resolve/main/{path}")
        assert got.status_code in (404, 400), path
        if got.status_code == 404:
            assert got.headers["x-error-code"] == "EntryNotFound"
            assert got.headers["x-repo-commit"] == hub.repos.get(ada, repo).head
    assert anonymous.get(f"/{repo}/resolve/nope/x").headers["x-error-code"] == "RevisionNotFound"
    assert anonymous.get("/ada/nope/resolve/main/x").headers["x-error-code"] == "RepoNotFound"
    assert anonymous.get("/gpt2/resolve/main/x").headers["x-error-code"] == "RepoNotFound"


def test_a_private_file_does_not_exist_for_strangers(anonymous, stranger, reader, private):
    address = f"/{private}/resolve/main/.gitattributes"
    assert reader.get(address).status_code == 200
    for other in (anonymous, stranger):
        got = other.get(address)
        assert got.status_code == 404
        assert got.headers["x-error-code"] == "RepoNotFound"
        assert "x-repo-commit" not in got.headers


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("page__html", "text/plain"),
        ("x__js", "text/plain"),
        ("x__svg", "image/svg+xml"),
        ("x__bin", "application/octet-stream"),
    ],
)
def test_an_uploaded_page_cannot_act_in_the_name_of_the_hub(anonymous, put, name, expected):
    [address] = put(**{name: b"<script>alert(document.cookie)</script>"})
    got = anonymous.get(address)
    assert got.headers["content-type"].split(";")[0] == expected
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in got.headers["content-security-policy"]
    assert "default-src 'none'" in got.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["a b.txt", "日本/é.txt", 'q"uote.txt', "hash#.txt", "que?ry.txt", "a+b.txt"])
def test_names_of_all_kinds_come_through_addresses(anonymous, client, hub, ada, repo, path):
    hub.content.commit(ada, repo, "main", [AddFile(path, b"x")], title="x")
    for quoted in (quote(path), quote(path, safe="")):
        got = anonymous.get(f"/{repo}/resolve/main/{quoted}")
        assert (got.status_code, got.content) == (200, b"x")
        assert "\n" not in got.headers["content-disposition"]


def test_a_branch_with_a_slash_is_one_segment(anonymous, hub, ada, repo):
    hub.refs.create_branch(ada, repo, "try/this")
    hub.content.commit(ada, repo, "try/this", [AddFile("d/new.txt", b"x")], title="x")
    assert anonymous.get(f"/{repo}/resolve/try%2Fthis/d/new.txt").content == b"x"
    assert anonymous.get(f"/api/models/{repo}/revision/try%2Fthis").status_code == 200
    assert [e["path"] for e in anonymous.get(f"/api/models/{repo}/tree/try%2Fthis/d").json()] == ["d/new.txt"]
    assert anonymous.get(f"/{repo}/resolve/refs%2Fheads%2Fmain/.gitattributes").status_code == 200


def test_whole_large_files_are_counted_as_downloads(anonymous, hub, ada, repo, put):
    small, large = put(a__txt=TEXT, b__bin=DATA)
    for _ in range(3):
        anonymous.get(large)
    anonymous.get(small)
    anonymous.head(large)
    anonymous.get(large, headers={"Range": "bytes=0-9"})
    hub.downloads.write()
    assert hub.repos.get(ada, repo).downloads == 3
    anonymous.get(large)
    hub.repos.delete(ada, repo)
    hub.downloads.write()


def test_damage_is_an_error_and_never_wrong_bytes(anonymous, hub, put, monkeypatch):
    [address] = put(b__bin=DATA)
    for path in (hub.data / "store" / "files").rglob("*"):
        if path.is_file():
            raw = bytearray(path.read_bytes())
            raw[len(raw) // 2] ^= 1
            path.chmod(0o600)
            path.write_bytes(raw)
    got = anonymous.get(address)
    assert got.status_code == 500
    assert got.headers["x-error-code"].startswith("store")
