"""The Xet protocol over HTTP: tokens on the hub's side, and the content-addressed storage that they lead to.

Translates HTTP to one call of `weighbridge.hub.xet` each, and holds no rules. Two routers:

- `tokens`: ``/api/{models|datasets|spaces}/{owner}/{name}/xet-{read|write}-token/{revision}``
- `storage`: everything below ``/api/xet/{realm}``, which a token names as ``casUrl``
"""

from weighbridge.server.xet.storage import storage_router
from weighbridge.server.xet.tokens import token_router

__all__ = ["storage_router", "token_router"]
