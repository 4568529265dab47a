"""ONNX: files outside, bytes that are not there, operators from elsewhere."""

import pytest
from tests.scan.messages import held, number

from weighbridge.scan import Status, scan


def entry(key, value):
    return held(13, held(1, key) + held(2, value))


def tensor(location=None, **more):
    external = b"" if location is None else entry("location", location) + number(14, 1)
    return number(1, 4) + number(2, 1) + held(8, "weight") + external + b"".join(entry(*each) for each in more.items())


def node(type_, domain="", *attributes):
    return held(1, "in") + held(4, type_) + held(7, domain) + b"".join(held(5, each) for each in attributes)


def model(*nodes, initializers=(), more=b""):
    graph = b"".join(held(1, each) for each in nodes) + b"".join(held(5, each) for each in initializers)
    return number(1, 8) + held(2, "pytest") + held(7, graph) + held(8, held(1, "") + number(2, 17)) + more


def rules(verdict):
    return {found.rule.id for found in verdict.findings}


OUTSIDE = "../../../etc/passwd"


@pytest.mark.parametrize("location", [OUTSIDE, "a/../../b", "/etc/passwd", "..\\..\\b", "C:\\b", "file:///etc/passwd"])
def test_data_outside_is_dangerous(verdict_on, location):
    verdict = verdict_on(model(initializers=[tensor(location)]), "model.onnx")
    (found,) = verdict.findings
    assert (found.rule.id, verdict.status) == ("onnx.external-outside", Status.DANGEROUS)
    assert repr(location) in found.message


def nested(inside):
    attribute = held(1, "then_branch") + held(6, inside) + number(20, 5)
    return model(node("If", "", attribute))


@pytest.mark.parametrize(
    "data",
    [
        nested(held(5, tensor(OUTSIDE))),
        model(node("Constant", "", held(1, "value") + held(5, tensor(OUTSIDE)))),
        model(node("Loop", "", held(1, "g") + held(11, held(5, tensor(OUTSIDE))))),
        model(node("Constant", "", held(1, "sparse_value") + held(22, held(1, tensor(OUTSIDE))))),
        model(more=held(20, held(1, held(5, tensor(OUTSIDE))))),
        model(more=held(25, held(1, "f") + held(7, node("Constant", "", held(5, tensor(OUTSIDE)))))),
        number(1, 8) + held(7, held(15, held(2, tensor(OUTSIDE)))),
    ],
)
def test_tensors_are_found_wherever_a_model_may_have_them(verdict_on, data):
    assert rules(verdict_on(data, "model.onnx")) == {"onnx.external-outside"}


def test_it_is_told_by_its_bytes(verdict_on):
    assert rules(verdict_on(model(initializers=[tensor(OUTSIDE)]), "weights.bin")) == {"onnx.external-outside"}


def test_data_beside_the_model_is_in_order(tmp_path):
    (tmp_path / "weights.data").write_bytes(bytes(64))
    (tmp_path / "good.onnx").write_bytes(model(initializers=[tensor("weights.data", offset="32", length="32")]))
    (tmp_path / "cut.onnx").write_bytes(model(initializers=[tensor("weights.data", offset="48", length="32")]))
    (tmp_path / "minus.onnx").write_bytes(model(initializers=[tensor("weights.data", offset="-1", length="32")]))
    found = {each.path.rpartition("/")[2]: rules(each) for each in scan([str(tmp_path)])}
    assert found == {
        "weights.data": set(),
        "good.onnx": set(),
        "cut.onnx": {"onnx.external-beyond"},
        "minus.onnx": {"onnx.external-beyond"},
    }


def test_operators_of_the_standard_and_of_the_model_itself_pass(verdict_on):
    function = held(1, "Gelu") + held(10, "mine") + held(7, node("Erf"))
    data = model(node("Conv"), node("Scaler", "ai.onnx.ml"), node("Gelu", "mine"), more=held(25, function))
    verdict = verdict_on(data, "model.onnx")
    assert (verdict.status, verdict.findings) == (Status.CLEAN, ())


def test_operators_from_elsewhere_are_told(verdict_on):
    verdict = verdict_on(model(node("Run", "evil.domain"), node("Run", "evil.domain")), "model.onnx")
    assert [(found.rule.id, found.message) for found in verdict.findings] == [
        ("onnx.custom-operator", "needs the operator 'Run' of 'evil.domain'")
    ]
    assert verdict.status is Status.CLEAN
    assert rules(verdict_on(model(node("PyOp", "pyopmulti_1")), "model.onnx")) == {"onnx.python-operator"}


@pytest.mark.parametrize("data", [b"", b"version https://git-lfs.github.com/spec/v1\n", model()[:-3], number(1, 8)])
def test_what_is_no_model_could_not_be_told(verdict_on, data):
    assert verdict_on(data, "model.onnx").status is Status.ERROR


def test_a_cut_model_still_tells_what_it_holds(verdict_on):
    data = model(initializers=[tensor(OUTSIDE)])
    assert verdict_on(data[:-2], "model.onnx").status is Status.DANGEROUS
