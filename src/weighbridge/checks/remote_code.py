"""Remote code: what the configuration beside the weights would have a library import or run.

What: classes that ``auto_map`` and ``custom_pipelines`` name in Python files of this or another repository, a
``trust_remote_code`` that is switched on, objects that ``_target_`` or a YAML tag would build, libraries that an
adapter's ``auto_mapping`` would import, sentence-transformers modules from elsewhere, MLflow loaders, and Python files.

Why: weights in safetensors cannot run code, but the configuration beside them can ask a library to.

Example: ``remote-code.auto-map: AutoModel is taken from modeling_evil.py, beside the weights``.

What to do: read the named file before you load the model with ``trust_remote_code=True``, and pin the revision that
you have read.

Text is only ever parsed, within bounds. A configuration that cannot be parsed is an error: we cannot tell what it says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from posixpath import basename

from weighbridge.checkpoint import Checkpoint
from weighbridge.checks._configs import Config, Configs
from weighbridge.checks.base import Answer, Check, judged, skipped
from weighbridge.checks.listing import capped, plural, some_names
from weighbridge.errors import WeighbridgeError
from weighbridge.report import Finding, Outcome, Severity
from weighbridge.report.model import Json
from weighbridge.tensors import ByteSource

_HINT = "Read the code that it names before you load the model, and pin the revision that you have read."
_LIBRARIES = frozenset({"diffusers", "transformers", "onnxruntime", "optimum", "peft", "sentence_transformers"})
_RUN_BY_HOSTS = ("handler.py", "custom_generate/generate.py")
_MAX_TEXT = 2 << 20
_SHOWN = 200
_YAML_OBJECT = re.compile(rb"!!python/[\w/.:-]+|tag:yaml\.org,2002:python/[\w/.:-]+")
_YAML_TARGET = re.compile(rb"^[ \t-]*[\"']?_target_[\"']?[ \t]*:[ \t]*(\S[^\r\n]{0,200})", re.MULTILINE)
_MLFLOW_LOADER = re.compile(rb"^[ \t]*(loader_module|python_model)[ \t]*:[ \t]*(\S[^\r\n]{0,200})", re.MULTILINE)


def _remote_code(checkpoint: Checkpoint, configs: Configs) -> Answer:
    side_files = checkpoint.side_files
    if not side_files:
        return skipped("only weights were given, no configuration beside them")
    unreadable = dict(configs.unreadable)
    findings = capped([*_in_json(configs, side_files), *_in_text(side_files, unreadable), *_python_files(side_files)])
    facts: dict[str, Json] = {"configurations": len(configs.parsed), "side_files": len(side_files)}
    if unreadable:
        told = tuple(Finding(error.code, Severity.WARNING, error.message, error.where) for error in unreadable.values())
        reason = f"{plural(len(unreadable), 'configuration')} could not be read: {some_names(list(unreadable))}"
        return Answer(Outcome.ERROR, (*findings, *capped(told)), facts, reason)
    return judged(findings, facts)


CHECK = Check("safety.remote-code", "What its configuration would run", _remote_code)


def _in_json(configs: Configs, side_files: Mapping[str, ByteSource]) -> Iterator[Finding]:
    for config in configs.parsed.values():
        yield from _duplicate_keys(config)
        for node in config.objects():
            for key, rule in _KEYS.items():
                if node.get(key):
                    yield from rule(config, node[key])
        if config.basename == "model_index.json":
            yield from _pipeline_parts(config, side_files)
        if config.basename == "modules.json":
            yield from _sentence_modules(config)


def _duplicate_keys(config: Config) -> Iterator[Finding]:
    if config.duplicates:
        names = _short(", ".join(sorted(set(config.duplicates))[:5]))
        message = f"holds a key twice in one object ({names}): programs differ in which one they believe"
        yield Finding("remote-code.duplicate-key", Severity.WARNING, message, config.name)


def _auto_map(config: Config, value: Json) -> Iterator[Finding]:
    for role, target in value.items() if isinstance(value, dict) else [("a class", value)]:
        for reference in target if isinstance(target, list) else [target]:
            if isinstance(reference, str):
                yield _warn(
                    "remote-code.auto-map", f"takes {_short(role)} from {_origin(reference)}", config, reference
                )


def _origin(reference: str) -> str:
    repository, separator, path = _short(reference).rpartition("--")
    module, _, name = path.rpartition(".")
    if separator:
        return f"{name or path} in another repository, {repository} ({module}.py)"
    return f"{name or path} in {module or path}.py, beside the weights"


def _trust(config: Config, value: Json) -> Iterator[Finding]:
    if value is True or value == "true":
        yield _warn("remote-code.trust", "switches trust_remote_code on by itself", config, "trust_remote_code")


def _custom_pipeline(config: Config, value: Json) -> Iterator[Finding]:
    for name in value if isinstance(value, dict | list) else [value]:
        yield _warn("remote-code.custom-pipeline", f"names a pipeline of its own, {_short(name)}", config, str(name))


def _target(config: Config, value: Json) -> Iterator[Finding]:
    yield _warn("remote-code.target", f"would build {_short(value)} (_target_)", config, str(value))


def _auto_mapping(config: Config, value: Json) -> Iterator[Finding]:
    library = value.get("parent_library") if isinstance(value, dict) else None
    if isinstance(library, str) and library.split(".")[0] not in _LIBRARIES:
        yield _warn("remote-code.auto-mapping", f"would import {_short(library)} for the adapter", config, library)


# Keys that mean code wherever they stand, and the rule for each.
_KEYS: dict[str, Callable[[Config, Json], Iterator[Finding]]] = {
    "auto_map": _auto_map,
    "auto_mapping": _auto_mapping,
    "trust_remote_code": _trust,
    "custom_pipeline": _custom_pipeline,
    "custom_pipelines": _custom_pipeline,
    "_target_": _target,
}


def _pipeline_parts(config: Config, side_files: Mapping[str, ByteSource]) -> Iterator[Finding]:
    """Parts of a diffusers pipeline whose module is a Python file of this folder, or has a path of its own."""
    if not isinstance(config.data, dict):
        return
    local = {basename(name) for name in side_files}
    for part, value in config.data.items():
        module = value[0] if isinstance(value, list) and value else None
        if isinstance(module, str) and module not in _LIBRARIES and (f"{module}.py" in local or "." in module):
            message = f"takes {part} from the module {_short(module)}, which is not one of the library's"
            yield _warn("remote-code.pipeline-module", message, config, module)


def _sentence_modules(config: Config) -> Iterator[Finding]:
    for node in config.objects():
        kind = node.get("type")
        if isinstance(kind, str) and not kind.startswith("sentence_transformers."):
            message = f"would import {_short(kind)}, which is not part of sentence-transformers"
            yield _warn("remote-code.module-type", message, config, kind)


def _in_text(side_files: Mapping[str, ByteSource], unreadable: dict[str, WeighbridgeError]) -> Iterator[Finding]:
    for name, source in side_files.items():
        if not (name.endswith((".yaml", ".yml")) or basename(name) == "MLmodel"):
            continue
        try:
            text = source.read_at(0, min(source.size, _MAX_TEXT))
        except WeighbridgeError as error:
            unreadable[name] = error.at(name)
            continue
        yield from _in_yaml(name, text)


def _in_yaml(name: str, text: bytes) -> Iterator[Finding]:
    for tag in _YAML_OBJECT.findall(text):
        message = f"would build a Python object: {_decoded(tag)}"
        yield Finding(
            "remote-code.yaml-object", Severity.DANGER, message, name, "Load it with a safe YAML loader only."
        )
    for target in _YAML_TARGET.findall(text):
        yield Finding("remote-code.target", Severity.WARNING, f"would build {_decoded(target)} (_target_)", name, _HINT)
    for key, value in _MLFLOW_LOADER.findall(text) if basename(name) == "MLmodel" else ():
        message = f"has MLflow load it with {_decoded(value)} ({_decoded(key)})"
        yield Finding("remote-code.mlflow", Severity.WARNING, message, name, _HINT)


def _python_files(side_files: Mapping[str, ByteSource]) -> Iterator[Finding]:
    names = [name for name in side_files if name.endswith((".py", ".pyc", ".so", ".pyd"))]
    for name in names:
        if name in _RUN_BY_HOSTS:
            yield Finding("remote-code.entry-point", Severity.WARNING, "is run by hosts of models", name, _HINT)
    if names:
        noun = "file" if len(names) == 1 else "files"
        message = f"{len(names):,} {noun} of code beside the weights: {some_names(names)}"
        evidence: dict[str, Json] = {"count": len(names), "files": list(names[:100])}
        yield Finding("remote-code.python-file", Severity.INFO, message, hint=_HINT, evidence=evidence)


def _warn(code: str, message: str, config: Config, reference: str) -> Finding:
    return Finding(code, Severity.WARNING, message, config.name, _HINT, {"reference": reference[:_SHOWN]})


def _short(value: Json) -> str:
    return str(value)[:_SHOWN]


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace")[:_SHOWN].strip()
