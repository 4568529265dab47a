"""Attacks by pickles, each told and then tried.

Payloads would only create a file; that it is not there proves that nothing ran.
"""

import io
import pickle
import sys

import pytest

import weighbridge as wb
from weighbridge import formats
from weighbridge.errors import FormatError, LimitError, UnsafeError, WeighbridgeError
from weighbridge.formats import Verdict
from weighbridge.formats.pickle import machine, scan_pickles
from weighbridge.tensors import BytesSource


class Owned:
    """Unpickled, it creates a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def verdict(program: bytes) -> set[Verdict]:
    return {scan.verdict for scan in scan_pickles(BytesSource(program))}


@pytest.mark.parametrize("protocol", range(6))
def test_a_call_in_a_state_dict_is_reported_and_never_made(tmp_path, protocol):
    """The oldest attack: an object whose __reduce__ names a function. Loading the file the usual way calls it."""
    proof = tmp_path / "owned"
    model = tmp_path / "model.bin"
    model.write_bytes(pickle.dumps({"layer.weight": [1.0], "x": Owned(proof)}, protocol))
    with pytest.raises(UnsafeError, match="open"):
        wb.open(model)
    assert not wb.open(model, allow_unsafe=True)
    assert not proof.exists()


def test_a_module_named_in_a_file_is_never_imported(tmp_path, monkeypatch):
    """Importing is already executing: a package beside the model, named by the pickle, would run its top level."""
    (tmp_path / "beside_the_model.py").write_text(f"open({str(tmp_path / 'owned')!r}, 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    source = BytesSource(b"\x80\x04\x8c\x10beside_the_model\x8c\x01f\x93)R.")
    formats.index(source)
    assert "beside_the_model" not in sys.modules
    assert not (tmp_path / "owned").exists()


def test_a_pickle_that_breaks_after_its_call_is_still_dangerous():
    """The payload runs at its REDUCE; what follows only has to make a scanner give up before it reports."""
    for rest in (b"\xff", b"h\x09.", b"0000.", b"T\xff\xff\xff\x7f", b"", b"gx\n.", b"\x80\x63."):
        index = formats.index(BytesSource(b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R" + rest))
        assert index.pickles[0].verdict is Verdict.DANGEROUS
        assert index.pickles[0].broken
        assert [anomaly.code for anomaly in index.anomalies] == ["pickle.broken"]


def test_a_broken_pickle_that_does_no_harm_is_an_error():
    """Nothing to report but the break: a damaged file is told as such, not as an attack."""
    with pytest.raises(FormatError):
        formats.index(BytesSource(pickle.dumps({"a": [1, 2, 3]})[:-4]))


def test_a_second_pickle_behind_the_first_is_found():
    """pickle.load stops at the first STOP, but programs that load twice go on; and so do we."""
    index = formats.index(BytesSource(pickle.dumps({"a": 1}) + b"cos\nsystem\n(S'true'\ntR."))
    assert [scan.verdict for scan in index.pickles] == [Verdict.ALLOWED, Verdict.DANGEROUS]


def test_frames_cannot_hide_a_program_from_us_that_cpython_runs():
    """CPython drops what is left of a frame when an argument leaves it, and so reads another program than is written.

    Here the frame ends inside the module's name: byte after byte it is 'collectionsos', for CPython 'os'.
    """
    text = b"ccollectionsos\nsystem\n."
    frame = 1 + len(b"collections")
    program = b"\x80\x04\x95" + frame.to_bytes(8, "little") + text
    assert real_imports(program) == [("os", "system")]
    assert verdict(program) == {Verdict.DANGEROUS}


def real_imports(program: bytes) -> list[tuple[str, str]]:
    """What CPython's unpickler asks for, when it reads from a file."""
    asked = []

    class Unpickler(pickle.Unpickler):
        def find_class(self, module, name):
            asked.append((module, name))

    Unpickler(io.BytesIO(program)).load()
    return asked


@pytest.mark.parametrize(
    "tower",
    [
        b"]" * 20_000 + b"a" * 19_999 + b".",
        b")" + b"\x85" * 20_000 + b".",
        b"}N" * 20_000 + b"}" + b"s" * 20_000 + b".",
        b"cbuiltins\nset\nq\x000)" + b"\x85q\x010h\x00h\x01R" * 20_000 + b".",
    ],
    ids=["lists", "tuples", "dictionaries", "calls"],
)
def test_a_tower_of_containers_does_not_exhaust_the_stack(tower, cheaply):
    """Twenty thousand containers in one another: a walk that recurses dies of it, and so may a destructor or a repr."""
    with cheaply(megabytes=40), pytest.raises(LimitError, match="deep"):
        formats.index(BytesSource(b"\x80\x02" + tower))


def test_a_tower_of_tensors_is_refused():
    """Parameters of parameters of parameters: each asks for the one inside before it can be listed."""
    tower = b"ctorch._utils\n_rebuild_parameter\nq\x000Nq\x010" + b"h\x00(h\x01\x89}tRq\x010" * 20_000 + b"h\x01."
    with pytest.raises(LimitError):
        formats.index(BytesSource(b"\x80\x02" + tower))


def test_a_billion_laughs_are_laughed_once(cheaply):
    """Sixty lists, each of ten references to the one before: a page of bytes that stands for more than 10^59 items."""
    program = b"\x80\x02]q\x00" + b"".join(
        b"]q" + bytes([n + 1]) + b"(" + (b"h" + bytes([n])) * 10 + b"e" for n in range(60)
    )
    with cheaply(megabytes=50):
        index = formats.index(BytesSource(program + b"."))
    assert [anomaly.code for anomaly in index.anomalies] == ["pickle.shared-containers"]


def test_a_million_opcodes_are_counted_before_they_fill_the_memory(monkeypatch, cheaply):
    """One byte makes a dictionary, which takes a hundred: memory has to be bounded by more than the file's size."""
    monkeypatch.setattr(machine.Budget.__init__, "__defaults__", (200_000,))
    with cheaply(megabytes=60), pytest.raises(LimitError, match="200,000 opcodes"):
        formats.index(BytesSource(b"\x80\x02" + b"}" * 1_000_000))


def test_a_claimed_length_allocates_nothing(cheaply):
    """A string of four gigabytes, a number of two, in a file of twenty bytes."""
    for claim in (
        b"X\xff\xff\xff\xff",
        b"\x8e" + b"\xff" * 8,
        b"\x8b\xff\xff\xff\x7f",
        b"T\xff\xff\xff\x7f",
        b"\x95" + b"\xff" * 8,
    ):
        with cheaply(megabytes=2), pytest.raises(FormatError):
            formats.index(BytesSource(b"\x80\x04" + claim + b"."))


def test_a_number_of_a_million_digits_costs_no_time(cheaply):
    """int() takes time by the square of the digits; ten such numbers would be minutes."""
    digits = b"L" + b"7" * 3_000_000 + b"L\n"
    with cheaply(megabytes=40):
        index = formats.index(BytesSource(b"(" + digits * 3 + b"t."))
    assert [(scan.nbytes, scan.broken) for scan in index.pickles] == [(3 * len(digits) + 3, "")]


def test_keys_that_collide_cost_no_time(cheaply):
    """Integers that are multiples of 2^61 - 1 all hash to zero: a real dictionary of them takes quadratic time."""
    prime = 2**61 - 1
    keys = b"".join(b"\x8a\x0a" + (n * prime).to_bytes(10, "little") + b"N" for n in range(1, 15_000))
    puts = b"".join(b"Np%d\n0" % (n * prime) for n in range(1, 15_000))
    with cheaply(megabytes=60):
        indexes = [formats.index(BytesSource(data)) for data in (b"\x80\x02}(" + keys + b"u.", puts + b"N.")]
    assert [scan.broken for index in indexes for scan in index.pickles] == ["", ""]


def test_a_memo_index_of_a_billion_takes_no_room(cheaply):
    """CPython keeps the memo in an array: an index of a billion makes it allocate eight gigabytes."""
    with cheaply(megabytes=2):
        index = formats.index(BytesSource(b"Np999999999999999\n0N\x94N."))
    assert index.pickles[0].broken == ""


def test_very_many_imports_are_bounded(cheaply):
    """A report of a million different imports would itself be the attack."""
    program = b"".join(b"cm%d\nf\n0" % n for n in range(20_000))
    with cheaply(megabytes=60):
        index = formats.index(BytesSource(program + b"N."))
    assert len(index.pickles[0].imports) == machine.MAX_IMPORTS
    assert "different imports" in index.pickles[0].broken


def test_a_dotted_name_does_not_borrow_its_modules_good_name():
    """From protocol 4 on a name may hold dots and is looked up step by step: torch's own modules all import os."""
    assert verdict(b"\x80\x04\x8c\x05torch\x8c\x17serialization.os.system\x93)R.") == {Verdict.DANGEROUS}


def test_names_of_python_2_are_judged_by_what_python_3_makes_of_them():
    """Below protocol 3 the unpickler translates old names: 'commands.getoutput' becomes 'subprocess.getoutput'."""
    assert verdict(b"\x80\x02ccommands\ngetoutput\nX\x04\0\0\0true\x85R.") == {Verdict.DANGEROUS}
    assert verdict(b"c__builtin__\nreduce\n.") == {Verdict.DANGEROUS}


def test_a_name_from_the_memo_is_followed():
    """Module and name are put into the memo far apart, among harmless texts, and fetched for STACK_GLOBAL."""
    program = b"\x80\x04\x8c\x06systemq\x050\x8c\x05torchq\x060\x8c\x02osq\x070h\x07h\x05\x93(X\x04\0\0\0truetR."
    assert verdict(program) == {Verdict.DANGEROUS}


def test_a_result_that_is_thrown_away_still_counts():
    """The call is popped from the stack at once: the object that is left looks innocent."""
    index = formats.index(BytesSource(b"\x80\x02(cos\nsystem\nX\x04\0\0\0trueo0}."))
    assert index.pickles[0].verdict is Verdict.DANGEROUS
    assert index.pickles[0].imports[0].called


def test_an_allowed_function_is_no_way_to_a_forbidden_one():
    """Functions that call what they are given: a subclass's rebuilder, a dictionary's factory, a hook."""
    for program in (
        b"ctorch._tensor\n_rebuild_from_type_v2\n(cos\nsystem\ncbuiltins\nstr\n(X\x04\0\0\0truetNtR.",
        b"ccollections\ndefaultdict\ncos\ngetcwd\n\x85R.",
        b"ctorch._utils\n_rebuild_parameter\n(N\x89ccollections\nOrderedDict\n)R(K\x00cos\nsystem\nutR.",
    ):
        assert verdict(b"\x80\x02" + program) == {Verdict.DANGEROUS}


def test_changing_what_is_imported_is_no_way_either():
    """No call at all: BUILD and SETITEMS change the class or the module that the program goes on to use."""
    for program in (
        b"ctorch.nn.modules.linear\nLinear\n(X\x07\0\0\0forwardNtb.",
        b"\x80\x02ccollections\nOrderedDict\n}X\x04\0\0\0copyNsb.",
        b"\x80\x02csys\nmodules\nX\x05\0\0\0torchNs.",
    ):
        assert Verdict.DANGEROUS in verdict(program)


def test_control_characters_do_not_reach_the_terminal():
    """A module's name that clears the screen and writes 'no findings' over the report."""
    evil = b"os\x1b[2J\x1b[1mno findings\x07\r"
    (scan,) = scan_pickles(BytesSource(b"c" + evil + b"\nsystem\xe2\x80\xae\n)R."))
    shown = "".join(str(part) for found in scan.imports for part in (found.qualified, found.arguments, found.reason))
    assert shown.isprintable()
    with pytest.raises(WeighbridgeError) as caught:
        formats.index(BytesSource(b"\x80\x02(X\x04\0\0\0a\x1b[2X\x04\0\0\0\x1b[1mQt\xff"))
    assert str(caught.value).isprintable()
