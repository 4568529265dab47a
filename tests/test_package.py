"""What the package promises before anything is used."""

import json
import subprocess
import sys

import pytest

import weighbridge

HEAVY = ("torch", "ray", "fastapi", "sqlalchemy", "numpy", "plotly", "pydantic", "huggingface_hub", "typer")


def _python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_importing_weighbridge_pulls_in_nothing_heavy():
    loaded = json.loads(_python("import sys, json, weighbridge; print(json.dumps(sorted(sys.modules)))"))
    assert [name for name in HEAVY if name in loaded] == []


def test_importing_weighbridge_loads_no_module_of_its_own():
    code = "import sys, weighbridge; print([name for name in sys.modules if name.startswith('weighbridge.')])"
    assert _python(code).strip() == "[]"


@pytest.mark.parametrize("name", [name for name in weighbridge.__all__ if name != "__version__"])
def test_every_public_name_loads(name):
    assert getattr(weighbridge, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="frobnicate"):
        _ = weighbridge.frobnicate


def test_reading_weights_needs_neither_torch_nor_the_server():
    code = "import sys, json, weighbridge as wb; wb.open, wb.check, wb.Store; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(_python(code))
    assert [name for name in ("torch", "fastapi", "sqlalchemy", "huggingface_hub") if name in loaded] == []
