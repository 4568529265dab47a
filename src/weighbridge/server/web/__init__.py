"""The pages of a hub: models and data sets, their cards, files, revisions, tensors and reports.

- *View*: what one page shows, as a frozen value (`views/`), built from what the hub's services return.
- *Page*: a function that asks the hub, builds the view and fills a template (`pages`).
- *Session*: a browser that signed in (`session`).

`install` puts all of it into an application, after every other route. Templates hold no logic, JavaScript is a few
dozen lines by hand, Plotly comes from its wheel: nothing is fetched from another host, and the policy that is sent
with every page forbids it. What strangers wrote is escaped, or cleaned by `markdown`. Knows no rule of the hub.
"""

from __future__ import annotations

from fastapi import FastAPI

from weighbridge.hub import Hub
from weighbridge.server.web.headers import SafeHeaders
from weighbridge.server.web.routes import router
from weighbridge.server.web.session import SessionDownloads

__all__ = ["install", "router"]


def install(app: FastAPI, hub: Hub) -> None:
    """Serve the pages, let browsers that signed in download, and guard every answer. Call it last."""
    app.include_router(router(hub))
    app.add_middleware(SessionDownloads)
    app.add_middleware(SafeHeaders)
