"""Folders and single paths."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from weighbridge.errors import UsageError
from weighbridge.hub import Caller, Entry, Hub, RepoId
from weighbridge.hub.gate import GateState
from weighbridge.report import Report
from weighbridge.server.addresses import API, TheRepo, own_url
from weighbridge.server.bodies import form_fields
from weighbridge.server.callers import TheCaller, TheHub
from weighbridge.server.hf.security import file_status
from weighbridge.server.hf.shapes import Json, tree_entry

router = APIRouter()

PAGE = 1000
# The commit that last changed an entry is found by walking the history, so pages that ask for it are shorter.
EXPANDED_PAGE = 100
MOST_PATHS = 2000


@router.get(API + "/tree/{revision:name}")
@router.get(API + "/tree/{revision:name}/{path:names}")
@router.get("/api/{kind:kind}/{name:name}/tree/{revision:name}")
def tree(
    request: Request,
    hub: TheHub,
    caller: TheCaller,
    repo: TheRepo,
    revision: str,
    path: str = "",
    recursive: bool = False,
    expand: bool = False,
    limit: Annotated[int, Query(ge=1)] = PAGE,
    cursor: str = "",
) -> JSONResponse:
    """What lies in a folder. A cursor names the commit too: the next page is of the same revision as the first."""
    oid, start = _parse(cursor) if cursor else (hub.content.resolve(caller, repo, revision).oid, 0)
    entries = hub.content.tree(caller, repo, oid, path, recursive=recursive)
    stop = start + min(limit, EXPANDED_PAGE if expand else PAGE)
    shown = _shapes(hub, caller, repo, oid, entries[start:stop], expand)
    headers = {"X-Repo-Commit": oid}
    if stop < len(entries):
        kept = [(key, value) for key, value in request.query_params.multi_items() if key != "cursor"]
        query = urlencode([*kept, ("cursor", _cursor(oid, stop))])
        headers["Link"] = f'<{own_url(request)}?{query}>; rel="next"'
    return JSONResponse(shown, headers=headers)


@router.post(API + "/paths-info/{revision:name}")
def paths_info(
    hub: TheHub,
    caller: TheCaller,
    repo: TheRepo,
    revision: str,
    fields: Annotated[dict[str, list[str]], Depends(form_fields)],
) -> list[Json]:
    """The entries at these paths; those that are not there are left out."""
    paths = fields.get("paths", [])
    if len(paths) > MOST_PATHS:
        raise UsageError(f"at most {MOST_PATHS:,} paths can be asked for at once, not {len(paths):,}")
    commit = hub.content.resolve(caller, repo, revision)
    entries = [entry for entry in hub.content.entries(caller, repo, commit.oid, paths) if entry.path]
    expand = fields.get("expand", ["false"])[-1].lower() in ("true", "1")
    return _shapes(hub, caller, repo, commit.oid, entries, expand)


def _shapes(hub: Hub, caller: Caller, repo: RepoId, oid: str, entries: Sequence[Entry], expand: bool) -> list[Json]:
    if expand:
        entries = hub.content.with_last_commits(caller, repo, oid, entries)
        report, state = hub.reports.get(caller, repo, oid), hub.gate.state(caller, repo, oid)
        return [tree_entry(entry) | _security(report, state, entry) for entry in entries]
    return [tree_entry(entry) for entry in entries]


def _security(report: Report | None, state: GateState, entry: Entry) -> Json:
    return {"securityFileStatus": file_status(report, state, entry.path)} if entry.kind == "file" else {}


def _cursor(oid: str, start: int) -> str:
    return base64.urlsafe_b64encode(f"{oid}:{start}".encode()).decode()


def _parse(cursor: str) -> tuple[str, int]:
    try:
        oid, _, start = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
        return oid, max(0, int(start))
    except (ValueError, binascii.Error):
        raise UsageError(f"{cursor[:80]!r} is no cursor of this list") from None
