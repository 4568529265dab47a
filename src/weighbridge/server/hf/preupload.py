"""How a client should send each file: inside the commit, or on its own before it."""

from __future__ import annotations

import base64
import binascii
from fnmatch import fnmatchcase

from fastapi import APIRouter
from pydantic import BaseModel, Field

from weighbridge.errors import EntryNotFoundError, UsageError
from weighbridge.hub import Caller, Entry, Hub, RepoId
from weighbridge.hub.repos import LFS_EXTENSIONS
from weighbridge.server.addresses import API, TheRepo
from weighbridge.server.bodies import json_body
from weighbridge.server.callers import TheCaller, TheHub
from weighbridge.server.hf.shapes import Json

router = APIRouter()

MOST_FILES = 1000
# Text up to this size travels inside the commit; anything else is streamed on its own.
LARGEST_REGULAR = 5 * 1024 * 1024
LARGEST_BINARY = 100 * 1024
LARGEST_RULES = 256 * 1024
_LFS = frozenset(LFS_EXTENSIONS)


class _File(BaseModel):
    path: str = Field(max_length=4096)
    size: int = Field(ge=0)
    sample: str = Field("", max_length=4096)


class _Wanted(BaseModel):
    files: list[_File] = Field(max_length=MOST_FILES)
    ignore: str | None = Field(None, alias="gitIgnore", max_length=LARGEST_RULES)


@router.post(API + "/preupload/{revision:name}")
def preupload(
    hub: TheHub, caller: TheCaller, repo: TheRepo, revision: str, wanted: _Wanted = json_body(_Wanted)
) -> Json:
    """The mode of each file, whether .gitignore leaves it out, and the id of what is there now, if anything."""
    hub.repos.ensure_write(caller, repo)
    commit = hub.content.resolve(caller, repo, revision)
    here = {
        entry.path: entry for entry in hub.content.entries(caller, repo, commit.oid, [f.path for f in wanted.files])
    }
    rules = wanted.ignore if wanted.ignore is not None else _rules(hub, caller, repo, commit.oid)
    return {
        "commitOid": commit.oid,
        "files": [
            {
                "path": file.path,
                "uploadMode": "lfs" if is_large(file.path, file.size, _sample(file)) else "regular",
                "shouldIgnore": is_ignored(file.path, rules),
                **_known(here.get(file.path)),
            }
            for file in wanted.files
        ],
    }


def is_large(path: str, size: int, sample: bytes) -> bool:
    """Whether a file is kept as a large one: by its ending, its size, or because it is not text."""
    if size == 0:
        return False
    ending = path.rpartition("/")[2].rpartition(".")[2].lower()
    binary = b"\0" in sample
    return ending in _LFS or size > LARGEST_REGULAR or (binary and size > LARGEST_BINARY)


def is_ignored(path: str, rules: str) -> bool:
    """Whether .gitignore's rules leave a file out: the last rule that fits decides, as in git."""
    ignored = False
    for line in rules.splitlines()[:2000]:
        rule = line.strip()
        if rule and not rule.startswith("#"):
            wanted = rule.removeprefix("!")
            if _fits(path, wanted.removeprefix("\\")):
                ignored = not rule.startswith("!")
    return ignored


def _fits(path: str, rule: str) -> bool:
    """Whether a rule names the file or a folder that it lies in."""
    anchored = "/" in rule.rstrip("/")
    only_folders = rule.endswith("/")
    rule = rule.strip("/")
    segments = path.split("/")
    ends = range(1, len(segments) if only_folders else len(segments) + 1)
    if anchored:
        return any(fnmatchcase("/".join(segments[:end]), rule) for end in ends)
    return any(fnmatchcase(segments[end - 1], rule) for end in ends)


def _known(entry: Entry | None) -> Json:
    """The id by which the client sees that a file has not changed."""
    if entry is None or entry.kind != "file":
        return {}
    return {"oid": entry.sha256 if entry.lfs else entry.oid}


def _rules(hub: Hub, caller: Caller, repo: RepoId, oid: str) -> str:
    try:
        entry = hub.content.entry(caller, repo, oid, ".gitignore")
    except EntryNotFoundError:
        return ""
    if entry.kind != "file" or entry.size > LARGEST_RULES:
        return ""
    return hub.content.open_file(entry).read_at(0, entry.size).decode(errors="replace")


def _sample(file: _File) -> bytes:
    try:
        return base64.b64decode(file.sample, validate=True)
    except (ValueError, binascii.Error):
        raise UsageError(f"the sample of {file.path!r} is not base64") from None
