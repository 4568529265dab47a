"""Turns a view into a page. Everything a template prints is escaped, unless it is `Markup`."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from weighbridge.server.web import assets, links
from weighbridge.server.web.views.parts import Shell

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "private, no-cache",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def page(template: str, shell: Shell, view: Any, status: int = 200) -> HTMLResponse:
    """The page of `template` (``home.html``) for a view."""
    return HTMLResponse(render(template, shell, view), status, headers=HEADERS)


def render(template: str, shell: Shell, view: Any) -> str:
    return _environment().get_template(template).render(shell=shell, view=view)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("weighbridge.server.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"asset": assets.address, "links": links, "plotly_styles": assets.plotly_styles}
    return environment
