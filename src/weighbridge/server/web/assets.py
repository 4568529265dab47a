"""The files that pages load: our own styles and scripts, those of the figures, and Plotly's script out of its wheel.

Each is served under a name that holds a digest of its content (Plotly's: its version), so that a browser may keep it
for ever and still never shows an old one.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from weighbridge import figures
from weighbridge.server.web import links

PLOTLY: Final = "plotly.js"
_KINDS: Final = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_STYLE_GUARD: Final = re.compile(rb'getElementById\("([0-9a-f]{32,})"\)')
_FOR_EVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its public file name, its bytes, its media type, and its bytes gzipped where that is worth it."""

    public: str
    content: bytes
    media_type: str
    gzipped: bytes = b""

    @property
    def etag(self) -> str:
        return f'"{self.public}"'


def address(name: str) -> str:
    """Where the asset of this name (``page.js``, or `PLOTLY`) is served. Raises KeyError for a name we do not have."""
    return f"{links.STATIC}/{_plotly_name() if name == PLOTLY else _small()[name].public}"


@cache
def plotly_styles() -> tuple[str, ...]:
    """Ids of the style elements that Plotly's script adds for its maps unless they are there.

    Our policy forbids inline styles, and we draw no maps: a page that has elements of these names is left alone.
    """
    return tuple(sorted({found.decode() for found in _STYLE_GUARD.findall(_plotly().content)}))


def router() -> APIRouter:
    """Serves every asset; with an ETag, for a client that asks again all the same."""
    routes = APIRouter(include_in_schema=False)

    @routes.api_route(f"{links.STATIC}/{{public}}", methods=["GET", "HEAD"])
    def asset(public: str, request: Request) -> Response:
        found = _plotly() if public == _plotly_name() else _by_public().get(public)
        if found is None:
            return Response("There is no such file.\n", 404, media_type="text/plain")
        return _answer(found, request)

    return routes


def _answer(asset: Asset, request: Request) -> Response:
    headers = {"ETag": asset.etag, "Cache-Control": _FOR_EVER, "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == asset.etag:
        return Response(status_code=304, headers=headers)
    if asset.gzipped and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.gzipped, media_type=asset.media_type, headers=headers | {"Content-Encoding": "gzip"})
    return Response(asset.content, media_type=asset.media_type, headers=headers)


@cache
def _small() -> dict[str, Asset]:
    """Everything but Plotly's script, by its plain name."""
    folder = files("weighbridge.server.web") / "static"
    own = [_asset(item.name, item.read_bytes()) for item in folder.iterdir() if item.is_file()]
    drawn = [
        _asset("figures.css", figures.stylesheet().encode()),
        _asset("figures.js", figures.script().encode()),
    ]
    return {f"{asset.public.split('.')[0]}.{asset.public.rpartition('.')[2]}": asset for asset in own + drawn}


@cache
def _by_public() -> dict[str, Asset]:
    return {asset.public: asset for asset in _small().values()}


def _asset(name: str, content: bytes) -> Asset:
    stem, _, kind = name.rpartition(".")
    return Asset(f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{kind}", content, _KINDS[kind])


@cache
def _plotly_name() -> str:
    return f"plotly-{version('plotly')}.min.js"


@cache
def _plotly() -> Asset:
    """Plotly's script: 4 to 5 MB, 1.4 MB gzipped; read and packed when the first figure is looked at."""
    content = figures.plotly_path().read_bytes()
    return Asset(_plotly_name(), content, _KINDS["js"], gzip.compress(content, 6, mtime=0))
