"""What pages want to know of a revision beyond what the hub lists: its weight, its card, its tensors, their values.

A revision never changes, so what was found out once is remembered. The hub is asked first on every request whether the
caller may see the revision; only a commit that it gave out is looked up here.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from weighbridge import checkpoint, checks
from weighbridge.checkpoint import Checkpoint
from weighbridge.documents.cards import LARGEST_HEADER
from weighbridge.errors import StoreError, WeighbridgeError
from weighbridge.hub import Hub
from weighbridge.hub.model import Caller, Commit, Entry, RepoId
from weighbridge.hub.reports import ReportState, ReportStatus
from weighbridge.report import Anatomy, Report, Statistics, TensorFacts, TensorStatistics
from weighbridge.server.web import cards
from weighbridge.server.web.held import Held
from weighbridge.server.web.kinds import is_weights
from weighbridge.server.web.remember import Remembered
from weighbridge.server.web.units import size
from weighbridge.store import StoredFile, StoreStat
from weighbridge.tensors import ByteSource

LARGEST_CARD: Final = LARGEST_HEADER + 1_000_000
LARGEST_MEASURED: Final = 256_000_000
"""Bytes of a tensor that a page measures by itself; larger ones wait for the report."""

_MOST_SNIFFED: Final = 300
_MOST_FILES: Final = 5000
_MOST_WEIGHED: Final = 500


@dataclass(frozen=True, slots=True)
class Weight:
    """What a revision weighs. `stored` is what its files take in the store, shared blocks included; None where some
    are not packed yet."""

    files: int
    nbytes: int
    stored: int | None = None


@dataclass(frozen=True, slots=True)
class Examined:
    """The report on a revision, as far as it is there, and its facts with types."""

    state: ReportState
    report: Report | None = None
    anatomy: Anatomy | None = None
    statistics: Mapping[str, TensorStatistics] | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """What the files of a revision hold. `broken` are those that should hold weights and cannot be read, and why.

    `damaged` tells whether the store could not give some of them: a store can be mended, a broken file stays broken.
    """

    anatomy: Anatomy | None
    broken: tuple[tuple[str, str], ...] = ()
    damaged: bool = False


class Facts:
    """Facts of the revisions of one hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._weights: Remembered[Weight] = Remembered(2000)
        self._cards: Remembered[cards.Page] = Remembered(500)
        self._examined: Remembered[Examined] = Remembered(24)
        self._contents: Remembered[Contents] = Remembered(24)
        self._values: Remembered[TensorStatistics | str] = Remembered(1000)
        self._held = Held(hub.store.stat)
        # Decoding is the heaviest thing that a page does: two at once leave the other requests their turn.
        self._decoding = threading.Semaphore(2)

    def held(self) -> StoreStat | None:
        """What the whole store holds, as it was some minutes ago; None before that is known."""
        return self._held.get()

    def weight(self, caller: Caller, repo: RepoId, commit: Commit) -> Weight:
        """How many files a revision has, of how many bytes, and what they take in the store."""
        return self._weights.get(
            (repo, commit.oid),
            lambda: self._weigh(caller, repo, commit),
            keep=lambda found: found.stored is not None or found.files > _MOST_WEIGHED,
        )

    def card(self, caller: Caller, repo: RepoId, commit: Commit) -> cards.Page:
        """README.md of a revision; an empty one where there is none, and one that says so where it is damaged.

        Every page of a repository shows something of its card: a damaged one must not hide the others.
        """
        try:
            return self._cards.get((repo, commit.oid), lambda: self._card(caller, repo, commit))
        except StoreError as error:
            return cards.Page(problem=f"README.md cannot be read: {error}")

    def examined(self, caller: Caller, repo: RepoId, commit: Commit) -> Examined:
        """How far the report is, and the report once it is there."""
        state = self._hub.reports.state(caller, repo, commit.oid)
        if state.status is not ReportStatus.READY:
            return Examined(state)
        return self._examined.get((repo, commit.oid), lambda: self._read_report(caller, repo, commit, state))

    def contents(self, caller: Caller, repo: RepoId, commit: Commit) -> Contents:
        """The tensors of a revision: from its report, or from the headers of its files while there is none."""
        anatomy = self.examined(caller, repo, commit).anatomy
        if anatomy is not None and anatomy.listed:
            return Contents(anatomy)
        return self._contents.get(
            (repo, commit.oid), lambda: self._look_inside(caller, repo, commit), keep=lambda found: not found.damaged
        )

    def values(self, caller: Caller, repo: RepoId, commit: Commit, tensor: TensorFacts) -> TensorStatistics | str:
        """A tensor's values in numbers: from the report, or measured now. Text says why there are none."""
        known = self.examined(caller, repo, commit).statistics
        if known is not None and tensor.name in known:
            return known[tensor.name]
        if tensor.nbytes > LARGEST_MEASURED:
            return (
                f"This tensor takes {size(tensor.nbytes)}. A page measures tensors of up to {size(LARGEST_MEASURED)}; "
                "the report on this revision will have its figures when the checks have finished."
            )
        return self._values.get((repo, commit.oid, tensor.name), lambda: self._measure(caller, repo, commit, tensor))

    def _weigh(self, caller: Caller, repo: RepoId, commit: Commit) -> Weight:
        files = self._files(caller, repo, commit)
        return Weight(len(files), sum(entry.size for entry in files), self._stored(files))

    def _stored(self, files: list[Entry]) -> int | None:
        distinct = {entry.sha256: entry for entry in files}
        if len(distinct) > _MOST_WEIGHED:
            return None
        total = 0
        for entry in distinct.values():
            try:
                source = self._hub.content.open_file(entry)
            except StoreError:  # the file's own page tells what is wrong with it
                return None
            if not isinstance(source, StoredFile):
                return None
            total += source.stored_bytes
        return total

    def _files(self, caller: Caller, repo: RepoId, commit: Commit) -> list[Entry]:
        entries = self._hub.content.tree(caller, repo, commit.oid, recursive=True)
        return [entry for entry in entries if entry.kind == "file"]

    def _card(self, caller: Caller, repo: RepoId, commit: Commit) -> cards.Page:
        for entry in self._hub.content.entries(caller, repo, commit.oid, ["README.md"]):
            if entry.kind == "file":
                source = self._hub.content.open_file(entry)
                return cards.read(source.read_at(0, min(source.size, LARGEST_CARD)))
        return cards.Page()

    def _read_report(self, caller: Caller, repo: RepoId, commit: Commit, state: ReportState) -> Examined:
        report = self._hub.reports.get(caller, repo, commit.oid)
        if report is None:
            return Examined(state)
        statistics = Statistics.of(report)
        by_name = {each.name: each for each in statistics.tensors} if statistics else None
        return Examined(state, report, Anatomy.of(report), by_name)

    def _look_inside(self, caller: Caller, repo: RepoId, commit: Commit) -> Contents:
        sources, damaged = self._sources(caller, repo, commit)
        try:
            with self._decoding, _opened(repo, sources) as found:
                broken = {name: str(error) for name, error in found.broken.items()} | damaged
                anatomy = Anatomy.of(checks.run(found, only=("anatomy",)))
        except WeighbridgeError as error:
            return Contents(None, ((str(repo), str(error)),), isinstance(error, StoreError))
        return Contents(anatomy, tuple(broken.items()), bool(damaged))

    def _sources(self, caller: Caller, repo: RepoId, commit: Commit) -> tuple[dict[str, ByteSource], dict[str, str]]:
        """The files that may hold weights, and those that the store cannot give, with the reason."""
        files = self._files(caller, repo, commit)
        if len(files) > _MOST_SNIFFED:  # a data set: only names that promise weights are looked into
            files = [entry for entry in files if is_weights(entry.path) or entry.path.endswith(".json")]
        sources: dict[str, ByteSource] = {}
        damaged: dict[str, str] = {}
        for entry in files[:_MOST_FILES]:
            try:
                sources[entry.path] = self._hub.content.open_file(entry)
            except StoreError as error:
                damaged[entry.path] = str(error)
        return sources, damaged

    def _measure(self, caller: Caller, repo: RepoId, commit: Commit, tensor: TensorFacts) -> TensorStatistics | str:
        try:
            sources, _ = self._sources(caller, repo, commit)
            with self._decoding, _opened(repo, sources) as found:
                report = checks.run(found, only=("statistics",), match=_exactly(tensor.name))
        except WeighbridgeError as error:
            return f"Its values cannot be read: {error}"
        measured = Statistics.of(report)
        if measured and measured.tensors:
            return measured.tensors[0]
        reason = measured.unread[0].reason if measured and measured.unread else report.results[0].reason
        return f"Its values cannot be read: {reason}"


def _opened(repo: RepoId, sources: Mapping[str, ByteSource]) -> Checkpoint:
    return checkpoint.open(sources, allow_unsafe=True, allow_empty=True, name=str(repo))


def _exactly(name: str) -> str:
    """A pattern that matches this name alone."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
