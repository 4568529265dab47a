"""The JSON that several calls share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from weighbridge.hub import Commit, Entry, Repo
from weighbridge.hub.git import lfs_pointer

Json = dict[str, Any]


def moment(at: datetime) -> str:
    """A time as clients parse it: ``2026-11-23T18:20:54.000Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def listed(repo: Repo) -> Json:
    """A repository as lists show it."""
    shape: Json = {
        "_id": f"{repo.id.kind}:{repo.id}",
        "id": str(repo.id),
        "author": repo.id.owner,
        "sha": repo.head,
        "private": repo.private,
        "gated": False,
        "disabled": False,
        "downloads": repo.downloads,
        "likes": 0,
        "tags": list(repo.tags),
        "createdAt": moment(repo.created),
        "lastModified": moment(repo.modified),
    }
    if repo.id.kind == "model":
        shape["modelId"] = str(repo.id)
        shape |= {"pipeline_tag": repo.pipeline_tag} if repo.pipeline_tag else {}
        shape |= {"library_name": repo.library_name} if repo.library_name else {}
    return shape


def sibling(entry: Entry, *, blobs: bool) -> Json:
    """A file as a repository's information lists it; with sizes and ids if `blobs`."""
    shape: Json = {"rfilename": entry.path}
    if blobs:
        shape |= {"size": entry.size, "blobId": entry.oid}
        if entry.lfs:
            shape["lfs"] = {"sha256": entry.sha256, "size": entry.size, "pointerSize": _pointer_size(entry)}
    return shape


def tree_entry(entry: Entry) -> Json:
    """A file or folder as trees list it. Without ``xetHash`` clients download by plain ranges, which stream as well."""
    shape: Json = {"type": entry.kind, "oid": entry.oid, "size": entry.size, "path": entry.path}
    if entry.lfs:
        shape["lfs"] = {"oid": entry.sha256, "size": entry.size, "pointerSize": _pointer_size(entry)}
    if entry.last_commit is not None:
        last = entry.last_commit
        shape["lastCommit"] = {"id": last.oid, "title": last.title, "date": moment(last.date)}
    return shape


def logged(commit: Commit) -> Json:
    """A commit as histories list it."""
    return {
        "id": commit.oid,
        "title": commit.title,
        "message": commit.message,
        "authors": [{"user": commit.author}],
        "date": moment(commit.date),
    }


def _pointer_size(entry: Entry) -> int:
    return len(lfs_pointer(entry.sha256, entry.size))
