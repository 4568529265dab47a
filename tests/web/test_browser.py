"""The pages in a real Chromium: what is drawn, what is loaded, what fits."""

from __future__ import annotations

import re
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import uvicorn

from weighbridge.server.app import create_app

from .conftest import HOSTILE, Scene

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: no chromium or google-chrome on the PATH"),
]

BERT = "/lab/tiny-bert"
PAGES = [
    *("/", "/datasets", "/ada", "/ada/empty", "/-/sign-in", "/ada/odd", "/ada/odd/tree/main", "/ada/odd/report/main"),
    *(BERT, f"{BERT}/tree/main", f"{BERT}/blob/main/config.json", f"{BERT}/commits/main", f"{BERT}/commit/main"),
    *(f"{BERT}/tensors/main", f"{BERT}/tensors/main?name=embeddings.word.weight", f"{BERT}/report/main"),
]


@pytest.fixture(scope="module")
def address(scene: Scene) -> Iterator[str]:
    """Where the pages are served, on a free port."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(scene.hub), log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def chromium():
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*quiet, "--no-first-run"])
        yield browser
        browser.close()


@dataclass
class Tab:
    """A tab that notes what went wrong in it and what it asked for."""

    page: sync_api.Page
    address: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda said: said.type in ("error", "warning", "trace") and self._note(said.text))
        self.page.on("pageerror", lambda error: self._note(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def _note(self, complaint: str) -> None:
        self.complaints.append(complaint)

    def open(self, path: str) -> sync_api.Page:
        self.page.goto(self.address + path)
        if self.page.locator(".wb-figure").count():
            self.page.locator(".wb-plot svg.main-svg").first.wait_for()
        return self.page

    def assert_clean(self) -> None:
        assert self.complaints == []
        elsewhere = [url for url in self.requests if not url.startswith((f"{self.address}/", "data:"))]
        assert elsewhere == []


@pytest.fixture
def tab(chromium, address) -> Iterator[Tab]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    tab = Tab(context.new_page(), address)
    tab.page.set_default_timeout(20_000)
    yield tab
    tab.assert_clean()
    context.close()


def _eventually(page: sync_api.Page, condition: str, what: str) -> None:
    """Wait until `condition` holds. Playwright's own wait evaluates text in the page, which our policy forbids."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"{what}: {condition} never came true")


def test_from_home_by_search_to_the_histogram_of_a_tensor(tab):
    page = tab.open("/")
    page.get_by_role("searchbox").fill("bert")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="lab/tiny-bert").click()
    page.get_by_role("heading", name="Tiny BERT").wait_for()
    page.get_by_role("link", name="Tensors", exact=True).click()
    page.locator(".wb-plot .treemaplayer .slice").nth(10).wait_for()
    page.get_by_role("searchbox", name="Filter tensors by name").fill("layer.1 query")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="encoder.layer.1.query.weight").click()
    page.locator(".wb-plot svg .bars path").first.wait_for()
    assert page.locator(".wb-plot svg .bars path").count() > 20
    assert "256" in page.locator(".ticket").first.inner_text()


def test_a_click_on_the_map_leads_to_the_tensor(tab):
    page = tab.open(f"{BERT}/tensors/main")
    page.locator(".treemaplayer .slice", has_text="query.weight").last.click()
    page.wait_for_url("**/tensors/main?name=*")
    page.locator(".wb-plot svg .bars path").first.wait_for()


def test_the_colours_follow_the_system_and_then_the_button(tab):
    page = tab.open(BERT)
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="Switch between light and dark").click()
    dark = page.evaluate(background)
    assert sum(map(int, re.findall(r"\d+", light))) > 600
    assert sum(map(int, re.findall(r"\d+", dark))) < 150
    tab.open(f"{BERT}/tensors/main")
    assert page.evaluate(background) == dark  # remembered
    page.emulate_media(color_scheme="dark")
    page.evaluate("localStorage.clear()")
    tab.open("/")
    assert page.evaluate(background) == dark


def test_figures_are_drawn_again_in_the_other_colours(tab):
    page = tab.open(f"{BERT}/tensors/main?name=embeddings.word.weight")
    tick = "getComputedStyle(document.querySelector('.xtick text')).fill"
    light = page.evaluate(tick)
    page.get_by_role("button", name="Switch between light and dark").click()
    _eventually(page, f"{tick} !== {light!r}", "the axis")


def test_no_page_is_wider_than_the_screen(tab):
    for path in PAGES:
        for width in (390, 320, 1280):  # opened on a phone, then turned and resized
            tab.page.set_viewport_size({"width": width, "height": 800})
            page = tab.open(path) if width == 390 else tab.page
            # Figures follow a moment after the window.
            _eventually(page, f"document.documentElement.scrollWidth <= {width}", path)


def test_without_scripts_everything_but_figures_is_there(chromium, address):
    context = chromium.new_context(java_script_enabled=False, color_scheme="dark")
    page = context.new_page()
    page.goto(f"{address}{BERT}/tensors/main?q=layer.2")
    assert page.get_by_role("link", name="encoder.layer.2.key.weight").is_visible()
    assert page.get_by_role("button", name="Switch between light and dark").count() == 0
    page.goto(f"{address}{BERT}")
    assert page.get_by_text("hf download lab/tiny-bert").is_visible()
    context.close()


def test_hostile_names_run_nothing(tab):
    tab.page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    for path in ("/ada/odd", "/ada/odd/tree/main", "/ada/odd/commits/main", "/ada/odd/tensors/main"):
        tab.open(path)
    tab.page.get_by_role("link", name=HOSTILE).first.click()
    tab.page.locator(".wb-plot svg .bars path").first.wait_for()


def test_one_signs_in_and_out(tab, scene):
    page = tab.open("/ada")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Token").fill(scene.token)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="ada/secret").click()
    page.get_by_role("heading", name="Nobody knows").wait_for()
    page.locator("summary", has_text="ada").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign in").wait_for()
    assert page.get_by_role("link", name="ada/secret").count() == 0


def test_a_command_is_copied(chromium, address):
    context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{address}{BERT}")
    page.get_by_role("button", name="Copy").first.click()
    assert "hf download lab/tiny-bert" in page.evaluate("navigator.clipboard.readText()")
    context.close()


def test_a_page_can_be_used_by_keyboard_alone(tab):
    page = tab.open(f"{BERT}/tree/main")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    menu = page.locator("details.menu").first
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    assert menu.evaluate("menu => menu.open")
    page.keyboard.press("Escape")
    assert not menu.evaluate("menu => menu.open")
