"""The live page shows a run as far as it is, to this machine alone."""

import socket
import urllib.error
import urllib.request

import pytest

from weighbridge.errors import PortInUseError
from weighbridge.learn.publish.live import Live, served
from weighbridge.learn.training import Step, run

from ..samples import blobs, recipe


def get(address, path="", **headers):
    request = urllib.request.Request(address + path, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode(), answer.headers


def test_the_page_follows_a_run(tmp_path):
    live, pages = Live(tmp_path, "<b>run</b>"), []

    with served(live) as address:
        pages.append(get(address)[0])

        def tell(event):
            live.tell(event)
            if isinstance(event, Step) and event.step == 9:
                pages.append(get(address)[0])

        run(recipe(), blobs(), tmp_path, tell=tell)
        pages.append(get(address)[0])
        body, headers = get(address, "plotly.js")
    before, during, after = pages
    assert "Getting ready." in before
    assert "No step is done yet." in before
    assert "Step 9 of 12" in during
    assert 'http-equiv="refresh"' in during
    assert 'data-wb="figure"' in during
    assert "Step 12 of 12" in after
    assert 'http-equiv="refresh"' not in after
    assert "Weights over time" in after
    assert "<b>run</b>" not in after
    assert len(body) > 100_000
    assert "script-src 'self'" in headers["Content-Security-Policy"]


def test_other_names_for_this_address_and_other_paths_are_refused(tmp_path):
    with served(Live(tmp_path, "run")) as address:
        for path, headers, status in (("", {"Host": "evil.example"}, 403), ("../etc/passwd", {}, 404)):
            with pytest.raises(urllib.error.HTTPError) as refused:
                get(address, path, **headers)
            assert refused.value.code == status


def test_a_port_that_is_taken_is_told(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with (
            pytest.raises(PortInUseError, match="cannot be used"),
            served(Live(tmp_path, "run"), taken.getsockname()[1]),
        ):
            pass
