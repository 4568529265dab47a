"""The hub: one data folder, and the use cases on it.

    data/hub.sqlite     names, people, permissions, trees
    data/store/         content (weighbridge.store), unless data/store-location names another place for it
    data/staging/       uploads that are acknowledged and wait to be packed
    data/xet/           xorbs on their way into stored files (weighbridge.hub.xet)
    data/secret         signs short-lived upload addresses; readable by its owner only

Several processes may open one folder at once (`weigh hub token create` beside a running server).
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from weighbridge.errors import PathNotFoundError, UsageError, WeighbridgeError
from weighbridge.hub._revisions import Revisions
from weighbridge.hub.arrivals import Arrivals
from weighbridge.hub.collecting import HubCollected, HubCollector, HubGcOptions, claim
from weighbridge.hub.content import Content
from weighbridge.hub.downloads import Downloads
from weighbridge.hub.gate import Gate
from weighbridge.hub.objects import Objects
from weighbridge.hub.people import People
from weighbridge.hub.placing import NOTE, place_store, store_location
from weighbridge.hub.policies import Policies
from weighbridge.hub.refs import Refs
from weighbridge.hub.reports import Reports
from weighbridge.hub.repos import Repos
from weighbridge.hub.reproductions import Reproductions
from weighbridge.hub.rulings import Rulings
from weighbridge.hub.sql import Database
from weighbridge.hub.tickets import Tickets
from weighbridge.hub.uploads import Uploads
from weighbridge.hub.xet import Xet
from weighbridge.store import Stages, Store, no_stages

_DATABASE = "hub.sqlite"


class Hub:
    """Everything one can ask of a hub. Safe from several threads."""

    def __init__(self, data: Path, database: Database, store: Store, *, gated: bool = True) -> None:
        self.data = data
        self.store = store
        self.database = database
        self.objects = Objects(store, data / "staging")
        revisions = Revisions(self.objects)
        arrivals = Arrivals(database)
        self.people = People(database)
        self.repos = Repos(database, revisions, arrivals)
        self.gate = Gate(database, closed=gated)
        self.policies = Policies(database)
        self.refs = Refs(database, self.gate)
        self.downloads = Downloads(database)
        self.uploads = Uploads(database, self.objects, arrivals)
        rulings = Rulings(database, self.objects, self.policies)
        self.reports = Reports(database, self.objects, arrivals, data, self.gate, rulings)
        self.content = Content(database, self.objects, revisions, arrivals, self.gate, landed=self.reports.wake)
        self.reproductions = Reproductions(database, self.gate, self.policies)
        self.tickets = Tickets(data / "secret")
        self.xet = Xet(data / "xet", database, self.objects, self.tickets, arrivals, store.id)

    @classmethod
    def open(
        cls, data: str | os.PathLike[str], *, create: bool = False, store: str | None = None, gated: bool = True
    ) -> Hub:
        """The hub in this folder, made there if `create`. Raises `PathNotFoundError` or `UsageError` where none is.

        Others get a revision when it was examined and the policies let it pass; at once unless `gated`.

        `store` is where a new hub keeps its content, if not in its folder; for one that exists it must say the same.
        """
        folder = Path(data)
        if create:
            _make(folder)
        if not (folder / _DATABASE).exists() and not create:
            hint = "Make one: weigh serve --data DIR"
            raise PathNotFoundError("there is no hub here", where=str(folder), hint=hint)
        if store is not None:
            place_store(folder, store)
        opened = Store.open(store_location(folder), create=create)
        return cls(folder, Database.in_file(folder / _DATABASE), opened, gated=gated)

    def collect(self, options: HubGcOptions | None = None, *, stages: Stages = no_stages) -> HubCollected:
        """Delete what no revision needs any more, while others may use the hub. See `HubGcOptions`."""
        return HubCollector(self.database, self.store, options or HubGcOptions(), stages, str(self.data)).run()

    def start(self) -> None:
        """Begin the work that goes on beside requests: packing what is staged, checking new revisions."""
        claim(self.database, self.store, str(self.data))
        self.objects.start()
        self.reports.start()
        self.xet.sweep()

    def close(self) -> None:
        self.reports.close()
        self.downloads.write()
        self.objects.close()
        self.store.close()
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except (FileExistsError, NotADirectoryError):
        raise UsageError("is a file, so no hub can live there", where=str(folder)) from None
    except OSError as error:
        raise WeighbridgeError(f"the folder cannot be made: {error.strerror}", where=str(folder)) from error
    ours = ("hub.lock", "serve.lock", "store", NOTE, "staging", "xet", "secret")
    if not (folder / _DATABASE).exists() and any(path.name not in ours for path in folder.iterdir()):
        raise UsageError("holds other files, so no hub is made there", where=str(folder), hint="Name an empty folder.")
