"""`weigh push` and `weigh pull` against a real hub, where kinds and branches differ from the default."""

import json
import time

import httpx


def test_a_branch_that_is_not_there_yet_is_made_and_main_stays_as_it_was(server, tmp_path):
    (tmp_path / "a.txt").write_text("on main")
    first = json.loads(server.weigh("push", str(tmp_path / "a.txt"), "ada/branched", "--json"))
    (tmp_path / "a.txt").write_text("on dev")
    for _ in range(2):
        server.weigh("push", str(tmp_path / "a.txt"), "ada/branched", "--branch", "dev")
    server.weigh("pull", "ada/branched@dev", "--out", str(tmp_path / "dev"))
    assert (tmp_path / "dev/a.txt").read_text() == "on dev"
    pulled = json.loads(server.weigh("pull", "ada/branched", "--out", str(tmp_path / "main"), "--json"))
    assert (tmp_path / "main/a.txt").read_text() == "on main"
    assert pulled["revision"] == first["revision"]


def test_the_address_of_a_pushed_dataset_is_its_page(server, tmp_path):
    (tmp_path / "d.csv").write_text("a,b\n1,2\n")
    pushed = json.loads(server.weigh("push", str(tmp_path / "d.csv"), "ada/table", "--kind", "dataset", "--json"))
    assert pushed["url"] == f"{server.url}/datasets/ada/table"
    assert "ada/table" in when_examined(pushed["url"])


def when_examined(url):
    """What a stranger reads at this address, once the checks have looked at it."""
    until = time.monotonic() + 60
    while (answer := httpx.get(url, timeout=30)).status_code == 503 and time.monotonic() < until:
        assert answer.headers["content-type"].startswith("text/html")
        time.sleep(0.5)
    return answer.raise_for_status().text


def test_a_kind_that_no_hub_has_is_refused_in_a_sentence(server, tmp_path):
    (tmp_path / "a.txt").write_text("a")
    told = server.weigh("push", str(tmp_path / "a.txt"), "ada/odd", "--kind", "zip", ok=False)
    assert "not 'zip'" in told
    assert "Traceback" not in told
