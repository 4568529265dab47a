"""Signing in and out, and what only somebody who signed in may see."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from weighbridge.server.web.headers import SafeHeaders
from weighbridge.server.web.session import SessionDownloads

from .conftest import SECRET

ORIGIN = {"origin": "http://hub.test"}
HIDDEN = ["/ada/secret", "/ada/secret/tree/main", "/ada/secret/blob/main/README.md", "/ada/secret/commits/main"]
HIDDEN += ["/ada/secret/commit/main", "/ada/secret/tensors/main", "/ada/secret/report/main"]


@pytest.fixture
def browser(app):
    """A browser of one's own, not signed in."""
    with TestClient(app, base_url="http://hub.test", follow_redirects=False) as client:
        yield client


def test_a_token_becomes_a_cookie_that_no_script_and_no_other_site_can_use(browser, scene):
    answer = browser.post("/-/sign-in", data={"token": f" {scene.token}\n", "next": "/ada/secret"}, headers=ORIGIN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/ada/secret")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie
    assert ">ada<" in browser.get("/").text


def test_over_https_the_cookie_never_travels_in_the_clear(app, scene):
    with TestClient(app, base_url="https://hub.test", follow_redirects=False) as browser:
        answer = browser.post("/-/sign-in", data={"token": scene.token}, headers={"origin": "https://hub.test"})
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("address", HIDDEN)
def test_what_one_may_not_see_looks_like_what_is_not_there(client, signed_in, app, scene, address):
    hidden, missing = client.get(address), client.get(address.replace("secret", "nothing"))
    assert hidden.status_code == missing.status_code == 404
    assert hidden.text.replace("secret", "nothing") == missing.text
    assert signed_in.get(address).status_code == 200
    with TestClient(app, base_url="http://hub.test") as eve:
        eve.post("/-/sign-in", data={"token": scene.reader}, headers=ORIGIN)
        assert ">eve<" in eve.get("/").text
        assert eve.get(address).status_code == 404


@pytest.mark.parametrize("token", ["", "nonsense", "wb_" + "a" * 40, "ü" * 20, "\x00", "a" * 5000])
def test_a_wrong_token_signs_nobody_in(browser, token):
    answer = browser.post("/-/sign-in", data={"token": token, "next": "/ada"}, headers=ORIGIN)
    assert answer.status_code == 401
    assert "does not know that token" in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("cookie", ["nonsense", "", "a" * 4000, '"><script>'])
def test_a_cookie_that_is_no_token_is_nobody(app, cookie):
    with TestClient(app, base_url="http://hub.test", cookies={"weighbridge": cookie}) as browser:
        answer = browser.get("/")
    assert answer.status_code == 200
    assert "Sign in" in answer.text


def test_a_revoked_token_is_worth_nothing_at_once(browser, scene):
    token = scene.hub.people.create_token("ada", name="to be revoked")
    browser.post("/-/sign-in", data={"token": token}, headers=ORIGIN)
    assert browser.get("/ada/secret").status_code == 200
    scene.hub.people.revoke("ada", "to be revoked")
    assert browser.get("/ada/secret").status_code == 404


def test_signing_out_ends_it(browser, scene):
    browser.post("/-/sign-in", data={"token": scene.token}, headers=ORIGIN)
    answer = browser.post("/-/sign-out", headers=ORIGIN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert browser.get("/ada/secret").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://hub.test.evil.example"},
        {"origin": "http://evil.example/hub.test"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "http://evil.example", "sec-fetch-site": "same-origin"},
    ],
)
@pytest.mark.parametrize("address", ["/-/sign-in", "/-/sign-out"])
def test_no_other_site_can_sign_a_browser_in_or_out(signed_in, scene, headers, address):
    answer = signed_in.post(address, data={"token": scene.reader}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert ">ada<" in signed_in.get("/").text


def test_signing_in_leads_to_no_other_site(browser, scene):
    form = {"token": scene.token, "next": "//evil.example/"}
    assert browser.post("/-/sign-in", data=form, headers=ORIGIN).headers["location"] == "/"
    assert 'value="/"' in browser.get("/-/sign-in?next=https://evil.example").text


def test_signing_out_needs_a_form(signed_in):
    assert signed_in.get("/-/sign-out").status_code in (404, 405)
    assert ">ada<" in signed_in.get("/").text


def test_a_session_reads_files_and_changes_nothing(app, scene):
    """The cookie stands in for the header only where files are fetched."""
    heard = []

    async def echo(scope, receive, send):
        heard.append(dict(scope["headers"]).get(b"authorization"))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    guarded = SafeHeaders(SessionDownloads(echo))
    browser = TestClient(guarded, base_url="http://hub.test", cookies={"weighbridge": scene.token})
    file = browser.get("/ada/secret/resolve/main/README.md")
    browser.get("/ada/secret/resolve/main/README.md", headers={"authorization": "Bearer mine"})
    browser.get("/api/whoami-v2")
    browser.post("/ada/secret/resolve/main/README.md")
    browser.delete("/api/repos/delete")
    assert heard == [f"Bearer {scene.token}".encode(), b"Bearer mine", None, None, None]
    assert "sandbox" in file.headers["content-security-policy"]
    assert file.headers["x-content-type-options"] == "nosniff"


def test_a_signed_in_stranger_finds_the_same_number_of_models(app, client, scene):
    with TestClient(app, base_url="http://hub.test") as eve:
        eve.post("/-/sign-in", data={"token": scene.reader}, headers=ORIGIN)
        assert eve.get("/").text.count('class="name"') == client.get("/").text.count('class="name"')
        assert SECRET.name not in eve.get("/ada").text
