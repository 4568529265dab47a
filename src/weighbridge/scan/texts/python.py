"""Python source that a model brings along: what it would do, told from its syntax alone. Nothing is run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

_MOST = 4 << 20

# Calls that reach the system, by how they are written once import aliases are undone.
_CALLS = (
    "os.system", "os.popen", "os.exec", "os.spawn", "os.posix_spawn", "os.fork", "os.kill", "os.remove", "os.unlink",
    "os.rmdir", "os.removedirs", "os.dup2", "os.startfile", "posix.", "nt.system", "subprocess.", "pty.",
    "shutil.rmtree", "eval", "exec", "__import__", "compile", "builtins.eval", "builtins.exec", "builtins.compile",
    "builtins.__import__", "socket.", "ctypes.", "cffi.", "marshal.loads", "marshal.load", "pickle.loads",
    "pickle.load", "dill.load", "cloudpickle.load", "pip.", "runpy.", "code.interact", "imp.load", "telnetlib.",
    "ftplib.", "smtplib.", "paramiko.", "pexpect.", "asyncio.create_subprocess", "multiprocessing.Process",
    "commands.get", "platform.popen", "webbrowser.open", "signal.", "types.FunctionType", "types.CodeType",
    "importlib.reload", "torch.utils.cpp_extension.", "torch.ops.load_library", "sys.settrace", "gc.get_objects",
)  # fmt: skip
_WARNED = (
    "requests.", "urllib.", "http.client.", "httpx.", "importlib.import_module", "os.environ", "os.getenv",
    "torch.load", "joblib.load", "numpy.load", "builtins.open", "open", "shutil.", "base64.b64decode",
    "zlib.decompress",
)  # fmt: skip
_BARE = ("eval", "exec", "compile", "__import__", "getattr", "open")
_METHODS = ("system", "popen", "check_output", "check_call")


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing a program would do: the call, the line, and whether it is one that no model needs."""

    call: str
    line: int
    dangerous: bool


def deeds(source: bytes) -> tuple[Deed, ...]:
    """The calls in Python source that reach beyond tensors, in order. Raises `SyntaxError` where it is not Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(source[:_MOST])
        except (ValueError, RecursionError, MemoryError) as error:
            raise SyntaxError(str(error)) from None
    names = _imported(tree)
    found = [deed for node in ast.walk(tree) for deed in _of(node, names)]
    return tuple(sorted(set(found), key=lambda deed: (deed.line, deed.call)))


def _imported(tree: ast.AST) -> dict[str, str]:
    """What each name stands for, by the file's imports and by plain assignments of what was imported."""
    names = {name: name for name in ("builtins", "__builtins__")}
    assigned: list[ast.Assign] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.name if alias.asname else alias.name.partition(".")[0]
                names[alias.asname or name] = name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
        elif isinstance(node, ast.Assign):
            assigned.append(node)
    for assignment in assigned:
        stands = _dotted(assignment.value, names)
        if stands and (stands in _BARE or "." in stands or stands in names.values()):
            names.update({each.id: stands for each in assignment.targets if isinstance(each, ast.Name)})
    return names


def _of(node: ast.AST, names: dict[str, str]) -> Iterator[Deed]:
    if isinstance(node, ast.Call):
        call = _dotted(node.func, names)
        if call in ("getattr", "builtins.getattr") and len(node.args) > 1:
            yield from _by_name(node, names)
        elif not call and isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
            yield Deed(f"….{node.func.attr}", node.lineno, True)
        elif _matches(call, _CALLS):
            yield Deed(call, node.lineno, True)
        elif _matches(call, _WARNED):
            yield Deed(call, node.lineno, False)
    elif isinstance(node, ast.ImportFrom) and node.module in ("os", "posix") and any(a.name == "*" for a in node.names):
        yield Deed(f"from {node.module} import *", node.lineno, True)
    elif isinstance(node, ast.Attribute) and node.attr in ("__globals__", "__builtins__", "__subclasses__", "__code__"):
        yield Deed(f"….{node.attr}", node.lineno, True)


def _by_name(node: ast.Call, names: dict[str, str]) -> Iterator[Deed]:
    """getattr on a module that reaches the system, whatever the name is."""
    owner, name = _dotted(node.args[0], names), node.args[1]
    told = name.value if isinstance(name, ast.Constant) else "…"
    if owner in ("os", "posix", "subprocess", "builtins", "__builtins__", "ctypes") or owner.startswith("__import__"):
        yield Deed(f"getattr({owner}, {told!r})", node.lineno, True)


def _matches(call: str, patterns: tuple[str, ...]) -> bool:
    return bool(call) and any(call == pattern or ("." in pattern and call.startswith(pattern)) for pattern in patterns)


def _dotted(node: ast.AST, names: dict[str, str]) -> str:
    """``a.b.c`` with the first name undone to what was imported; "" for anything that is not names."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Call) and parts:
        inner = _dotted(node.func, names)
        if inner in ("__import__", "builtins.__import__", "importlib.import_module") and node.args:
            module = node.args[0]
            told = str(module.value) if isinstance(module, ast.Constant) else "__import__"
            return ".".join([told, *reversed(parts)])
        return ""
    if not isinstance(node, ast.Name) or (parts and node.id not in names):
        return ""  # a method of something that was computed
    return ".".join([names.get(node.id, node.id), *reversed(parts)])


def relative_imports(source: bytes) -> tuple[str, ...]:
    """The modules beside it that it imports (``from .other import x``), as paths without their ending."""
    try:
        tree = ast.parse(source[:_MOST])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    found: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found.update(dict.fromkeys(name.replace(".", "/") for name in names))
    return tuple(found)
