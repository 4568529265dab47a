"""What the Xet routes answer: to honest clients, to wrong ones, and to attackers."""

import hashlib
import json

import pytest

from weighbridge.server.xet import storage
from weighbridge.wire.xet import hashing, shard, xorb

CHUNKS = [hashlib.shake_256(bytes([n])).digest(1000 + n) for n in range(5)]
DATA = b"".join(CHUNKS)
FILE = hashing.to_text(hashing.file_hash([(hashing.chunk_hash(c), len(c)) for c in CHUNKS]))
ANY = "0" * 64


@pytest.fixture
def uploaded(web, hub, tools):
    """A write token of alice, whose repository has one file that came through Xet."""
    grant = web.grant("alice", "alice/m")
    name = web.send(grant, CHUNKS)
    assert web.call("POST", "/v1/shards", grant, content=tools.describe(CHUNKS, name)).json() == {"result": 1}
    tools.commit(hub, "alice", DATA)
    return grant


def test_a_token_comes_as_json_and_as_headers(web):
    answer = web.http.get(
        "/api/models/alice/m/xet-write-token/refs%2Fpr%2F1", headers={"authorization": "Bearer alice"}
    )
    body = answer.json()
    assert body["casUrl"].startswith("http://testserver/api/xet/")
    assert answer.headers["x-xet-cas-url"] == body["casUrl"]
    assert answer.headers["x-xet-access-token"] == body["accessToken"]
    assert int(answer.headers["x-xet-token-expiration"]) == body["exp"]
    assert answer.headers["cache-control"] == "no-store"


def test_a_token_for_a_pull_request_to_come_names_no_revision(web):
    answer = web.http.get(
        "/api/models/alice/m/xet-write-token/None?create_pr=1", headers={"authorization": "Bearer alice"}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("user", ["bob", ""])
@pytest.mark.parametrize("access", ["read", "write"])
def test_a_token_for_what_one_may_not_see_is_not_found(web, user, access):
    headers = {"authorization": f"Bearer {user}"} if user else {}
    assert web.http.get(f"/api/models/alice/m/xet-{access}-token/main", headers=headers).status_code == 404


def test_a_shard_is_registered_and_told_line_by_line(web, tools):
    grant = web.grant("alice", "alice/m")
    name = web.send(grant, CHUNKS)
    answer = web.call("POST", "/v2/shards", grant, content=tools.describe(CHUNKS, name))
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[-1] == {"type": "result"}
    assert {line["type"] for line in lines[:-1]} <= {"validating"}


def test_a_shard_that_lies_is_told_in_the_last_line(web, tools, hub):
    grant = web.grant("alice", "alice/m")
    name = web.send(grant, CHUNKS)
    lie = tools.describe(CHUNKS, name, b"s" * 32)
    last = json.loads(web.call("POST", "/v2/shards", grant, content=lie).text.splitlines()[-1])
    assert last["type"] == "error"
    assert last["retryable"] is False
    assert hashlib.sha256(DATA).hexdigest() in last["message"]
    assert web.call("POST", "/v1/shards", grant, content=lie).status_code == 400
    assert not hub.objects.has(hashlib.sha256(DATA).hexdigest())


def test_a_failure_of_ours_is_told_as_one_to_retry(web, tools, hub, monkeypatch):
    grant = web.grant("alice", "alice/m")
    name = web.send(grant, CHUNKS)
    monkeypatch.setattr(hub.xet._pool, "free_bytes", lambda: 0)
    last = json.loads(web.call("POST", "/v2/shards", grant, content=tools.describe(CHUNKS, name)).text.splitlines()[-1])
    assert (last["type"], last["retryable"]) == ("error", True)

    def fail(*_):
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(hub.xet, "register", fail)
    last = json.loads(web.call("POST", "/v2/shards", grant, content=b"").text.splitlines()[-1])
    assert last == {"type": "error", "message": "internal error of the hub", "retryable": True}


def test_a_xorb_is_new_once(web):
    grant = web.grant("alice", "alice/m")
    name = hashing.to_text(web.send(grant, CHUNKS))
    again = web.call("POST", f"/v1/xorbs/default/{name}", grant, content=xorb.serialise(CHUNKS, xorb.Scheme.NONE))
    assert again.json() == {"was_inserted": False}
    assert web.call("HEAD", f"/v1/xorbs/default/{name}", grant).status_code == 200
    assert web.call("HEAD", f"/v1/xorbs/default/{name}", web.grant("bob", "bob/m")).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"/v1/xorbs/default/{ANY}", xorb.serialise(CHUNKS), 400),
        (f"/v1/xorbs/default/{ANY}", b"noise of more than eight bytes", 415),
        (f"/v1/xorbs/default/{ANY}", xorb.serialise(CHUNKS)[:-1], 400),
        ("/v1/xorbs/default/notahash", b"", 400),
        (f"/v1/xorbs/default/..%2F{ANY}", b"", 404),
        (f"/v1/xorbs/other/{ANY}", b"", 404),
        ("/v1/shards", b"", 400),
        ("/v1/shards", b"x" * 500, 400),
        (f"/v1/xorb-grants/default/{ANY}", b"{}", 404),
    ],
)
def test_what_is_wrong_is_told_with_the_right_status(web, hub, path, body, status):
    assert web.call("POST", path, web.grant("alice", "alice/m"), content=body).status_code == status
    assert not list((hub.data / "xet" / "xorbs").glob("*/*"))
    assert not list((hub.data / "xet" / "incoming").iterdir())


def test_a_body_beyond_the_limit_is_refused_announced_or_not(web, monkeypatch):
    monkeypatch.setattr(storage, "MAX_SHARD_BYTES", 10)
    grant = web.grant("alice", "alice/m")
    assert web.call("POST", "/v1/shards", grant, content=b"x" * 11).status_code == 413
    assert web.call("POST", "/v1/shards", grant, content=iter([b"x" * 6, b"x" * 6])).status_code == 413


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", [f"/v1/xorb-grants/default/{ANY}", f"/v1/chunks/default/{ANY}", "/v3/shards", "/"])
def test_a_call_that_we_do_not_have_is_not_found_whatever_its_method(web, method, path):
    assert web.call(method, path, web.grant("alice", "alice/m"), content=b"{}").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"/v1/xorbs/default/{ANY}"),
        ("HEAD", f"/v1/xorbs/default/{ANY}"),
        ("POST", "/v1/shards"),
        ("POST", "/v2/shards"),
        ("GET", f"/v1/reconstructions/{ANY}"),
        ("HEAD", f"/v1/files/{ANY}"),
    ],
)
def test_every_route_wants_a_token(web, method, path):
    grant = web.grant("alice", "alice/m")
    bad = [None, "Bearer", "Bearer x", "Basic eDp5", f"Bearer {grant['accessToken'][:-3]}"]
    for header in bad:
        headers = {"authorization": header} if header else {}
        assert web.http.request(method, grant["casUrl"] + path, headers=headers).status_code == 401
    if method == "POST":
        read = web.grant("alice", "alice/m", "read")
        assert web.call(method, path, read, content=b"").status_code == 403


def test_another_accounts_xorb_cannot_be_referred_to(web, uploaded, tools):
    name = hashing.xorb_hash((hashing.chunk_hash(c), len(c)) for c in CHUNKS)
    stolen = tools.describe(CHUNKS, name)
    answer = web.call("POST", "/v1/shards", web.grant("bob", "bob/m"), content=stolen)
    assert answer.status_code == 400
    assert "not sent" in answer.json()["error"]


def fetch(web, reconstruction: dict) -> bytes:
    """What a client makes of a reconstruction: the chunks of each term, one after another."""
    import io

    data = b""
    for term in reconstruction["terms"]:
        (part,) = [p for p in reconstruction["fetch_info"][term["hash"]] if p["range"] == term["range"]]
        wanted = f"bytes={part['url_range']['start']}-{part['url_range']['end']}"
        answer = web.http.get(part["url"], headers={"range": wanted})
        assert answer.status_code == 206
        chunks = list(xorb.read_chunks(io.BytesIO(answer.content)))
        assert len(chunks) == term["range"]["end"] - term["range"]["start"]
        assert sum(len(chunk.data) for chunk in chunks) == term["unpacked_length"]
        data += b"".join(chunk.data for chunk in chunks)
    return data[reconstruction["offset_into_first_range"] :]


def test_a_file_comes_back_by_chunks(web, uploaded):
    answer = web.call("GET", f"/v1/reconstructions/{FILE}", uploaded)
    assert fetch(web, answer.json()) == DATA


@pytest.mark.parametrize("wanted", [(0, 0), (0, 999), (999, 1001), (1000, 1000), (1500, 3600), (4000, 99999)])
def test_a_range_of_a_file_costs_no_more_than_its_chunks(web, uploaded, wanted):
    first, last = wanted
    answer = web.call("GET", f"/v1/reconstructions/{FILE}", uploaded, headers={"range": f"bytes={first}-{last}"})
    found = fetch(web, answer.json())
    assert found[: last - first + 1] == DATA[first : last + 1]
    assert len(found) < len(DATA[first : last + 1]) + 1005


def test_a_range_past_the_end_cannot_be_satisfied(web, uploaded):
    past = web.call("GET", f"/v1/reconstructions/{FILE}", uploaded, headers={"range": f"bytes={len(DATA)}-"})
    assert past.status_code == 416


def test_a_file_is_there_for_its_repository_alone(web, uploaded):
    assert web.call("HEAD", f"/v1/files/{FILE}", uploaded).headers["content-length"] == str(len(DATA))
    bob = web.grant("bob", "bob/m", "read")
    assert web.call("HEAD", f"/v1/files/{FILE}", bob).status_code == 404
    assert web.call("GET", f"/v1/reconstructions/{FILE}", bob).status_code == 404


def test_an_address_gives_its_own_bytes_and_no_others(web, uploaded):
    answer = web.call("GET", f"/v1/reconstructions/{FILE}", uploaded).json()
    ((part,),) = answer["fetch_info"].values()
    assert web.http.get(part["url"]).status_code == 416
    assert web.http.get(part["url"], headers={"range": "bytes=0-1"}).status_code == 416
    body, _, mac = part["url"].rpartition(".")
    assert web.http.get(f"{body}.{mac[:-4]}AAAA", headers={"range": "bytes=0-1"}).status_code == 403


def test_a_shard_with_a_xorb_that_nobody_sent_is_refused(web):
    record = shard.XorbRecord(b"x" * 32, ((b"c" * 32, 5),), 13)
    answer = web.call("POST", "/v1/shards", web.grant("alice", "alice/m"), content=shard.serialise([], [record]))
    assert answer.status_code == 400
