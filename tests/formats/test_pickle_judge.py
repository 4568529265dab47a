"""The verdicts: what is allowed, what is known to be dangerous, and that everything else is neither."""

import pickle

import pytest

from weighbridge.formats import Verdict
from weighbridge.formats.pickle import scan_pickles
from weighbridge.formats.pickle.allowlist import ALLOWLIST
from weighbridge.formats.pickle.denylist import danger
from weighbridge.tensors import BytesSource

DANGERS = (
    *("os.system", "posix.popen", "nt.system", "subprocess.Popen", "sys.exit", "shutil.rmtree", "io.open"),
    *("builtins.eval", "builtins.exec", "builtins.compile", "builtins.open", "builtins.__import__", "builtins.getattr"),
    *("__builtin__.eval", "__builtin__.apply", "commands.getoutput", "urllib2.urlopen", "cPickle.loads"),
    *("runpy.run_path", "importlib.import_module", "code.interact", "timeit.timeit", "pdb.run", "cProfile.run"),
    *("pickle.loads", "_pickle.Unpickler", "marshal.loads", "joblib.load", "dill.loads", "cloudpickle.loads"),
    *("socket.socket", "http.client.HTTPConnection", "urllib.request.urlopen", "smtplib.SMTP", "webbrowser.open"),
    *("ctypes.CDLL", "pty.spawn", "platform.popen", "signal.signal", "pathlib.Path.unlink", "pip.main"),
    *("operator.methodcaller", "operator.attrgetter", "functools.reduce", "types.CodeType", "types.FunctionType"),
    *("asyncio.create_subprocess_shell", "multiprocessing.Process", "logging.config.dictConfig"),
    *("torch.load", "torch.hub.load", "torch.jit.load", "torch.package.x", "torch._dynamo.guards.GuardBuilder.get"),
    *("numpy.load", "numpy.memmap", "numpy.f2py.crackfortran.myeval", "numpy.ctypeslib.load_library"),
)


def verdicts(program: bytes) -> dict[str, Verdict]:
    scans = scan_pickles(BytesSource(program))
    return {found.qualified: found.verdict for scan in scans for found in scan.imports}


def call(module: str, name: str, args: bytes = b")") -> bytes:
    return f"c{module}\n{name}\n".encode() + args + b"R."


@pytest.mark.parametrize(
    "qualified",
    DANGERS,
)
def test_known_dangers_are_dangerous(qualified):
    module, _, name = qualified.rpartition(".")
    assert verdicts(call(module, name)) == {qualified: Verdict.DANGEROUS}


@pytest.mark.parametrize("qualified", ["mymodel.Net", "torch.new_function", "functools.partial", "__main__.Model"])
def test_what_nobody_listed_is_unknown(qualified):
    module, _, name = qualified.rpartition(".")
    assert verdicts(call(module, name)) == {qualified: Verdict.UNKNOWN}


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("torch", "serialization.os.system"),
        ("torch.nn.modules.linear", "torch.os.system"),
        ("collections", "_sys.modules"),
        ("builtins", "set.__class__"),
        ("numpy", "os.system"),
        ("collections", "_sys"),
        ("torch", "os"),
    ],
)
def test_a_dotted_name_is_judged_by_where_it_leads(module, name):
    program = (
        b"\x80\x04\x8c"
        + bytes([len(module)])
        + module.encode()
        + b"\x8c"
        + bytes([len(name)])
        + name.encode()
        + b"\x93."
    )
    assert verdicts(program) == {f"{module}.{name}": Verdict.DANGEROUS}


def test_a_dotted_name_out_of_an_allowed_class_is_not_allowed():
    program = b"\x80\x04\x8c\x0bcollections\x8c\x14OrderedDict.fromkeys\x93."
    assert verdicts(program) == {"collections.OrderedDict.fromkeys": Verdict.UNKNOWN}


def test_no_permit_is_also_listed_as_a_danger_by_its_exact_name():
    containers_of_values = ("argparse", "io", "_io", "joblib.numpy_pickle", "pathlib", "pathlib._local", "types")
    exceptions = {("torch.serialization", "_get_layout")}
    clashes = [
        key
        for key in ALLOWLIST
        if danger(*key)
        and key[0] not in containers_of_values
        and key[0] not in ("torch.jit._pickle", "joblib.memory")
        and not ALLOWLIST[key].rule  # allowed in the calls that the rule has looked at, dangerous in all others
        and key not in exceptions
    ]
    assert clashes == []


def test_a_layer_may_be_made_but_not_called():
    made = b"\x80\x02ctorch.nn.modules.linear\nLinear\n)\x81."
    assert verdicts(made) == {"torch.nn.modules.linear.Linear": Verdict.ALLOWED}
    assert verdicts(call("torch.nn.modules.linear", "Linear")) == {"torch.nn.modules.linear.Linear": Verdict.UNKNOWN}


def test_a_function_of_a_layer_may_be_named_but_not_called():
    assert verdicts(b"ctorch.nn.functional\nrelu\n.") == {"torch.nn.functional.relu": Verdict.ALLOWED}
    assert verdicts(call("torch.nn.functional", "relu")) == {"torch.nn.functional.relu": Verdict.UNKNOWN}


def test_setting_state_on_something_imported_is_dangerous_even_if_it_is_allowed():
    program = b"\x80\x02ctorch.nn.modules.linear\nLinear\n}X\x07\0\0\0forwardNsb."
    assert verdicts(program) == {"torch.nn.modules.linear.Linear": Verdict.DANGEROUS}


def test_setting_a_key_of_something_imported_is_dangerous():
    assert verdicts(b"cos\nenviron\n(X\x01\0\0\0aX\x01\0\0\0bu.")["os.environ"] is Verdict.DANGEROUS


@pytest.mark.parametrize(
    ("program", "name"),
    [
        (b"\x82\x01.", "(computed).extension 1"),
        (b"NN\x93.", "(computed).import"),
        (b"cbuiltins\nset\n)R)R.", "(computed).call"),
        (b"(NNtQNb.", "(computed).change"),
        (b"\x95\x01\0\0\0\0\0\0\0K\x01.", "(computed).frame"),
    ],
)
def test_what_cannot_be_told_without_running_is_dangerous(program, name):
    assert verdicts(program)[name] is Verdict.DANGEROUS


def test_functions_that_call_their_argument_are_judged_by_it():
    assert verdicts(b"ccollections\ndefaultdict\n(cbuiltins\nlist\ntR.")["collections.defaultdict"] is Verdict.ALLOWED
    assert verdicts(b"ccollections\ndefaultdict\n(cmine\nf\ntR.")["collections.defaultdict"] is Verdict.UNKNOWN


def test_instances_are_judged_by_their_class_and_base():
    made = b"ccopy_reg\n_reconstructor\n(ccollections\nOrderedDict\nc__builtin__\nobject\nNtR."
    assert set(verdicts(made).values()) == {Verdict.ALLOWED}
    other = b"ccopy_reg\n_reconstructor\n(cmine\nC\nc__builtin__\nobject\nNtR."
    assert verdicts(other)["copy_reg._reconstructor"] is Verdict.UNKNOWN


def test_only_ordinary_codecs_are_allowed():
    assert verdicts(b"c_codecs\nencode\n(X\x01\0\0\0aX\x06\0\0\0latin1tR.")["_codecs.encode"] is Verdict.ALLOWED
    assert verdicts(b"c_codecs\nencode\n(X\x01\0\0\0aX\x04\0\0\0miNEtR.")["_codecs.encode"] is Verdict.UNKNOWN


def test_a_tensor_packed_as_bytes_is_judged_by_what_is_packed():
    def packed(inner: bytes) -> bytes:
        return b"\x80\x03ctorch.storage\n_load_from_bytes\nB" + len(inner).to_bytes(4, "little") + inner + b"\x85R."

    assert set(verdicts(packed(pickle.dumps(1))).values()) == {Verdict.ALLOWED}
    assert set(verdicts(packed(b"cos\nsystem\n)R.")).values()) == {Verdict.DANGEROUS}
    assert set(verdicts(packed(packed(b"cos\nsystem\n)R."))).values()) == {Verdict.DANGEROUS}
    deep = pickle.dumps(1)
    for _ in range(10):
        deep = packed(deep)
    assert set(verdicts(deep).values()) == {Verdict.UNKNOWN}


def test_the_report_names_the_import_its_place_and_its_arguments():
    (scan,) = scan_pickles(BytesSource(b"\x80\x02]cos\nsystem\nX\x04\0\0\0true\x85R."), "data.pkl")
    (found,) = scan.imports
    assert scan.member == "data.pkl"
    assert scan.protocol == 2
    assert (found.qualified, found.opcode, found.offset, found.called) == ("os.system", "GLOBAL", 3, True)
    assert found.arguments == "('true',)"
    assert found.reason == "can run other programs"


def test_arguments_are_shown_short_and_printable():
    evil = "\x1b[31m\u202e" + "A" * 10_000
    data = evil.encode()
    program = b"cos\nsystem\nX" + len(data).to_bytes(4, "little") + data + b"\x85R."
    (scan,) = scan_pickles(BytesSource(program))
    assert len(scan.imports[0].arguments) <= 160
    assert scan.imports[0].arguments.isprintable()
    (scan,) = scan_pickles(BytesSource(b"cm\x1b[31m\nn\xff\n."))
    assert (scan.imports[0].module + scan.imports[0].name).isprintable()


def test_a_pickle_that_breaks_is_never_called_safe():
    (scan,) = scan_pickles(BytesSource(b"}"))
    assert scan.broken
    assert scan.verdict is Verdict.UNKNOWN
    (scan,) = scan_pickles(BytesSource(b"cos\nsystem\n(S'true'\ntR\xff"))
    assert scan.verdict is Verdict.DANGEROUS
