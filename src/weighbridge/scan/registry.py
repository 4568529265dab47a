"""Every judge and every rule: two explicit tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from weighbridge.scan.item import Inside, Item
from weighbridge.scan.judges.arrays import ARRAYS
from weighbridge.scan.judges.code import CODE
from weighbridge.scan.judges.configs import CONFIGS
from weighbridge.scan.judges.keras import KERAS
from weighbridge.scan.judges.notebooks import NOTEBOOKS
from weighbridge.scan.judges.onnx import ONNX
from weighbridge.scan.judges.pages import PAGES
from weighbridge.scan.judges.pickles import PICKLES
from weighbridge.scan.judges.secrets import SECRETS
from weighbridge.scan.judges.seven_zips import SEVEN_ZIPS
from weighbridge.scan.judges.streams import STREAMS
from weighbridge.scan.judges.tars import TARS
from weighbridge.scan.judges.templates import TEMPLATES
from weighbridge.scan.judges.tensorflow import TENSORFLOW
from weighbridge.scan.judges.yamls import YAMLS
from weighbridge.scan.judges.zips import ZIPS
from weighbridge.scan.model import Found, Rule


class Judge(Protocol):
    """See the package's docstring. Stateless."""

    @property
    def name(self) -> str: ...
    @property
    def rules(self) -> tuple[type[Rule], ...]: ...

    def recognises(self, item: Item) -> bool:
        """Whether these bytes are for this judge. Cheap; a `WeighbridgeError` counts as yes."""
        ...

    def judge(self, item: Item) -> Iterator[Found | Inside]:
        """What it finds, and what lies inside. Raises `WeighbridgeError` where it cannot tell."""
        ...


JUDGES: tuple[Judge, ...] = (
    PICKLES,
    ARRAYS,
    ZIPS,
    TARS,
    SEVEN_ZIPS,
    STREAMS,
    CODE,
    CONFIGS,
    YAMLS,
    TEMPLATES,
    KERAS,
    ONNX,
    TENSORFLOW,
    PAGES,
    NOTEBOOKS,
    SECRETS,
)

RULES: dict[str, type[Rule]] = {rule.id: rule for judge in JUDGES for rule in judge.rules}
