"""`weigh serve` and `weigh hub` as people run them."""

import json
import signal
import socket
import subprocess
import sys

import pytest

from weighbridge.cli.main import run

WEIGH = [sys.executable, "-m", "weighbridge"]


def weigh(*arguments, **options):
    return subprocess.run([*WEIGH, *map(str, arguments)], capture_output=True, text=True, timeout=60, **options)


def test_a_token_made_while_the_hub_runs_works_at_once_and_is_all_that_is_printed(server):
    made = weigh("hub", "token", "create", "--user", "ada", "--role", "read", "--name", "live", "--data", server.data)
    assert made.returncode == 0
    assert made.stderr == ""
    assert len(made.stdout.splitlines()) == 1
    token = made.stdout.strip()
    assert "ada" in server.hf("auth", "whoami", token=token)
    listed = json.loads(weigh("hub", "token", "list", "--user", "ada", "--json", "--data", server.data).stdout)
    assert "live" in [each["name"] for each in listed]
    assert token not in json.dumps(listed)
    assert weigh("hub", "token", "revoke", "live", "--user", "ada", "--data", server.data).returncode == 0
    assert "Invalid" in server.hf("auth", "whoami", token=token, ok=False)


def test_organisations_are_made_while_the_hub_runs(server):
    assert weigh("hub", "org", "add", "lab", "--data", server.data).returncode == 0
    assert weigh("hub", "org", "member", "lab", "ada", "--role", "write", "--data", server.data).returncode == 0
    server.python("from huggingface_hub import HfApi; HfApi().create_repo('lab/ours')")
    gone = weigh("hub", "org", "member", "lab", "ada", "--remove", "--data", server.data)
    assert (gone.returncode, gone.stdout) == (0, "")
    assert "403" in server.python("from huggingface_hub import HfApi; HfApi().create_repo('lab/more')", ok=False)


def test_a_hub_begins_with_its_first_user(tmp_path):
    data = tmp_path / "new"
    assert weigh("hub", "user", "add", "ada", "--fullname", "Ada L.", "--data", data).stdout == "user ada\n"
    [only] = json.loads(weigh("hub", "user", "list", "--json", "--data", data).stdout)
    assert only == {"name": "ada", "kind": "user", "fullname": "Ada L."}


def test_a_port_in_use_is_told(server, tmp_path):
    refused = weigh("serve", "--data", tmp_path / "other", "--port", server.port)
    assert refused.returncode == 2
    assert "another program listens" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "other").exists()


def test_a_second_server_on_the_same_folder_is_refused(server):
    refused = weigh("serve", "--data", server.data, "--port", 0)
    assert refused.returncode == 2
    assert "another 'weigh serve'" in refused.stderr
    assert "ada" in server.hf("auth", "whoami")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["serve", "--data", "{file}"], "is a file"),
        (["serve", "--data", "{folder}"], "other files"),
        (["serve", "--data", "{new}", "--host", "not an address"], "cannot listen"),
        (["serve", "--data", "{new}", "--port", "70000"], "65535"),
        (["hub", "token", "create", "--user", "ada", "--data", "{new}"], "no hub here"),
        (["hub", "token", "create", "--user", "nobody", "--data", "{hub}"], "no user or organisation"),
        (["hub", "token", "create", "--user", "ada", "--role", "god", "--data", "{hub}"], "no role"),
        (["hub", "user", "add", "ada", "--data", "{hub}"], "taken"),
        (["hub", "user", "add", "../ada", "--data", "{hub}"], "cannot be a name"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(server, tmp_path, capsys, arguments, expected):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("x")
    places = {
        "file": tmp_path / "folder" / "file",
        "folder": tmp_path / "folder",
        "new": tmp_path / "new",
        "hub": server.data,
    }
    status = run([argument.format(**places) for argument in arguments])
    told = capsys.readouterr()
    assert status == 2
    assert expected in told.err
    assert "Traceback" not in told.err
    assert told.out == ""
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_in_good_order(own_server, how):
    assert own_server.stop(how) == 0
    assert own_server.log() == ""
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", own_server.port), timeout=1)
    own_server.start()
