"""Which tensor of the starting weights belongs to which of a module, and what does not fit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from weighbridge.errors import UsageError

Shape = tuple[int, ...]
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A tensor that both have, in different shapes."""

    name: str
    found: Shape
    expected: Shape

    def __str__(self) -> str:
        return f"{self.name} is {_told(self.found)} (expected {_told(self.expected)})"


@dataclass(frozen=True, slots=True)
class Plan:
    """What loading would do.

    `takes` maps names of the module to names in the file; `new` are names of the module that keep their random values;
    `unused` are names in the file that nothing takes. The rest is why the weights cannot be used.
    """

    takes: Mapping[str, str]
    new: tuple[str, ...]
    unused: tuple[str, ...]
    missing: tuple[str, ...]
    mismatches: tuple[Mismatch, ...]
    strangers: tuple[str, ...]

    def check(self, network: str, where: str) -> None:
        """Raises `UsageError` that names what does not fit, tensor by tensor."""
        told = [
            _listed(f"{len(self.mismatches)} of another shape", map(str, self.mismatches)),
            _listed(f"{len(self.missing)} missing", self.missing),
            _listed(f"{len(self.strangers)} that it has no place for", self.strangers),
        ]
        if any(told):
            raise UsageError(
                f"the starting weights do not fit the network {network}: {'; '.join(filter(None, told))}",
                where=where,
                hint="Give the network the options that these weights were made with, or other starting weights.",
            )


def plan(module: nn.Module, head: Collection[str], found: Mapping[str, Shape], *, keep_head: bool) -> Plan:
    """Match a module's state with the shapes in a file.

    Tensors of the modules in `head` stay new where they are missing, have another shape, or `keep_head` is false.
    Others must all be there. Names in the file may carry the prefix that transformers gives a base model, or lack it.
    """
    state: dict[str, Tensor] = module.state_dict()
    aliases = _aliases(state)
    prefix = str(getattr(module, "base_model_prefix", "") or "")
    names = _renamed(state, found, prefix)
    takes, new, missing, mismatches = dict[str, str](), list[str](), list[str](), list[Mismatch]()
    for name, tensor in state.items():
        in_head = _within(name, head)
        source = names.get(name)
        if in_head and (not keep_head or source is None or found[source] != tuple(tensor.shape)):
            new.append(name)
        elif source is None:
            if not any(alias in names for alias in aliases[name]):
                missing.append(name)
        elif found[source] != tuple(tensor.shape):
            mismatches.append(Mismatch(name, found[source], tuple(tensor.shape)))
        else:
            takes[name] = source
    used = set(names.values())
    rest = sorted(name for name in found if name not in used)
    strangers = tuple(name for name in rest if _has_home(name, module, prefix) and not _within(name, head))
    unused = tuple(name for name in rest if name not in strangers)
    return Plan(takes, tuple(new), unused, tuple(missing), tuple(mismatches), strangers)


def _aliases(state: Mapping[str, Tensor]) -> dict[str, list[str]]:
    """Names that share memory (tied embeddings), of which a file holds one."""
    by_place: dict[tuple[int, Shape], list[str]] = {}
    for name, tensor in state.items():
        by_place.setdefault((tensor.data_ptr(), tuple(tensor.shape)), []).append(name)
    return {name: by_place[tensor.data_ptr(), tuple(tensor.shape)] for name, tensor in state.items()}


def _renamed(state: Mapping[str, Tensor], found: Collection[str], prefix: str) -> dict[str, str]:
    """Names of the module to names in the file, by the way of naming that fits most of them."""
    ways = [{name: name for name in state}]
    if prefix:
        ways.append({name: name.removeprefix(f"{prefix}.") for name in state if name.startswith(f"{prefix}.")})
        ways.append({name: f"{prefix}.{name}" for name in state})
    matched = [{name: other for name, other in way.items() if other in found} for way in ways]
    return max(matched, key=len)


def _has_home(name: str, module: nn.Module, prefix: str) -> bool:
    """Whether a name that nothing takes belongs to a part that the module has: then a layer would be left out.

    Other heads (`cls.…`) and buffers that the module makes itself may be left.
    """
    buffers = dict(module.named_buffers())
    if name in buffers or f"{prefix}.{name}" in buffers:
        return False
    parts = dict(module.named_children())
    homes = {*parts, *(child for child, _ in parts[prefix].named_children())} if prefix in parts else set(parts)
    return name.split(".")[0] in homes


def _within(name: str, modules: Iterable[str]) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in modules)


def _told(shape: Shape) -> str:
    return "×".join(map(str, shape)) or "one number"


def _listed(title: str, items: Iterable[str]) -> str:
    names = list(items)
    if not names:
        return ""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{title}: {', '.join(names[:_SHOWN])}{more}"
