"""Which address shows which page. ``{revision:name}`` and ``{path:names}`` are `weighbridge.server.addresses`'s."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from weighbridge.errors import UnauthenticatedError
from weighbridge.hub import Hub
from weighbridge.hub.model import RepoId, RepoKind
from weighbridge.server import addresses  # noqa: F401 (its convertors read names with encoded slashes)
from weighbridge.server.web import assets, failures, links, session
from weighbridge.server.web.facts import Facts
from weighbridge.server.web.pages import PAGES, Place, Visit, show_account, show_card, show_list
from weighbridge.server.web.templating import page
from weighbridge.server.web.views.sign_in import SignInView

_READ: Final = ["GET", "HEAD"]
_NOT_KNOWN: Final = "This hub does not know that token. It may have been mistyped, or revoked."


def router(hub: Hub) -> APIRouter:
    """All pages. To be included last: ``/{owner}/{name}`` is what any two segments look like."""
    pages = APIRouter(include_in_schema=False, route_class=failures.PageRoute)
    pages.include_router(assets.router())
    visitor = _visitor(hub)
    _add_session(pages, hub)
    for kind, prefix in links.PREFIX.items():
        _add_lists(pages, visitor, kind)
        _add_repository(pages, visitor, kind, prefix)
    pages.add_api_route("/{owner}", _account(visitor), methods=_READ)
    pages.add_api_route("/{rest:path}", _nowhere, methods=_READ)
    return pages


def _visitor(hub: Hub) -> Callable[[Request], Visit]:
    facts = Facts(hub)
    return lambda request: Visit(hub, facts, request)


def _add_lists(pages: APIRouter, visitor: Callable[[Request], Visit], kind: RepoKind) -> None:
    def show(request: Request) -> Response:
        return show_list(visitor(request), kind)

    pages.add_api_route(links.LISTS[kind], show, methods=_READ)


def _add_repository(pages: APIRouter, visitor: Callable[[Request], Visit], kind: RepoKind, prefix: str) -> None:
    home = f"{prefix}/{{owner}}/{{name}}"

    def show_home(request: Request, owner: str, name: str) -> Response:
        return show_card(visitor(request), Place(RepoId(kind, owner, name)))

    pages.add_api_route(home, show_home, methods=_READ)
    for word, show in PAGES.items():
        inside = _inside(visitor, kind, show)
        pages.add_api_route(f"{home}/{word}/{{revision:name}}", inside, methods=_READ)
        pages.add_api_route(f"{home}/{word}/{{revision:name}}/{{path:names}}", inside, methods=_READ)


def _inside(
    visitor: Callable[[Request], Visit], kind: RepoKind, show: Callable[[Visit, Place], Response]
) -> Callable[..., Response]:
    def answer(request: Request, owner: str, name: str, revision: str, path: str = "") -> Response:
        return show(visitor(request), Place(RepoId(kind, owner, name), revision, path.rstrip("/")))

    return answer


def _account(visitor: Callable[[Request], Visit]) -> Callable[..., Response]:
    def show(request: Request, owner: str) -> Response:
        return show_account(visitor(request), owner)

    return show


def _nowhere(request: Request) -> Response:
    return failures.not_found(request)


def _add_session(pages: APIRouter, hub: Hub) -> None:
    def show(request: Request) -> Response:
        visit = Visit(hub, Facts(hub), request)
        return page("sign_in.html", visit.shell(), SignInView(links.local(visit.asked("next"))))

    async def sign_in(request: Request) -> Response:
        _ensure_from_here(request)
        fields = await session.form(request)
        token, after = fields.get("token", "").strip(), links.local(fields.get("next", ""))
        try:
            await run_in_threadpool(hub.people.authenticate, token)
        except UnauthenticatedError:
            visit = Visit(hub, Facts(hub), request)
            return page("sign_in.html", visit.shell(), SignInView(after, _NOT_KNOWN), 401)
        response = RedirectResponse(after, 303)
        session.begin(response, token, secure=request.url.scheme == "https")
        return response

    def sign_out(request: Request) -> Response:
        _ensure_from_here(request)
        response = RedirectResponse(links.HOME, 303)
        session.end(response)
        return response

    pages.add_api_route(links.SIGN_IN, show, methods=_READ)
    pages.add_api_route(links.SIGN_IN, sign_in, methods=["POST"])
    pages.add_api_route(links.SIGN_OUT, sign_out, methods=["POST"])


def _ensure_from_here(request: Request) -> None:
    if not session.comes_from_here(request):
        raise HTTPException(403, "This form was not sent by a page of this hub.")
