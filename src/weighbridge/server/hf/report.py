"""The report on a revision. Our own addition: no client of the Hugging Face Hub asks for it."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from weighbridge.hub import ReportStatus
from weighbridge.server.addresses import API, TheRepo
from weighbridge.server.callers import TheCaller, TheHub

router = APIRouter()


@router.get(API + "/report")
@router.get(API + "/report/{revision:name}")
def report(hub: TheHub, caller: TheCaller, repo: TheRepo, revision: str = "main") -> Response:
    """200 with the report (spec/report.schema.json); 202 with {status} while it is made; 404 where there is none."""
    state = hub.reports.state(caller, repo, revision)
    headers = {"X-Repo-Commit": state.commit, "X-Report-Status": state.status.value}
    text = hub.reports.json(caller, repo, state.commit)
    if text is not None:
        return Response(text, media_type="application/json", headers=headers)
    waiting = state.status in (ReportStatus.PENDING, ReportStatus.RUNNING)
    body = {"status": state.status.value, "commit": state.commit, "reason": state.reason}
    return JSONResponse(body, 202 if waiting else 404, headers)
