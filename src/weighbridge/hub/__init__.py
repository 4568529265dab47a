"""Repositories of weights, their history, and who may do what with them.

- `Account`: a user or an organisation. `Caller`: who is asking, with which role; anonymous is a caller too.
- `RepoId`, `Repo`: a model, dataset or space, owned by an account, public or private.
- `Commit`, `Ref`, `Entry`: revisions, the branches and tags that name them, and the files at one.
- `Hub`: the use cases on all of these. Every rule of permission and naming lives here, none in the server.

SQL (sql/) holds names, people, permissions and trees of file names; the store holds every byte. Objects are written
first, then manifests, then the ref, in one transaction, so a killed process leaves nothing half-visible. May import
everything below; knows no HTTP.
"""

from weighbridge.hub.collecting import HubCollected, HubGcOptions
from weighbridge.hub.hub import Hub
from weighbridge.hub.model import (
    ANONYMOUS,
    Account,
    AddFile,
    AddStored,
    Caller,
    Commit,
    DeleteFile,
    DeleteFolder,
    Entry,
    Operation,
    Ref,
    Repo,
    RepoId,
    RepoKind,
    Role,
)
from weighbridge.hub.objects import HeldFile
from weighbridge.hub.reports import ReportState, ReportStatus
from weighbridge.hub.repos import Listing, Page
from weighbridge.hub.uploads import Held

__all__ = [
    "ANONYMOUS",
    "Account",
    "AddFile",
    "AddStored",
    "Caller",
    "Commit",
    "DeleteFile",
    "DeleteFolder",
    "Entry",
    "Held",
    "HeldFile",
    "Hub",
    "HubCollected",
    "HubGcOptions",
    "Listing",
    "Operation",
    "Page",
    "Ref",
    "Repo",
    "RepoId",
    "RepoKind",
    "ReportState",
    "ReportStatus",
    "Role",
]
