"""What a family of classes allows, and the gadgets among them that it does not."""

import pytest

from weighbridge.formats import Verdict
from weighbridge.formats.pickle import scan_pickles
from weighbridge.formats.pickle.allowlist import permit_for
from weighbridge.tensors import BytesSource


def text(value: str) -> bytes:
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def named(module: str, name: str) -> bytes:
    return text(module) + text(name) + b"\x93"


def verdict(*parts: bytes) -> Verdict:
    (scan,) = scan_pickles(BytesSource(b"\x80\x04" + b"".join(parts) + b"."))
    return scan.verdict


def state(**attributes: str) -> bytes:
    return b"}(" + b"".join(text(key) + text(value) for key, value in attributes.items()) + b"ub"


TEMPLATE = """
def _parse_args(self, a, b,  loc=0, scale=1):
    return (a, b, ), loc, scale

def _parse_args_rvs(self, a, b,  loc=0, scale=1, size=None):
    return self._argcheck_rvs(a, b,  loc, scale, size=size)

def _parse_args_stats(self, a, b,  loc=0, scale=1, moments='mv'):
    return (a, b, ), loc, scale, moments
"""
NORM = named("scipy.stats._continuous_distns", "norm_gen") + b")\x81"


def test_an_object_of_a_known_package_is_made_but_its_functions_are_not_called():
    assert verdict(named("xgboost.sklearn", "XGBClassifier"), b")\x81") is Verdict.ALLOWED
    assert verdict(named("sklearn.feature_selection", "f_classif")) is Verdict.ALLOWED
    assert verdict(named("sklearn.feature_selection", "f_classif"), b")R") is Verdict.UNKNOWN
    assert verdict(named("xgboost.sklearn", "XGBClassifier"), b")R") is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("sklearn.externals.joblib.numpy_pickle", "load"),
        ("sklearn.utils._testing", "Anything"),
        ("transformers.utils.hub", "Anything"),
        ("pandas.io.pickle", "read_pickle"),
        ("pandas.core.computation.expr", "Expr"),
        ("torch.distributed.rpc", "RRef"),
        ("sklearn.base", "os"),
        ("sklearn.base", "BaseEstimator.__init__"),
        ("scikit.learn", "Thing"),
        ("sklearnx", "Thing"),
    ],
)
def test_what_loads_fetches_or_tests_belongs_to_no_family(module, name):
    assert permit_for(module, name) is None


def test_a_distribution_is_allowed_with_the_template_that_scipy_writes():
    assert verdict(NORM, state(_parse_arg_template=TEMPLATE)) is Verdict.ALLOWED
    assert verdict(NORM, state(name="norm")) is Verdict.ALLOWED


def test_a_distribution_with_a_template_of_its_own_would_run_it():
    """rv_generic.__setstate__ compiles and runs _parse_arg_template: BUILD is then as good as exec."""
    assert verdict(NORM, state(_parse_arg_template="import os; os.system('true')")) is not Verdict.ALLOWED
    assert verdict(NORM, state(_parse_arg_template=TEMPLATE + "\nimport os")) is not Verdict.ALLOWED


def test_a_formula_of_statsmodels_would_be_evaluated():
    made = named("statsmodels.base.data", "ModelData") + b")\x81"
    assert verdict(made, state(xname="x")) is Verdict.ALLOWED
    assert verdict(made, state(formula="__import__('os').system('true')")) is not Verdict.ALLOWED


def test_getattr_gives_a_method_of_a_known_object_and_nothing_else():
    get = named("builtins", "getattr")
    known = named("sklearn.svm", "SVC") + b")\x81"
    assert verdict(get, known, text("predict"), b"\x86R") is Verdict.ALLOWED
    assert verdict(get, known, text("__class__"), b"\x86R") is Verdict.DANGEROUS
    assert verdict(get, named("numpy", "ndarray"), text("tofile"), b"\x86R)R") is not Verdict.ALLOWED
    assert verdict(get, named("os", "path"), text("os"), b"\x86R") is Verdict.DANGEROUS
    assert verdict(get) is Verdict.DANGEROUS


def test_what_getattr_gives_is_judged_by_the_name_it_has():
    """getattr(Class, "name")(…) is a call of Class.name, however it is spelled."""
    program = (named("builtins", "getattr"), named("builtins", "str"), text("format_map"), b"\x86R)R")
    (scan,) = scan_pickles(BytesSource(b"\x80\x04" + b"".join(program) + b"."))
    assert "builtins.str.format_map" in [found.qualified for found in scan.imports]
    assert scan.verdict is not Verdict.ALLOWED


@pytest.mark.parametrize("function", [("builtins", "getattr"), ("functools", "partial"), ("dill._dill", "_load_type")])
def test_a_function_allowed_in_some_calls_is_never_handed_on_to_be_called(function):
    rebuild = named("torch._tensor", "_rebuild_from_type_v2")
    arguments = b"(" + named(*function) + named("torch", "Tensor") + b")Nt"
    assert verdict(rebuild, arguments, b"R") is not Verdict.ALLOWED


def test_dill_may_name_types_and_ranges_but_evaluate_nothing():
    assert verdict(named("dill._dill", "_load_type"), text("ValueError"), b"\x85R") is Verdict.ALLOWED
    assert verdict(named("dill._dill", "_load_type"), text("CodeType"), b"\x85R") is Verdict.DANGEROUS
    assert verdict(named("dill._dill", "_eval_repr"), text("range(0, 3)"), b"\x85R") is Verdict.ALLOWED
    assert verdict(named("dill._dill", "_eval_repr"), text("exec('1')"), b"\x85R") is Verdict.DANGEROUS


BAD = text("_parse_arg_template") + text("import os")
CLASS = named("scipy.stats._continuous_distns", "norm_gen")
WAYS = {
    "far behind in a long state": (NORM, b"}(", b"".join(text(str(key)) + b"N" for key in range(10_001)), BAD, b"ub"),
    "in an ordered dictionary": (NORM, named("collections", "OrderedDict"), b")R", BAD, b"sb"),
    "in a long tuple": (NORM, b"(N}", BAD, b"sNNNtb"),
    "of what copyreg makes": (
        *(named("copyreg", "_reconstructor"), b"(", CLASS, named("builtins", "object"), b"NtR}", BAD, b"sb"),
    ),
    "of what __newobj__ makes": (named("copyreg", "__newobj__"), CLASS, b"\x85R}", BAD, b"sb"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_state_that_is_run_as_code_is_found_however_it_is_given(way):
    assert verdict(*WAYS[way]) is not Verdict.ALLOWED
