"""Mixed precision, where there is a GPU. On a CPU everything is float32."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch

from weighbridge.errors import UsageError

Name = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True, slots=True)
class Precision:
    """How forward passes compute. Parameters and optimiser stay float32."""

    name: Name
    device: torch.device
    scaler: torch.amp.GradScaler | None = None

    @classmethod
    def of(cls, wanted: str, device: torch.device) -> Precision:
        """Raises `UsageError` for half precision on a CPU. `auto`: bfloat16 where a GPU has it, else float32."""
        if device.type != "cuda":
            if wanted not in ("auto", "float32"):
                raise UsageError(
                    f"train.precision is {wanted}, which needs a GPU", hint="Set train.precision to float32 or auto."
                )
            return cls("float32", device)
        if wanted == "auto":
            wanted = "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
        if wanted == "float16":
            return cls("float16", device, torch.amp.GradScaler("cuda"))
        return cls("bfloat16" if wanted == "bfloat16" else "float32", device)

    def autocast(self) -> AbstractContextManager[Any]:
        if self.name == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16 if self.name == "bfloat16" else torch.float16)

    def state(self) -> dict[str, Any]:
        return self.scaler.state_dict() if self.scaler else {}

    def restore(self, state: dict[str, Any]) -> None:
        if self.scaler and state:
            self.scaler.load_state_dict(state)
