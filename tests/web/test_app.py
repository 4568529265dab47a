"""The pages inside the whole application: nothing shadows anything, and a session fetches files."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from weighbridge.server.app import create_app

ORIGIN = {"origin": "http://hub.test"}


@pytest.fixture(scope="module")
def whole(scene):
    """The whole application; without its lifespan, so that nothing runs beside the tests."""
    return create_app(scene.hub)


@pytest.fixture
def browser(whole):
    return TestClient(whole, base_url="http://hub.test", follow_redirects=False)


def test_programs_and_people_are_answered_at_their_own_addresses(browser):
    assert browser.get("/api/models").json()[0]["id"]
    assert browser.get("/lab/tiny-bert/resolve/main/config.json").json()["hidden_size"] == 16
    assert browser.get("/lab/tiny-bert").headers["content-type"].startswith("text/html")
    assert browser.get("/lab/tiny-bert/tree/try%2Ffaster/notes").status_code == 200


def test_programs_are_told_in_json_and_people_in_pages(browser):
    for address in ("/api/nothing", "/api/models/lab/nothing", "/api"):
        answer = browser.get(address)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json"), address
    assert browser.get("/lab/nothing").headers["content-type"].startswith("text/html")


def test_downloads_that_a_page_links_to_work_for_who_signed_in(browser, scene):
    address = "/ada/secret/resolve/main/README.md"
    assert browser.get(address).status_code in (401, 404)
    browser.post("/-/sign-in", data={"token": scene.token}, headers=ORIGIN)
    assert browser.get(address).content == b"# Nobody knows"


def test_a_session_is_no_key_to_the_api(browser, scene):
    browser.post("/-/sign-in", data={"token": scene.token}, headers=ORIGIN)
    assert browser.get("/api/whoami-v2").status_code == 401
    assert browser.post("/api/repos/create", json={"name": "x"}).status_code == 401


def test_the_page_of_a_mistake_names_the_request_as_its_header_does(whole, scene, monkeypatch, caplog):
    monkeypatch.setattr(scene.hub.refs, "list", lambda *_: 1 / 0)
    answer = TestClient(whole).get("/lab/tiny-bert/tree/main", headers={"x-request-id": "mine-1"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "mine-1")
    assert "Request <code>mine-1</code>" in answer.text
    assert "mine-1" in caplog.text


def test_a_stored_page_cannot_act_as_a_page_of_the_hub(browser):
    answer = browser.get("/ada/odd/resolve/main/page.html")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_report_links_to_its_json(browser):
    assert 'href="/api/models/lab/tiny-bert/report/main"' in browser.get("/lab/tiny-bert/report/main").text
    assert browser.get("/api/models/lab/tiny-bert/report/main").json()["results"]
