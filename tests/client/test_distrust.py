"""`pull` believes nothing that a hub says: not the names, not the bytes."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest

from weighbridge.cli.main import run
from weighbridge.client import Remote, pull, push
from weighbridge.errors import (
    CorruptError,
    InputError,
    PathNotFoundError,
    RemoteError,
    RepoNotFoundError,
    UnsafePathError,
    UsageError,
)

COMMIT = "c" * 40
WEIGHTS = b"weights " * 1000


class _Hub(ThreadingHTTPServer):
    """Just enough of a hub to be lied to by: one repository `org/model` with the files given."""

    def __init__(self, files: dict[str, bytes], sent: dict[str, bytes] | None = None):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.sent = files | (sent or {})
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: _Hub

    def do_GET(self):
        path = self.path.partition("?")[0]
        if "/tree/" in path:
            self._json([self._entry(name, content) for name, content in self.server.files.items()])
        elif path.startswith("/api/models/org/model"):
            siblings = [{"rfilename": name} for name in self.server.files]
            self._json({"id": "org/model", "sha": COMMIT, "siblings": siblings, "tags": []})
        elif "/resolve/" in path:
            self._file(unquote(path.partition("/resolve/")[2].partition("/")[2]))
        else:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    do_HEAD = do_GET  # noqa: N815 (http.server's names)

    def _entry(self, name, content):
        large = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 1}
        lfs = {"lfs": large} if name.endswith(".safetensors") else {}
        return {"type": "file", "path": name, "size": len(content), "oid": _blob(content), **lfs}

    def _file(self, name):
        content = self.server.sent[name]
        stated = self._entry(name, self.server.files[name])
        etag = stated["lfs"]["oid"] if "lfs" in stated else stated["oid"]
        self._send(200, content, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})

    def _json(self, value):
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status, body, headers):
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def _blob(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    running = []

    def start(files, sent=None):
        server = _Hub(files, sent)
        running.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return Remote(server.url, "token")

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def test_honest_files_arrive_whole_and_are_counted(hub, tmp_path):
    remote = hub({"model.safetensors": WEIGHTS, "card/README.md": b"# A model"})
    heard = []
    done = pull("org/model", remote, out=tmp_path / "out", on_file=heard.append)
    assert (done.revision, done.files, done.nbytes) == (COMMIT, 2, len(WEIGHTS) + 9)
    assert (tmp_path / "out/model.safetensors").read_bytes() == WEIGHTS
    assert heard == ["model.safetensors", "card/README.md"]


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_bytes_other_than_stated_are_removed_and_named(hub, tmp_path, name):
    content = b"0123456789"
    remote = hub({name: content}, sent={name: content[::-1]})
    with pytest.raises(CorruptError, match=r"hub stated .*removed") as caught:
        pull("org/model", remote, out=tmp_path / "out")
    assert name in caught.value.where
    assert not (tmp_path / "out" / name).exists()


@pytest.mark.parametrize("name", ["../escape", "/abs", "a\\..\\b", "nul\0"])
def test_a_name_that_would_leave_the_folder_stops_everything(hub, tmp_path, name):
    remote = hub({"fine.json": b"{}", name: b"evil"})
    with pytest.raises(UnsafePathError):
        pull("org/model", remote, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "escape").exists()


def test_an_unknown_repository_is_told_by_name(hub, tmp_path):
    with pytest.raises(RepoNotFoundError, match="org/other"):
        pull("org/other", hub({}), out=tmp_path / "out")


def test_no_hub_there_is_an_error_with_the_address(tmp_path):
    with pytest.raises(RemoteError, match=r"127\.0\.0\.1:9"):
        pull("org/model", Remote("http://127.0.0.1:9"), out=tmp_path / "out")


def test_what_cannot_be_pushed_or_pulled_is_said_before_any_request(tmp_path):
    remote = Remote("http://127.0.0.1:9")
    file = tmp_path / "file"
    file.write_bytes(b"")
    (tmp_path / "empty/.git").mkdir(parents=True)
    (tmp_path / "empty/.git/config").write_bytes(b"x")
    with pytest.raises(PathNotFoundError):
        push(tmp_path / "missing", "org/model", remote)
    with pytest.raises(UsageError, match="no file to publish"):
        push(tmp_path / "empty", "org/model", remote)
    with pytest.raises(InputError, match="found a file"):
        pull("org/model", remote, out=file)
    with pytest.raises(UsageError, match="not 'zip'"):
        push(file, "org/model", remote, kind="zip")
    with pytest.raises(UsageError, match="not 'zip'"):
        pull("org/model", remote, out=tmp_path / "out", kind="zip")
    with pytest.raises(UsageError, match="http"):
        Remote("localhost:8000")


def test_the_token_is_never_shown():
    assert "secret" not in repr(Remote("http://hub", "secret"))


def test_the_command_needs_to_be_told_which_hub(monkeypatch, capsys):
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    assert run(["pull", "org/model"]) == 2
    assert "HF_ENDPOINT" in capsys.readouterr().err
