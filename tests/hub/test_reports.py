"""Reports on revisions: made beside requests, kept, and taken up again after a death."""

import json

import numpy as np
import pytest
from safetensors.numpy import save

from weighbridge.hub import AddFile, Hub, ReportStatus
from weighbridge.hub.reports import Reports
from weighbridge.report import Severity

WEIGHTS = save({"a": np.ones((4, 4), np.float32), "b": np.zeros(3, np.float16)})
# What a pickle of `os.system("echo owned")` looks like; it is read here, and never loaded.
DANGEROUS = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\necho owned\x85R."


@pytest.fixture
def add(hub, ada, model):
    def add(**files):
        operations = [AddFile(name.replace("__", "."), content) for name, content in files.items()]
        return hub.content.commit(ada, model, "main", operations, title="x")

    return add


def examine_all(hub):
    while hub.reports.examine_next():
        pass


def test_a_revision_gets_a_report(hub, ada, model, add):
    made = add(model__safetensors=WEIGHTS)
    assert hub.reports.state(ada, model).status is ReportStatus.PENDING
    assert hub.reports.get(ada, model) is None
    examine_all(hub)
    assert hub.reports.state(ada, model).status is ReportStatus.READY
    report = hub.reports.get(ada, model, made.oid)
    assert report.subject == "ada/scale"
    assert json.loads(hub.reports.json(ada, model))["subject"] == "ada/scale"


def test_a_dangerous_pickle_is_told_and_not_run(hub, ada, model, add, capfd):
    add(model__bin=DANGEROUS)
    examine_all(hub)
    report = hub.reports.get(ada, model)
    assert report is not None, hub.reports.state(ada, model)
    assert any(finding.severity is Severity.DANGER for finding in report.findings)
    assert "owned" not in capfd.readouterr().out


@pytest.mark.parametrize("files", [{}, {"README__md": b"# x"}, {"data__csv": b"a,b\n1,2\n"}])
def test_a_revision_without_weights_says_so(hub, ada, model, add, files):
    add(**files)
    examine_all(hub)
    assert hub.reports.state(ada, model).status is ReportStatus.NOTHING


def test_broken_weights_have_a_report_too(hub, ada, model, add):
    add(model__safetensors=WEIGHTS[:-1])
    examine_all(hub)
    state = hub.reports.state(ada, model)
    assert state.status is ReportStatus.READY, state
    assert hub.reports.get(ada, model).exit_status != 0


def test_a_revision_that_cannot_be_examined_has_a_reason(hub, ada, model, add, monkeypatch):
    add(model__safetensors=WEIGHTS)
    monkeypatch.setattr("weighbridge.hub.reports.LONGEST_EXAMINATION", 0.01)
    examine_all(hub)
    state = hub.reports.state(ada, model)
    assert (state.status, "longer than" in state.reason) == (ReportStatus.FAILED, True)


def test_what_a_dead_process_left_is_taken_up_again(hub, ada, model, add):
    add(model__safetensors=WEIGHTS)
    assert hub.reports._claim() is not None  # the initial commit
    assert hub.reports._claim() is not None
    assert not hub.reports.examine_next()
    assert hub.reports.state(ada, model).status is ReportStatus.RUNNING
    with Hub.open(hub.data) as later:
        later.reports.start()
        for _ in range(400):
            if later.reports.state(ada, model).status is ReportStatus.READY:
                break
            later.reports._stopping.wait(0.05)
        assert later.reports.state(ada, model).status is ReportStatus.READY


def test_a_repository_that_is_deleted_meanwhile_is_forgotten(hub, ada, model, add, monkeypatch):
    add(model__safetensors=WEIGHTS)
    examined = Reports._examine

    def deleting(self, repo, entries, arrival):
        hub.repos.delete(ada, model)
        return examined(self, repo, entries, arrival)

    monkeypatch.setattr(Reports, "_examine", deleting)
    examine_all(hub)
    assert hub.repos.list(ada).repos == ()
