"""Push and pull: a folder to a revision, and a revision to a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.client.remote import Remote
from weighbridge.errors import CorruptError, InputError, PathNotFoundError, UsageError
from weighbridge.tensors import safe_relative_name

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoFile

_PIECE = 1 << 20
# Kinds of repositories, and what the addresses of their pages begin with.
_KINDS = {"model": "", "dataset": "datasets/", "space": "spaces/"}
# What tools leave in a folder and nobody means to publish; hidden caches may hold tokens.
_NEVER_PUBLISHED = frozenset({".git", ".cache", "__pycache__", ".DS_Store"})
# What a training run needs to go on, and its event files: in the folder of a run they are larger than the model.
_RUN, _OF_RUNS = "recipe.lock.json", ("checkpoints", "runs")


@dataclass(frozen=True, slots=True)
class Pushed:
    """A new revision. `revision` is its commit id."""

    repo: str
    revision: str
    url: str
    files: int
    nbytes: int


@dataclass(frozen=True, slots=True)
class Pulled:
    """A revision on disk, every file as the hub's digests say."""

    repo: str
    revision: str
    folder: Path
    files: int
    nbytes: int


def push(
    path: str | Path,
    repo: str,
    remote: Remote,
    *,
    kind: str = "model",
    private: bool | None = None,
    branch: str | None = None,
    message: str | None = None,
    whole_run: bool = False,
) -> Pushed:
    """Publish a file or a folder as one commit on `branch`, creating repository and branch where there are none.

    Of the folder of a training run, `checkpoints/` and `runs/` stay out unless `whole_run` is set.

    Raises `PathNotFoundError`, `UsageError` for an empty folder, and the hub's refusals as our errors.
    """
    _ensure_kind(kind)
    path = Path(path)
    if not path.exists():
        raise PathNotFoundError("there is no such file or folder", where=str(path))
    left_out = () if whole_run or not (path / _RUN).is_file() else _OF_RUNS
    files = [path] if path.is_file() else _publishable(path, left_out)
    if not files:
        raise UsageError("the folder holds no file to publish", where=str(path))
    with remote.telling(repo):
        api = remote.api()
        api.create_repo(repo, repo_type=kind, private=private, exist_ok=True)
        if branch is not None:
            api.create_branch(repo, repo_type=kind, branch=branch, exist_ok=True)
        told = message or f"Upload {path.resolve().name} with weigh"
        if path.is_file():
            commit = api.upload_file(
                path_or_fileobj=path,
                path_in_repo=path.name,
                repo_id=repo,
                repo_type=kind,
                revision=branch,
                commit_message=told,
            )
        else:
            commit = api.upload_folder(
                folder_path=path,
                repo_id=repo,
                repo_type=kind,
                revision=branch,
                commit_message=told,
                ignore_patterns=[
                    *(pattern for name in _NEVER_PUBLISHED for pattern in _anywhere(name)),
                    *(f"{name}/*" for name in left_out),
                ],
            )
    url = f"{remote.url.rstrip('/')}/{_KINDS[kind]}{repo}"
    return Pushed(repo, commit.oid, url, len(files), sum(file.stat().st_size for file in files))


def _ensure_kind(kind: str) -> None:
    if kind not in _KINDS:
        raise UsageError(f"a repository is a model, a dataset or a space, not {kind!r}")


def _publishable(folder: Path, left_out: tuple[str, ...]) -> list[Path]:
    """`left_out` are names of folders right under `folder`."""
    files = (file.relative_to(folder) for file in sorted(folder.rglob("*")) if file.is_file())
    kept = (file for file in files if len(file.parts) == 1 or file.parts[0] not in left_out)
    return [folder / file for file in kept if _NEVER_PUBLISHED.isdisjoint(file.parts)]


def _anywhere(name: str) -> list[str]:
    """Patterns that match a file or folder of this name at any depth, and all below it."""
    return [name, f"{name}/*", f"*/{name}", f"*/{name}/*"]


def pull(
    repo: str,
    remote: Remote,
    *,
    out: str | Path,
    kind: str = "model",
    revision: str | None = None,
    only: Sequence[str] = (),
    on_file: Callable[[str], None] | None = None,
) -> Pulled:
    """Download a revision into the folder `out` and compare every file with the digest that the hub states.

    `only` are patterns of names as shells have them: of other files nothing is fetched. A second pull into the same
    folder fetches only what changed. `on_file` hears each name once it is verified. Raises
    `UnsafePathError` before anything is written if the hub names a file that would leave the folder, and
    `CorruptError`, after removing it, for a file that arrived other than stated.
    """
    _ensure_kind(kind)
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise InputError("expected a folder to download into, found a file", where=str(out))
    with remote.telling(repo):
        api = remote.api()
        commit = api.repo_info(repo, repo_type=kind, revision=revision).sha or ""
        files = _listing(remote, repo, kind, commit)
        if only:
            files = [file for file in files if any(fnmatchcase(file.path, pattern) for pattern in only)]
        api.snapshot_download(repo, repo_type=kind, revision=commit, local_dir=out, allow_patterns=list(only) or None)
    for file in files:
        _verify(out / file.path, file)
        if on_file:
            on_file(file.path)
    return Pulled(repo, commit, out, len(files), sum(file.size for file in files))


def _listing(remote: Remote, repo: str, kind: str, commit: str) -> list[RepoFile]:
    from huggingface_hub.hf_api import RepoFile

    entries = remote.api().list_repo_tree(repo, repo_type=kind, revision=commit, recursive=True)
    files = [entry for entry in entries if isinstance(entry, RepoFile)]
    for file in files:
        safe_relative_name(file.path, where=repo)
    return files


def _verify(path: Path, stated: RepoFile) -> None:
    expected = stated.lfs.sha256 if stated.lfs else stated.blob_id
    found = _sha256(path) if stated.lfs else _git_blob_id(path)
    if found != expected:
        path.unlink()
        hint = "Pull again. If it happens twice, the hub or something between is altering files."
        raise CorruptError(f"arrived as {found}, the hub stated {expected}; removed", where=str(path), hint=hint)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _git_blob_id(path: Path) -> str:
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
