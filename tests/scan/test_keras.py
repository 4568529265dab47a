"""Keras: code in layers, names that would be imported, files that would be read; in every file that Keras reads."""

import base64
import gzip
import io
import json
import zipfile

import pytest

from weighbridge.scan import Status

CODE = base64.b64encode(b"\xe3" + bytes(30)).decode()
EVIL = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R."


def model(*layers):
    plain = {"module": "keras.layers", "class_name": "Dense", "config": {"name": "d", "units": 2, "activation": "relu"}}
    config = {"name": "s", "layers": [plain, *layers]}
    return {"module": "keras", "class_name": "Sequential", "config": config, "registered_name": None}


def layer(class_name, config=None, module="keras.layers", registered=None):
    return {"module": module, "class_name": class_name, "config": config or {}, "registered_name": registered}


def archive(tree):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as members:
        members.writestr("metadata.json", json.dumps({"keras_version": "3.8.0"}))
        members.writestr("config.json", tree if isinstance(tree, str) else json.dumps(tree))
    return made.getvalue()


def hdf5(tree):
    return b"\x89HDF\r\n\x1a\n" + bytes(90) + b'{"' + bytes(40) + json.dumps(tree).encode() + bytes(500)


def rules(verdict):
    return {found.rule.id for found in verdict.findings}


NEW_LAMBDA = layer("Lambda", {"function": {"class_name": "__lambda__", "config": {"code": CODE}}})
OLD_LAMBDA = layer("Lambda", {"function": [CODE, None, None], "function_type": "lambda"})
BAD = {
    "new lambda": (NEW_LAMBDA, "keras.lambda"),
    "old lambda": (OLD_LAMBDA, "keras.lambda"),
    "source": (layer("Lambda", {"function": "lambda x: eval('1')"}), "keras.lambda"),
    "in a model": (layer("Functional", {"layers": [NEW_LAMBDA]}), "keras.lambda"),
    "module": (layer("system", {}, "os"), "keras.dangerous-name"),
    "function": (layer("function", "system", "os"), "keras.dangerous-name"),
    "registered": (layer("Dense", {}, "subprocess", "Popen"), "keras.dangerous-name"),
    "eval": (layer("function", "eval", "builtins"), "keras.dangerous-name"),
    "get_file": (layer("function", "get_file", "keras.utils"), "keras.dangerous-name"),
    "unsafe": (layer("function", "enable_unsafe_deserialization", "keras.config"), "keras.dangerous-name"),
    "load": (layer("function", "load_model", "keras.saving"), "keras.dangerous-name"),
    "torch": (layer("TorchModuleWrapper", {"module": CODE}, "keras.src.utils.torch_utils"), "keras.torch-module"),
    "file": (layer("StringLookup", {"vocabulary": "/etc/passwd"}), "keras.reads-file"),
    "address": (layer("TextVectorization", {"vocabulary": "http://localhost/x"}), "keras.reads-file"),
}


@pytest.mark.parametrize(("bad", "rule"), BAD.values(), ids=BAD)
@pytest.mark.parametrize(("name", "wrap"), [("m.keras", archive), ("m.h5", hdf5), ("config.json", json.dumps)])
def test_what_would_run_or_read_is_found_in_every_file(verdict_on, bad, rule, name, wrap):
    data = wrap(model(bad))
    verdict = verdict_on(data if isinstance(data, bytes) else data.encode(), name)
    assert rules(verdict) == {rule}
    assert verdict.status is Status.DANGEROUS


GOOD = [
    layer("Conv2D", {"kernel_initializer": layer("GlorotUniform", {"seed": None}, "keras.initializers")}),
    layer("Lambda", {"function": layer("function", "relu", "keras.ops"), "function_type": "function"}),
    layer("FeatureSpace", {}, "keras.utils"),
    layer("StringLookup", {"vocabulary": ["a", "b"]}),
    layer("Activation", {"activation": layer("function", "custom_name", "builtins", "function")}),
    layer("Dense", {}, "builtins", "Custom>Dense"),
]


@pytest.mark.parametrize("good", GOOD)
def test_ordinary_models_pass(verdict_on, good):
    for name, data in (("m.keras", archive(model(good))), ("m.h5", hdf5(model(good)))):
        verdict = verdict_on(data, name)
        assert (verdict.status, verdict.findings) == (Status.CLEAN, ())


def test_a_class_of_ones_own_is_told_and_no_danger(verdict_on):
    verdict = verdict_on(archive(model(layer("Mine", {}, "my_project.layers", "my_project>Mine"))), "m.keras")
    assert (rules(verdict), verdict.status) == ({"keras.custom-object"}, Status.CLEAN)


def test_words_that_are_written_as_escapes_are_read(verdict_on):
    text = json.dumps(model(NEW_LAMBDA)).replace("class_name", "\\u0063lass_nam\\u0065")
    assert rules(verdict_on(archive(text), "m.keras")) == {"keras.lambda"}


def test_both_of_two_configurations_are_read(verdict_on):
    made = io.BytesIO(archive(model()))
    with zipfile.ZipFile(made, "a") as members, pytest.warns(UserWarning, match="Duplicate"):
        members.writestr("config.json", json.dumps(model(NEW_LAMBDA)))
    assert rules(verdict_on(made.getvalue(), "m.keras")) == {"keras.lambda"}


def test_the_pickle_in_a_wrapped_module_is_judged(verdict_on):
    module = base64.b64encode(EVIL).decode()
    bad = layer("TorchModuleWrapper", {"module": module}, "keras.src.utils.torch_utils")
    assert rules(verdict_on(archive(model(bad)), "m.keras")) == {"keras.torch-module", "pickle.dangerous-import"}


def test_an_hdf5_file_in_an_archive_is_read(verdict_on):
    assert rules(verdict_on(gzip.compress(hdf5(model(OLD_LAMBDA))), "m.h5.gz")) == {"keras.lambda"}


def test_a_long_configuration_in_a_large_file_is_read(verdict_on):
    many = [layer("Dense", {"name": f"layer {number}"}) for number in range(2_000)]
    data = b"\x89HDF\r\n\x1a\n" + bytes((4 << 20) - 40) + json.dumps(model(*many, OLD_LAMBDA)).encode() + b"\xff" * 99
    assert rules(verdict_on(data, "m.h5")) == {"keras.lambda"}


def test_much_that_looks_like_json_ends_in_a_clear_error(verdict_on, monkeypatch):
    monkeypatch.setattr("weighbridge.scan.judges.keras._MOST_WASTED", 1000)
    verdict = verdict_on(b"\x89HDF\r\n\x1a\n" + b'{"a' * 1000, "m.h5")
    assert verdict.status is Status.ERROR
    assert "looks like JSON" in verdict.errors[0].message


def test_a_broken_configuration_could_not_be_told(verdict_on):
    assert verdict_on(archive('{"class_name": "Sequential", '), "m.keras").status is Status.ERROR
