"""All about one repository at one revision."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter

from weighbridge.documents.cards import LARGEST_HEADER, Card, parse_card
from weighbridge.hub import Commit, Entry, Hub, Repo
from weighbridge.report import Anatomy, Report
from weighbridge.server.addresses import API, TheRepo
from weighbridge.server.callers import TheCaller, TheHub
from weighbridge.server.hf.security import repo_status
from weighbridge.server.hf.shapes import Json, listed, moment, sibling

router = APIRouter()

LARGEST_CONFIG = 1024 * 1024
# What clients look for in a model's config.json.
_CONFIG_KEYS = ("architectures", "model_type", "auto_map", "quantization_config")


@router.get(API)
@router.get(API + "/revision/{revision:name}")
# An address without an owner, as in "gpt2": no such repository can be made here, so it is answered as not found.
@router.get("/api/{kind:kind}/{name:name}")
@router.get("/api/{kind:kind}/{name:name}/revision/{revision:name}")
def info(
    hub: TheHub,
    caller: TheCaller,
    repo: TheRepo,
    revision: str = "main",
    blobs: bool = False,
    securityStatus: bool = False,  # noqa: N803 (theirs)
) -> Json:
    found = hub.repos.get(caller, repo)
    commit = hub.content.resolve(caller, repo, revision)
    entries = [entry for entry in hub.content.tree(caller, repo, commit.oid, recursive=True) if entry.kind == "file"]
    shape = listed(found) | _at_revision(hub, found, commit, entries)
    shape["siblings"] = [sibling(entry, blobs=blobs) for entry in entries]
    shape["usedStorage"] = hub.repos.used_bytes(caller, repo)
    report = hub.reports.get(caller, repo, commit.oid)
    shape |= _weights(report)
    if securityStatus:
        shape["securityRepoStatus"] = repo_status(report, hub.gate.state(caller, repo, commit.oid))
    return shape


def _at_revision(hub: Hub, repo: Repo, commit: Commit, entries: Sequence[Entry]) -> Json:
    """What the revision's own files say; lists show what main says."""
    card = parse_card(_read(hub, entries, "README.md", LARGEST_HEADER + 16))
    shape: Json = {"sha": commit.oid, "lastModified": moment(commit.date), "cardData": card.data or None}
    if repo.head != commit.oid:
        shape |= {"tags": list(card.tags)} | _library(card)
    config = _config(hub, entries)
    return shape | ({"config": config} if config else {})


def _library(card: Card) -> Json:
    named = {"pipeline_tag": card.pipeline_tag, "library_name": card.library_name}
    return {key: value or None for key, value in named.items()}


def _config(hub: Hub, entries: Sequence[Entry]) -> Json:
    """The parts of config.json that say what kind of model this is."""
    try:
        config: Any = json.loads(_read(hub, entries, "config.json", LARGEST_CONFIG) or b"{}")
    except (ValueError, RecursionError):
        return {}
    return {key: config[key] for key in _CONFIG_KEYS if key in config} if isinstance(config, dict) else {}


def _read(hub: Hub, entries: Sequence[Entry], path: str, most: int) -> bytes:
    """The beginning of a file, b"" where there is none."""
    entry = next((entry for entry in entries if entry.path == path), None)
    if entry is None:
        return b""
    source = hub.content.open_file(entry)
    return source.read_at(0, min(source.size, most))


def _weights(report: Report | None) -> Json:
    """How many parameters of which type safetensors files hold, once the report on the revision is there."""
    anatomy = Anatomy.of(report) if report else None
    formats = {file.format for file in anatomy.files} - {""} if anatomy else set()
    if anatomy is None or formats != {"safetensors"}:
        return {}
    return {
        "safetensors": {
            "parameters": {group.name.upper(): group.parameters for group in anatomy.dtypes},
            "total": anatomy.parameters,
        }
    }
