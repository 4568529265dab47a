"""The page: whole in itself, harmless whatever a file is called, and drawn by a real browser."""

import re
import shutil
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from weighbridge.report import CheckResult, Group, Outcome, Report, Statistics, TensorFacts
from weighbridge.report.html import to_html

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Page(HTMLParser):
    """Every element with its attributes, and the text of scripts."""

    def __init__(self, text):
        super().__init__()
        self.elements = []
        self.scripts = []
        self._text = ""
        self.feed(text)

    @property
    def policy(self):
        (found,) = [a["content"] for _, a in self.elements if a.get("http-equiv") == "Content-Security-Policy"]
        return found

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        if self.lasttag == "script" and self.cdata_elem == "script":
            self._text += data

    def handle_endtag(self, tag):
        if tag == "script" and self.elements[-1] == ("script", {}):
            self.scripts.append(self._text)
        self._text = ""


def test_no_foreign_text_becomes_an_element(report):
    page = Page(to_html(report))
    assert "img" not in {tag for tag, _ in page.elements}
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]


def test_the_page_loads_nothing(report):
    text = to_html(report)
    outside = [attributes for _, attributes in Page(text).elements if {"src", "href", "action"} & set(attributes)]
    assert outside == []


def test_the_policy_allows_the_pages_own_scripts_only(report):
    page = Page(to_html(report))
    policy = page.policy
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy
    assert "unsafe-inline" not in policy.split("style-src")[0]
    digests = {f"'sha256-{b64encode(sha256(code.encode()).digest()).decode()}'" for code in page.scripts}
    assert digests == set(re.search(r"script-src ([^;]*);", policy)[1].split())
    assert len(digests) == 3


def test_findings_come_before_everything_else(report):
    text = to_html(report)
    assert text.index('id="findings"') < text.index('id="checks"') < text.index('id="room"')
    assert text.index("would call os.system") < text.index('id="checks"')


def test_the_same_report_gives_the_same_page(report):
    assert to_html(report) == to_html(report)


def test_a_page_without_anatomy_is_small():
    text = to_html(Report("x", (CheckResult("anatomy", "A", Outcome.SKIPPED, reason="nothing to read"),), "0", ""))
    assert "nothing to read" in text
    assert "script-src 'none'" in Page(text).policy
    assert len(text) < 20_000


def test_a_page_without_tensors_has_no_figures(anatomy):
    facts = replace(anatomy, listed=(), layers=(), dtypes=(), tensors=0).to_json()
    text = to_html(Report("x", (CheckResult("anatomy", "A", Outcome.PASS, facts=facts),), "0", ""))
    assert 'wb-figure"' not in text
    assert 'id="files"' in text
    assert Page(text).scripts == []


@pytest.fixture
def large(anatomy, statistics_of):
    """A report on this many tensors."""
    return lambda tensors: _large(anatomy, statistics_of, tensors)


def _large(anatomy, statistics_of, tensors):
    names = [f"model.layers.{at // 10}.part{at % 10}.weight" for at in range(tensors)]
    listed = tuple(TensorFacts(name, "F32", (64, 64), 16384, name.rsplit(".", 2)[0], "f") for name in names)
    layers = tuple(Group(f"model.layers.{at}", 10, 40960, 163840) for at in range(tensors // 10))
    facts = replace(anatomy, listed=listed, layers=layers, tensors=tensors, nbytes=16384 * tensors).to_json()
    values = Statistics(tuple(statistics_of(name) for name in names)).to_json()
    results = (
        CheckResult("anatomy", "", Outcome.PASS, facts=facts),
        CheckResult("statistics", "", Outcome.PASS, facts=values),
    )
    return Report("large", results, "0", "")


def test_a_page_of_ten_thousand_tensors_stays_a_few_megabytes(large):
    few, many = len(to_html(large(100))), len(to_html(large(10_000)))
    assert many - few < 6_000_000


def test_what_is_left_out_is_said(large):
    text = to_html(large(20_010))
    assert "The table lists the first 20,000 of 20,010 tensors." in text
    assert "Histograms are of the 10,000 largest of 20,010 tensors." in text


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("there is no Chromium")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def opened(browser, tmp_path, report, **options):
    """The page in a real browser, and whatever it complained of or asked the network for."""
    path = tmp_path / "report.html"
    path.write_text(to_html(report), encoding="utf-8")
    page = browser.new_context(**options).new_page()
    trouble = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith("file:") else trouble.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector(".wb-plot .main-svg")
    return page, trouble


@pytest.mark.browser
def test_a_browser_draws_it_and_runs_nothing_foreign(browser, tmp_path, report):
    page, trouble = opened(browser, tmp_path, report)
    assert page.title() != "1"
    assert trouble == []
    assert page.locator("img[src=x]").count() == 0
    assert page.locator(".wb-plot .treemaplayer, .wb-plot .trace").count() > 0
    assert page.locator("table.tensors tbody tr").count() == 2
    # The policy is a second wall: behind it, even our own mistake in escaping would be harmless.
    page.evaluate("""() => { const script = document.createElement('script');
        script.textContent = 'document.title = "pwned"'; document.body.append(script);
        document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="document.title=`pwned`">'); }""")
    page.wait_for_timeout(200)
    assert page.title() != "pwned"


@pytest.mark.browser
def test_choosing_a_tensor_shows_its_histogram(browser, tmp_path, report):
    page, trouble = opened(browser, tmp_path, report)
    page.locator("table.tensors button", has_text=re.compile("^b$")).click()
    select = page.locator(".wb-figure select")
    assert select.evaluate("e => e.selectedOptions[0].text") == "b"
    page.fill("#search", "nothing like it")
    assert page.locator("table.tensors tbody tr").count() == 0
    assert page.locator("output").inner_text() == "0 of 2 tensors"
    assert trouble == []


@pytest.mark.browser
def test_a_phone_in_the_dark_needs_no_sideways_scrolling(browser, tmp_path, report):
    page, _ = opened(browser, tmp_path, report, viewport={"width": 360, "height": 740}, color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 20, 25)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(231, 234, 238)"


@pytest.mark.browser
def test_ten_thousand_tensors_are_drawn(browser, tmp_path, large):
    page, trouble = opened(browser, tmp_path, large(10_000))
    assert page.locator("table.tensors tbody tr").count() == 50
    page.fill("#search", "layers.999")
    assert page.locator("output").inner_text() == "10 of 10000 tensors"
    assert trouble == []
