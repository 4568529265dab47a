"""A real hub with small real weights, and its pages."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from safetensors.numpy import save

from weighbridge import checkpoint, checks
from weighbridge.hub import (
    AddFile,
    AddStored,
    Caller,
    Commit,
    DeleteFile,
    Entry,
    Hub,
    RepoId,
    ReportStatus,
    Role,
)
from weighbridge.hub.arrivals import Arrival
from weighbridge.report import to_json
from weighbridge.server import web
from weighbridge.server.addresses import EncodedSlashes

HOSTILE = '"><script>alert(1)</script>'
HOSTILE_CARD = f"""---
license: '{HOSTILE}'
'{HOSTILE}': '{HOSTILE}'
---
# {HOSTILE}

<script>alert('card')</script>
""".encode()
MODEL = RepoId("model", "lab", "tiny-bert")
ODD = RepoId("model", "ada", "odd")
SECRET = RepoId("model", "ada", "secret")
EMPTY = RepoId("model", "ada", "empty")
DATA = RepoId("dataset", "ada", "silhouettes")

CARD = b"""---
license: apache-2.0
pipeline_tag: sentence-similarity
library_name: transformers
datasets: [one, two]
---
# Tiny BERT

A [config](config.json), a ![picture](img/loss.png) and a ![badge](https://shields.example/x.svg).
"""

PICTURE = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=")


@dataclass(frozen=True)
class Scene:
    """`token` may write as ada, `reader` may read as eve, a stranger to ada."""

    hub: Hub
    token: str
    reader: str
    ada: Caller

    def publish(self, repo: RepoId, files: dict[str, bytes], title: str) -> Commit:
        operations: list[AddFile | AddStored] = []
        for path, content in files.items():
            if path.endswith((".safetensors", ".bin")):
                held = self.hub.uploads.receive(self.ada, repo, [content])
                operations.append(AddStored(path, held.sha256, held.size))
            else:
                operations.append(AddFile(path, content))
        return self.hub.content.commit(self.ada, repo, "main", operations, title=title)


def tiny_weights(layers: int = 3) -> bytes:
    rng = np.random.default_rng(7)
    tensors = {"embeddings.word.weight": rng.normal(size=(200, 16)).astype(np.float32)}
    for layer in range(layers):
        for part in ("query", "key", "value", "output"):
            values = rng.normal(scale=0.05, size=(16, 16))
            tensors[f"encoder.layer.{layer}.{part}.weight"] = values.astype(np.float32)
    tensors["step"] = np.array(1000, np.int64)
    return save(tensors, metadata={"format": "pt"})


def odd_weights() -> bytes:
    rng = np.random.default_rng(8)
    return save(
        {
            HOSTILE: rng.normal(size=(8, 8)).astype(ml_dtypes.bfloat16),
            "a*[b]?": np.arange(6, dtype=np.float32),
            "holds.nan": np.array([1, np.nan, np.inf, 0, 2], np.float32),
            "no.elements": np.zeros((0, 3), np.float32),
        }
    )


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Shared by a module's tests, which only look."""
    with Hub.open(tmp_path_factory.mktemp("hub"), create=True, gated=False) as hub:
        yield _build(hub)


def _build(hub: Hub) -> Scene:
    hub.people.add_user("ada", "Ada Lovelace")
    hub.people.add_user("eve")
    hub.people.add_organisation("lab")
    hub.people.add_member("lab", "ada", Role.ADMIN)
    token, reader = hub.people.create_token("ada", Role.WRITE), hub.people.create_token("eve", Role.READ)
    scene = Scene(hub, token, reader, hub.people.authenticate(token))
    for repo in (MODEL, ODD, EMPTY, DATA):
        hub.repos.create(scene.ada, repo)
    hub.repos.create(scene.ada, SECRET, private=True)
    config = json.dumps({"architectures": ["BertModel"], "hidden_size": 16}).encode()
    files = {
        "README.md": CARD,
        "config.json": config,
        "model.safetensors": tiny_weights(),
        "img/loss.png": PICTURE,
        "img/old.png": PICTURE,
    }
    scene.publish(MODEL, files, "Upload the model")
    hub.refs.create_tag(scene.ada, MODEL, "v1.0")
    change = [AddFile("notes/what next.md", b"# Next\n\n[up](../config.json)\n"), DeleteFile("img/old.png")]
    hub.content.commit(scene.ada, MODEL, "main", change, title="Say what comes next", message="And drop a picture.")
    hub.refs.create_branch(scene.ada, MODEL, "try/faster")
    scene.publish(
        ODD,
        {
            "README.md": HOSTILE_CARD,
            f"{HOSTILE.replace('/', '')}.txt": b"a name",
            "page.html": b"<script>alert(1)</script>",
            "model.safetensors": odd_weights(),
        },
        HOSTILE,
    )
    scene.publish(SECRET, {"README.md": b"# Nobody knows"}, "Secret")
    scene.publish(DATA, {"README.md": b"# Silhouettes", "train/1.txt": b"x"}, "Data")
    examine(hub)
    return scene


def examine(hub: Hub) -> None:
    """Have every revision checked, here instead of in processes of their own: these tests are about pages."""

    def in_process(repo: RepoId, entries: list[Entry], arrival: Arrival) -> tuple[ReportStatus, str, str]:
        files = {entry.path: hub.objects.open(entry.sha256) for entry in entries}
        with checkpoint.open(files, allow_unsafe=True, allow_empty=True, name=str(repo)) as opened:
            weights = opened.files or opened.broken
            return hub.reports._keep(to_json(checks.run(opened)).encode() if weights else b"", arrival)

    hub.reports._examine = in_process
    while hub.reports.examine_next():
        pass


def application(hub: Hub) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    web.install(app, hub)
    app.add_middleware(EncodedSlashes)
    return app


@pytest.fixture(scope="module")
def app(scene: Scene) -> FastAPI:
    return application(scene.hub)


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    """A browser that is not signed in, and does not follow redirects."""
    with TestClient(app, base_url="http://hub.test", follow_redirects=False) as client:
        yield client


@pytest.fixture
def signed_in(app: FastAPI, scene: Scene) -> Iterator[TestClient]:
    """ada's browser."""
    with TestClient(app, base_url="http://hub.test", follow_redirects=False) as client:
        client.post("/-/sign-in", data={"token": scene.token}, headers={"origin": "http://hub.test"})
        yield client


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Scene]:
    """A hub of one's own, with ada and nothing else."""
    with Hub.open(tmp_path / "hub", create=True, gated=False) as hub:
        hub.people.add_user("ada")
        token = hub.people.create_token("ada", Role.WRITE)
        yield Scene(hub, token, "", hub.people.authenticate(token))
