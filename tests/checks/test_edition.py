"""The edition of the checks: another rule, list or reader is another edition."""

import shutil
from pathlib import Path

import weighbridge
from weighbridge.checks import edition as module


def test_any_change_of_what_judges_is_another_edition(tmp_path, monkeypatch):
    package = Path(weighbridge.__file__).parent
    copy = tmp_path / "weighbridge"
    for name in module._JUDGING:
        shutil.copytree(package / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    first = module.edition.__wrapped__()
    monkeypatch.setattr(module, "files", lambda name: tmp_path / name)
    assert module.edition.__wrapped__() == first == module.edition()
    (copy / "scan/judges/new_rule.py").write_text("")
    second = module.edition.__wrapped__()
    (copy / "checks/files.py").write_text("changed")
    assert len({first, second, module.edition.__wrapped__()}) == 3
