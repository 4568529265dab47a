"""TensorBoard's event files beside the record, where TensorBoard is installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

FOLDER = "runs"


class Board:
    """Writes scalars, named as TensorBoard's users know them; nothing where TensorBoard is not installed."""

    def __init__(self, folder: Path, step: int) -> None:
        """`step`: where the run goes on; what was written of later steps by a run that was killed is hidden."""
        self._writer: Any = None
        if self.available():
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(folder / FOLDER), purge_step=step or None)

    @staticmethod
    def available() -> bool:
        return find_spec("tensorboard") is not None

    def scalars(self, step: int, values: dict[str, float], prefix: str = "step") -> None:
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(f"{prefix}/{name}", value, step)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
