"""Lists of repositories, page by page."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from weighbridge.errors import HeldError, UnexaminedError, UsageError
from weighbridge.hub import Listing, Repo, RepoKind
from weighbridge.hub.repos import Sort
from weighbridge.server.addresses import own_url
from weighbridge.server.callers import TheCaller, TheHub
from weighbridge.server.hf.shapes import Json, listed, sibling

router = APIRouter()

PAGE = 100
# Siblings cost a walk of each tree, so pages that have them are shorter.
FULL_PAGE = 20
_SORTS: dict[str, Sort] = {
    "lastModified": "modified",
    "last_modified": "modified",
    "createdAt": "created",
    "created_at": "created",
    "downloads": "downloads",
    # No hub of one team knows likes or trends; what is most used comes nearest.
    "likes": "downloads",
    "trendingScore": "downloads",
    "trending_score": "downloads",
}


@router.get("/api/{kind:kind}")
def repos(
    request: Request,
    hub: TheHub,
    caller: TheCaller,
    wanted: Annotated[list[str] | None, Query(alias="filter")] = None,
    search: str = "",
    author: str = "",
    pipeline_tag: str = "",
    sort: str = "lastModified",
    limit: Annotated[int, Query(ge=1)] = PAGE,
    full: bool = False,
    cursor: str = "",
) -> JSONResponse:
    """The repositories of one kind that the caller may see. The header Link leads to the next page."""
    if sort not in _SORTS:
        raise UsageError(f"cannot sort by {sort[:80]!r}; sort by one of {', '.join(_SORTS)}")
    kind: RepoKind = request.path_params["kind"]
    tags = tuple(part for text in [*(wanted or ()), pipeline_tag] for part in text.split(",") if part)
    most = min(limit, FULL_PAGE if full else PAGE)
    page = hub.repos.list(caller, Listing(kind, search, author, tags, _SORTS[sort], most, cursor))

    def shape(repo: Repo) -> Json:
        if not full:
            return listed(repo)
        try:
            entries = hub.content.tree(caller, repo.id, recursive=True)
        except (HeldError, UnexaminedError):  # it is there, and nothing in it may be seen yet
            entries = ()
        return {**listed(repo), "siblings": [sibling(entry, blobs=False) for entry in entries if entry.kind == "file"]}

    return JSONResponse([shape(repo) for repo in page.repos], headers=_link(request, page.next))


def _link(request: Request, cursor: str) -> dict[str, str]:
    if not cursor:
        return {}
    kept = [(key, value) for key, value in request.query_params.multi_items() if key != "cursor"]
    return {"Link": f'<{own_url(request)}?{urlencode([*kept, ("cursor", cursor)])}>; rel="next"'}
