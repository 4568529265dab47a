"""TensorFlow: operators that reach beyond the model, wherever a file may have them."""

import json

import pytest
from tests.scan.messages import held, number

from weighbridge.scan import Status


def node(operator, name="n", attributes=b""):
    return held(1, name) + held(2, operator) + attributes


def graph(*operators):
    return b"".join(held(1, node(each, f"n{at}")) for at, each in enumerate(operators))


def library(*operators):
    body = b"".join(held(3, node(each)) for each in operators)
    return held(2, held(1, held(1, held(1, "f")) + body))


def saved(graph_def, more=b""):
    return number(1, 1) + held(2, held(1, held(1, "v1")) + held(2, graph_def) + more)


def rules(verdict):
    return {found.rule.id for found in verdict.findings}


PLAIN = ("Placeholder", "VarHandleOp", "ReadVariableOp", "MatMul", "SaveV2", "RestoreV2", "MergeV2Checkpoints",
         "ShardedFilename", "ParseExampleV2", "InitializeTableFromTextFileV2", "StatefulPartitionedCall")  # fmt: skip


@pytest.mark.parametrize("operator", ["ReadFile", "WriteFile", "PyFunc", "EagerPyFunc", "MatchingFiles", "SqlDataset"])
@pytest.mark.parametrize(
    ("name", "wrap"),
    [
        ("saved_model.pb", lambda operator: saved(graph("Const", operator))),
        ("saved_model.pb", lambda operator: saved(graph("Const") + library(operator))),
        ("saved_model.pb", lambda operator: held(2, held(2, graph(operator)))),
        ("frozen_graph.pb", lambda operator: graph("Const", operator)),
        ("frozen_graph.pb", lambda operator: library(operator)),
        ("model.meta", lambda operator: held(1, held(1, "v1")) + held(2, graph("Const", operator))),
        ("weights.bin", lambda operator: saved(graph("Const", operator))),
        ("model.pbtxt", lambda operator: f'node {{ name: "x" op: "{operator}" }}'.encode()),
        ("model.pbtxt", lambda operator: f"node {{ op:'\\x{ord(operator[0]):x}{operator[1:]}' }}".encode()),
        ("model.tflite", lambda operator: b"\x1c\0\0\0TFL3" + bytes(9) + b"Flex" + operator.encode() + b"\0"),
    ],
)
def test_an_operator_that_reaches_out_is_found(verdict_on, name, wrap, operator):
    verdict = verdict_on(wrap(operator), name)
    (found,) = verdict.findings
    assert (found.rule.id, verdict.status) == ("tensorflow.unsafe-operator", Status.DANGEROUS)
    assert operator in found.message


def test_what_models_are_made_of_passes(verdict_on):
    for name in ("saved_model.pb", "weights.bin"):
        verdict = verdict_on(saved(graph(*PLAIN) + library(*PLAIN)), name)
        assert (verdict.status, verdict.findings) == (Status.CLEAN, ())


def test_an_operator_met_often_is_told_once(verdict_on):
    (found,) = verdict_on(saved(graph("ReadFile", "Const", "ReadFile", "ReadFile")), "saved_model.pb").findings
    assert found.message == "has ReadFile at 'n0' and 2 more: it reads files"


def attribute(key, value):
    return held(5, held(1, key) + held(2, value))


@pytest.mark.parametrize(
    ("operator", "value", "told"),
    [
        ("PrintV2", attribute("output_stream", held(2, "file:///tmp/x")), True),
        ("PrintV2", attribute("output_stream", held(2, "stderr")), False),
        ("DebugIdentityV3", attribute("debug_urls", held(1, held(2, "grpc://elsewhere:1"))), True),
        ("DebugIdentityV3", attribute("debug_urls", held(1, b"")), False),
    ],
)
def test_what_writes_to_an_address_is_told(verdict_on, operator, value, told):
    verdict = verdict_on(saved(held(1, node(operator, attributes=value))), "saved_model.pb")
    assert rules(verdict) == ({"tensorflow.writes-elsewhere"} if told else set())


def test_an_asset_outside_is_told(verdict_on):
    for name, expected in (("vocab.txt", set()), ("../../etc/passwd", {"tensorflow.asset-outside"})):
        assert rules(verdict_on(saved(graph("Const"), held(6, held(2, name))), "saved_model.pb")) == expected


def test_a_lambda_in_the_metadata_of_keras_is_found(verdict_on):
    layer = {"class_name": "Lambda", "config": {"function": ["4wEAAAA=", None, None], "function_type": "lambda"}}
    for class_name, expected in (("Lambda", {"keras.lambda"}), ("Dense", set())):
        metadata = json.dumps({**layer, "class_name": class_name})
        saved_node = number(2, 1) + held(3, "root.layer") + held(4, "_tf_keras_layer") + held(5, metadata)
        assert rules(verdict_on(held(1, saved_node), "keras_metadata.pb")) == expected


@pytest.mark.parametrize("data", [saved(graph("ReadFile"))[:-4], b"\x08"])
def test_a_damaged_model_could_not_be_told_or_is_dangerous(verdict_on, data):
    assert verdict_on(data, "saved_model.pb").status is not Status.CLEAN


@pytest.mark.parametrize("data", [b"\nHello, this is a text.\n", b"\x08\x96\x01", b"\n\x03abc\x12\x01"])
def test_other_files_are_not_taken_for_graphs(verdict_on, data):
    assert verdict_on(data, "notes.bin").status is Status.CLEAN
