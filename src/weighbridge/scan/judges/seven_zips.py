"""7z archives: every member goes back to the judges; names and links that lead elsewhere are told."""

from __future__ import annotations

from collections.abc import Iterator

from weighbridge.errors import LimitError, TruncatedError, WeighbridgeError
from weighbridge.scan import seven_zip
from weighbridge.scan.item import Inside, Item
from weighbridge.scan.judges._unpacking import RULES, link_found, name_found
from weighbridge.scan.limits import MAX_INFLATED
from weighbridge.scan.model import Found


class SevenZipJudge:
    """See the module."""

    name = "7z"
    rules = RULES

    def recognises(self, item: Item) -> bool:
        return item.head.startswith(seven_zip.MAGIC)

    def judge(self, item: Item) -> Iterator[Found | Inside]:
        archive = seven_zip.read(item.source)
        for each in archive.files:
            yield from name_found(each.name)
        if sum(folder.size for folder in archive.folders) > MAX_INFLATED:
            raise LimitError(f"inflates to more than the {MAX_INFLATED:,} bytes that we read", where=item.source.name)
        cut: WeighbridgeError | None = None
        for each, source in seven_zip.parts(archive):
            if source is None:
                continue
            if each.is_link:
                target = source.read_at(0, min(source.size, 4096)).decode("utf-8", "backslashreplace")
                yield from link_found(each.name, target)
            if source.size < each.size:
                cut = TruncatedError(f"{each.name[:120]!r} has {source.size:,} of its {each.size:,} bytes")
            yield item.inside(each.name, source)
        if cut is not None:
            raise cut


SEVEN_ZIPS = SevenZipJudge()
