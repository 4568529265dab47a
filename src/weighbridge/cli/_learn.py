"""What the commands that learn share: whether torch is there, and how models and data come from a hub."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.errors import PathNotFoundError, UsageError

if TYPE_CHECKING:
    from weighbridge.client import Pulled
    from weighbridge.learn.data import Fetch

_NEEDED = ("torch", "safetensors", "PIL", "h5py")


def ensure_installed() -> None:
    """Raises `UsageError` that says what to install where the extra `learn` is not there."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"learning needs packages that are not installed: {', '.join(missing)}",
            hint="Install them: pip install 'weighbridge[learn]'",
        )


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model's folder. `repo` and `commit` are what it is on a hub, "" for a folder that was given."""

    folder: Path
    repo: str = ""
    commit: str = ""


def fetch(hub: str, token: str | None) -> Callable[[str], Path] | None:
    """What turns ``org/name@revision`` into a model's folder, every file verified; None where no hub was named."""
    if not hub:
        return None
    return lambda name: _pulled(hub, token, name, "model").folder


def fetch_data(hub: str, token: str | None) -> Fetch | None:
    """What turns ``org/name@revision`` into the files of a dataset at a commit; None where no hub was named."""
    if not hub:
        return None
    from weighbridge.learn.data import Fetched

    def get(name: str, only: tuple[str, ...]) -> Fetched:
        pulled = _pulled(hub, token, name, "dataset", only)
        return Fetched(pulled.folder, pulled.revision)

    return get


def _pulled(hub: str, token: str | None, name: str, kind: str, only: tuple[str, ...] = ()) -> Pulled:
    """Into a folder of this commit alone: what another revision holds under other names is never mixed in."""
    from weighbridge.cli._hub import remote_from
    from weighbridge.client import pull
    from weighbridge.errors import RemoteError

    repo, _, revision = name.partition("@")
    remote = remote_from(hub, token)
    with remote.telling(repo):
        commit = remote.api().repo_info(repo, repo_type=kind, revision=revision or None).sha or ""
    if not re.fullmatch("[0-9a-f]{40}", commit):  # it names a folder here
        raise RemoteError(f"the hub names no commit of {name}, but {commit[:80]!r}", where=hub)
    folder = _cache() / f"{kind}s" / re.sub(r"[^\w.-]", "_", hub.split("://")[-1]) / repo / commit
    return pull(repo, remote, out=folder, kind=kind, revision=commit, only=only)


def model_folder(model: str, hub: str, token: str | None) -> Path:
    """The folder of a trained model: a path, or what ``org/name@revision`` is on the hub."""
    return find_model(model, hub, token).folder


def find_model(model: str, hub: str, token: str | None) -> Model:
    """A trained model: a folder, or ``org/name@revision`` on the hub. Raises `PathNotFoundError`."""
    path = Path(model)
    if path.is_dir():
        return Model(path)
    if path.exists() or model.count("/") != 1 or model.startswith((".", "~", "/")):
        raise PathNotFoundError("there is no folder of a trained model here", where=model)
    if not hub:
        raise PathNotFoundError(
            "is no folder here, and there is no hub to ask for it", where=model, hint="Give --hub, or set HF_ENDPOINT."
        )
    pulled = _pulled(hub, token, model, "model")
    return Model(pulled.folder, pulled.repo, pulled.revision)


def _cache() -> Path:
    root = os.environ.get("WEIGHBRIDGE_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "weighbridge"
