"""What each page shows, on a real hub."""

from __future__ import annotations

import re
from html import unescape

import numpy as np
import pytest
from fastapi.testclient import TestClient
from safetensors.numpy import save

from weighbridge.errors import CorruptError
from weighbridge.hub import AddFile, RepoId
from weighbridge.server.web import facts

from .conftest import HOSTILE, MODEL, application, examine, tiny_weights

BERT = "/lab/tiny-bert"
EVERY_PAGE = [
    "/",
    "/?search=bert&sort=downloads",
    "/datasets",
    "/spaces",
    "/ada",
    BERT,
    f"{BERT}/card/v1.0",
    f"{BERT}/tree/main",
    f"{BERT}/tree/v1.0/img",
    f"{BERT}/tree/try%2Ffaster/notes",
    f"{BERT}/blob/main/config.json",
    f"{BERT}/blob/main/notes/what%20next.md",
    f"{BERT}/blob/main/model.safetensors",
    f"{BERT}/commits/main",
    f"{BERT}/commit/main",
    f"{BERT}/tensors/main",
    f"{BERT}/tensors/main?name=embeddings.word.weight",
    f"{BERT}/report/main",
    "/ada/odd",
    "/ada/odd/tensors/main",
    "/ada/odd/commits/main",
    "/ada/odd/tree/main",
    "/ada/empty",
    "/ada/empty/tensors/main",
    "/ada/empty/report/main",
    "/datasets/ada/silhouettes",
    "/datasets/ada/silhouettes/tree/main/train",
    "/-/sign-in",
]


def text_of(html: str) -> str:
    """What a reader sees."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", html, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())


@pytest.mark.parametrize("address", EVERY_PAGE)
def test_every_page_is_guarded_and_brings_no_script_or_style_of_its_own(client, address):
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "private" in answer.headers["cache-control"]
    for attributes in re.findall(r"<script\b([^>]*)>", answer.text):
        assert 'src="/-/static/' in attributes or 'type="application/json"' in attributes
    assert not re.search(r"<style\b|\sstyle=|\son[a-z]+=", answer.text)
    assert "alert(1)</script>" not in answer.text
    assert not re.search(r'(?:src|href)="(?!/|\?|#|https?://|mailto:)', answer.text)


@pytest.mark.parametrize("address", ["/", BERT, f"{BERT}/tree/main", "/-/sign-in"])
def test_head_answers_like_get(client, address):
    assert client.head(address).status_code == 200


def test_home_lists_what_everybody_may_see(client, signed_in):
    seen = text_of(client.get("/").text)
    assert "lab/ tiny-bert" in seen
    assert "4.0k parameters" not in seen  # below ten thousand, counts are exact
    assert "6,273 parameters" in seen
    assert "apache-2.0" in seen
    assert "secret" not in seen
    mine = text_of(signed_in.get("/").text)
    assert "ada/ secret" in mine
    assert "private" in mine


def test_home_searches_names_and_says_when_nothing_matches(client):
    assert "tiny-bert" in client.get("/?search=BERT+lab").text
    seen = text_of(client.get("/?search=zebra").text)
    assert "tiny-bert" not in seen
    assert "No model matches “zebra”." in seen


def test_home_goes_on_from_page_to_page(fresh):
    for number in range(35):
        fresh.hub.repos.create(fresh.ada, RepoId("model", "ada", f"model-{number:02}"))
    client = TestClient(application(fresh.hub))
    first = client.get("/").text
    following = unescape(re.search(r'rel="next" href="([^"]+)"', first)[1])
    second = client.get(following).text
    names = re.findall(r'class="name" href="/ada/(model-\d\d)"', first + second)
    assert len(names) == 35
    assert len(set(names)) == 35
    assert "First page" in second


def test_an_empty_hub_says_how_to_begin(fresh):
    seen = text_of(TestClient(application(fresh.hub), base_url="http://hub.test").get("/").text)
    assert "export HF_ENDPOINT=http://hub.test" in seen
    assert "hf upload ada/my-model ./folder" in seen
    assert "weigh push ./folder ada/my-model" in seen
    assert "weigh hub token create --user ada --role write" in seen


def test_an_account_shows_its_repositories(client):
    seen = text_of(client.get("/ada").text)
    assert "Ada Lovelace" in seen
    assert "ada/ odd" in seen
    assert "ada/ silhouettes" in seen
    assert "secret" not in seen
    assert client.get("/ADA").headers["location"] == "/ada"


def test_a_card_is_set_with_its_facts_and_weight(client):
    html = client.get(BERT).text
    seen = text_of(html)
    assert '<h1 id="card-tiny-bert">Tiny BERT</h1>' in html
    assert f'href="{BERT}/blob/main/config.json"' in html
    assert f'src="{BERT}/resolve/main/img/loss.png"' in html
    assert "shields.example" not in html
    assert "license apache-2.0" in seen
    assert "Parameters 6,273" in seen
    assert "Tensors 14" in seen
    assert "Architecture BertModel" in seen
    assert "datasets one, two" in seen
    assert "hf download lab/tiny-bert" in seen
    assert 'AutoModel.from_pretrained("lab/tiny-bert")' in seen
    assert "weigh pull lab/tiny-bert" in seen


def test_commands_name_the_revision_one_looks_at(client):
    seen = text_of(client.get(f"{BERT}/card/try%2Ffaster").text)
    assert "hf download lab/tiny-bert --revision try/faster" in seen
    assert "weigh pull lab/tiny-bert@try/faster" in seen


def test_an_empty_repository_says_how_to_fill_it(client):
    seen = text_of(client.get("/ada/empty").text)
    assert "Empty so far" in seen
    assert "hf upload ada/empty ./folder" in seen
    assert "hf download" not in seen


def test_a_repository_without_a_card_says_what_a_card_is(fresh):
    repo = RepoId("model", "ada", "bare")
    fresh.hub.repos.create(fresh.ada, repo)
    fresh.publish(repo, {"config.json": b"{}"}, "Bare")
    seen = text_of(TestClient(application(fresh.hub)).get("/ada/bare").text)
    assert "No card yet" in seen
    assert "hf download ada/bare" in seen


def test_a_card_that_is_too_long_is_shown_as_text(fresh):
    repo = RepoId("model", "ada", "long")
    fresh.hub.repos.create(fresh.ada, repo)
    fresh.publish(repo, {"README.md": b"# Begin\n" + b"*a " * 100_000}, "Long")
    html = TestClient(application(fresh.hub)).get("/ada/long").text
    assert "too long to be set as a page" in html
    assert '<h1 id="card-begin">' not in html


def test_a_card_with_broken_yaml_is_shown_and_the_fault_told(fresh):
    repo = RepoId("model", "ada", "broken")
    fresh.hub.repos.create(fresh.ada, repo)
    fresh.publish(repo, {"README.md": b"---\na: &x [1]\nb: *x\n---\n# Still here\n"}, "Broken")
    seen = text_of(TestClient(application(fresh.hub)).get("/ada/broken").text)
    assert "Still here" in seen
    assert "aliases" in seen


def test_files_show_sizes_last_changes_and_downloads(client):
    html = client.get(f"{BERT}/tree/main").text
    seen = text_of(html)
    assert f'href="{BERT}/resolve/main/model.safetensors"' in html
    assert f'href="{BERT}/tree/main/notes"' in html
    assert re.search(r"config\.json 5\d B Upload the model", seen)
    assert "Say what comes next" in seen
    assert "old.png" not in client.get(f"{BERT}/tree/main/img").text
    assert "old.png" in client.get(f"{BERT}/tree/v1.0/img").text


def test_a_file_of_text_is_shown_with_its_identity(client):
    html = client.get(f"{BERT}/blob/main/config.json").text
    seen = text_of(html)
    assert '"hidden_size": 16' in seen  # one line of JSON is spread out
    assert "sha256" in seen
    assert f'href="{BERT}/resolve/main/config.json" download' in html


def test_markdown_is_shown_as_a_page_or_as_it_is_written(client):
    address = f"{BERT}/blob/main/notes/what%20next.md"
    assert f'href="{BERT}/blob/main/config.json"' in client.get(address).text
    assert "# Next" in text_of(client.get(f"{address}?source=1").text)


def test_weights_are_not_shown_as_text_but_lead_to_their_tensors(client):
    html = client.get(f"{BERT}/blob/main/model.safetensors").text
    assert "the page of tensors shows what is inside" in html
    assert f'href="{BERT}/tensors/main?file=model.safetensors"' in html


def test_a_folder_asked_for_as_a_file_leads_to_the_folder(client):
    answer = client.get(f"{BERT}/blob/main/notes")
    assert (answer.status_code, answer.headers["location"]) == (307, f"{BERT}/tree/main/notes")


def test_history_names_branches_and_tags(client):
    seen = text_of(client.get(f"{BERT}/commits/main").text)
    assert seen.index("Say what comes next") < seen.index("Upload the model") < seen.index("initial commit")
    assert "try/faster" in seen
    assert "v1.0" in seen


def test_a_commit_tells_what_changed(client):
    seen = text_of(client.get(f"{BERT}/commit/main").text)
    assert "2 files changed" in seen
    assert "+ notes/what next.md" in seen
    assert "− img/old.png 6" in seen
    assert "And drop a picture." in seen


def test_the_first_commit_adds_everything(client, scene):
    first = scene.hub.content.history(scene.ada, MODEL)[-1]
    assert "+ .gitattributes" in text_of(client.get(f"{BERT}/commit/{first.oid}").text)


def test_a_report_gives_its_verdict_and_every_check(client):
    seen = text_of(client.get(f"{BERT}/report/main").text)
    assert "Safe to open, and sound" in seen
    assert "What loading it would call" in seen
    assert "no pickle inside" in seen
    odd = text_of(client.get("/ada/odd/report/main").text)
    assert "Read this before you load it" in odd
    assert "page.card-script" in odd
    assert "holds.nan" in odd


def test_a_report_that_is_not_there_yet_is_looked_for_again(fresh):
    repo = RepoId("model", "ada", "new")
    fresh.hub.repos.create(fresh.ada, repo)
    fresh.publish(repo, {"model.safetensors": tiny_weights()}, "New")
    client = TestClient(application(fresh.hub))
    html = client.get("/ada/new/report/main").text
    assert "Being checked" in html
    assert '<meta http-equiv="refresh" content="4">' in html
    examine(fresh.hub)
    html = client.get("/ada/new/report/main").text
    assert "Safe to open, and sound" in html
    assert "http-equiv" not in html


def test_tensors_are_listed_with_a_map(client):
    html = client.get(f"{BERT}/tensors/main").text
    seen = text_of(html)
    assert "14 tensors in 1 file" in seen
    assert "embeddings.word.weight F32 200 × 16 3,200 12.8 kB" in seen
    assert "step I64 scalar 1 8 B" in seen
    assert '"type":"treemap"' in html


def test_tensors_are_filtered_and_sorted_on_the_server(client):
    html = client.get(f"{BERT}/tensors/main?q=LAYER.1+query").text
    assert re.findall(r'\?name=([^"]+)"', html) == ["encoder.layer.1.query.weight"]
    assert "treemap" not in html
    assert re.findall(r'\?name=([^"]+)"', client.get(f"{BERT}/tensors/main?dtype=I64").text) == ["step"]
    by_size = client.get(f"{BERT}/tensors/main?sort=size").text
    assert re.findall(r'\?name=([^"]+)"', by_size)[0] == "embeddings.word.weight"
    assert "No tensor matches." in client.get(f"{BERT}/tensors/main?q=zebra").text


def test_ten_thousand_tensors_come_in_pages(fresh):
    repo = RepoId("model", "ada", "many")
    fresh.hub.repos.create(fresh.ada, repo)
    values = np.zeros((2, 2), np.float16)
    fresh.publish(repo, {"model.safetensors": save({f"layer.{n}.weight": values for n in range(10_000)})}, "Many")
    client = TestClient(application(fresh.hub))
    html = client.get("/ada/many/tensors/main?page=7&sort=name").text
    assert "601 to 700 of 10,000" in html
    assert html.count("?name=") == 100
    assert len(client.get("/ada/many/tensors/main").content) < 1_000_000
    assert "9,901 to 10,000" in client.get("/ada/many/tensors/main?page=999999").text


def test_a_tensor_shows_its_values(client):
    html = client.get(f"{BERT}/tensors/main?name=encoder.layer.0.query.weight").text
    seen = text_of(html)
    assert "Shape 16 × 16" in seen
    assert "Layer encoder.layer.0" in seen
    assert re.search(r"Standard deviation 0\.0[45]\d+", seen)
    assert '"type":"bar"' in html


def test_values_are_measured_from_the_file_while_there_is_no_report(fresh):
    repo = RepoId("model", "ada", "new")
    fresh.hub.repos.create(fresh.ada, repo)
    fresh.publish(repo, {"model.safetensors": save({"a*[b]?": np.arange(6, dtype=np.float32)})}, "New")
    seen = text_of(TestClient(application(fresh.hub)).get("/ada/new/tensors/main?name=a%2A%5Bb%5D%3F").text)
    assert "Minimum 0 Maximum 5 Mean 2.5" in seen


def test_a_tensor_too_large_for_a_page_waits_for_the_report(fresh, monkeypatch):
    monkeypatch.setattr(facts, "LARGEST_MEASURED", 10)
    repo = RepoId("model", "ada", "large")
    fresh.hub.repos.create(fresh.ada, repo)
    fresh.publish(repo, {"model.safetensors": tiny_weights()}, "Large")
    client = TestClient(application(fresh.hub))
    assert "when the checks have finished" in client.get("/ada/large/tensors/main?name=embeddings.word.weight").text
    examine(fresh.hub)
    assert "Standard deviation" in client.get("/ada/large/tensors/main?name=embeddings.word.weight").text


def test_values_that_are_no_numbers_are_counted(client):
    seen = text_of(client.get("/ada/odd/tensors/main?name=holds.nan").text)
    assert "Not a number 1 Infinite 1" in seen
    assert "This tensor has no elements." in client.get("/ada/odd/tensors/main?name=no.elements").text


def test_weights_that_cannot_be_read_are_named_with_the_reason(fresh):
    repo = RepoId("model", "ada", "cut")
    fresh.hub.repos.create(fresh.ada, repo)
    fresh.publish(repo, {"model.safetensors": tiny_weights()[:-100]}, "Cut off")
    client = TestClient(application(fresh.hub))
    seen = text_of(client.get("/ada/cut/tensors/main").text)
    assert "model.safetensors:" in seen
    assert client.get("/ada/cut").status_code == 200
    examine(fresh.hub)
    assert "Not everything could be checked" in client.get("/ada/cut/report/main").text


def test_an_old_name_leads_to_the_new_one(fresh):
    old, new = RepoId("model", "ada", "old"), RepoId("model", "ada", "new")
    fresh.hub.repos.create(fresh.ada, old)
    fresh.hub.repos.move(fresh.ada, old, new)
    client = TestClient(application(fresh.hub), follow_redirects=False)
    answer = client.get("/ada/old/tree/main")
    assert (answer.status_code, answer.headers["location"]) == (307, "/ada/new")


def test_hostile_names_are_only_ever_text(client):
    for address in ("/ada/odd", "/ada/odd/tree/main", "/ada/odd/commits/main", "/ada/odd/commit/main"):
        html = client.get(address).text
        assert "<script>alert" not in html
        assert "alert('card')" not in html
        assert "script" in text_of(html)
    tensors = client.get("/ada/odd/tensors/main").text
    assert "<script>alert" not in tensors
    address = unescape(re.search(r'href="([^"]*\?name=%22[^"]*)"', tensors)[1])
    one = client.get(address).text
    assert HOSTILE in text_of(one)
    assert "<script>alert" not in one


def test_a_search_is_only_ever_text(client):
    for address in ("/?search=", "/lab/tiny-bert/tensors/main?q=", "/lab/tiny-bert/tensors/main?name="):
        html = client.get(address + "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E").text
        assert "<script>alert" not in html
        assert "&lt;script&gt;" in html


@pytest.mark.parametrize(
    "address",
    [
        *("/nobody", "/nobody/nothing", "/ada/nothing", "/no/such/page/at/all", "/datasets/lab/tiny-bert"),
        *(f"{BERT}/tree/nope", f"{BERT}/tree/main/nope", f"{BERT}/blob/main/nope", f"{BERT}/commit/{'0' * 40}"),
        *(f"{BERT}/tensors/main?name=nope", f"{BERT}/nope/main", "/-/nope", "/-/static/nope.css"),
        *(f"{BERT}/blob/main/../../x", f"{BERT}/tree/%00", f"{BERT}/blob/main/%FF"),
    ],
)
def test_what_is_not_there_is_a_404(client, address):
    answer = client.get(address)
    assert answer.status_code == 404
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "query", ["?page=-1", "?page=x", "?page=99999999999999999999", "?page=²", "?sort=%00", "?q=" + "a" * 5000]
)
def test_absurd_queries_are_harmless(client, query):
    assert client.get(f"{BERT}/tensors/main{query}").status_code == 200
    assert client.get(f"{BERT}/tree/main{query}").status_code == 200
    assert client.get(f"/{query}").status_code == 200


def test_a_cursor_that_is_none_is_told(client):
    answer = client.get("/?cursor=zebra")
    assert answer.status_code == 400
    assert "no cursor of this list" in text_of(answer.text)


def test_a_mistake_of_ours_is_a_page_with_a_name_for_the_log(scene, monkeypatch, caplog):
    monkeypatch.setattr(scene.hub.refs, "list", lambda *_: 1 / 0)
    answer = TestClient(application(scene.hub)).get(f"{BERT}/tree/main")
    assert answer.status_code == 500
    name = re.search(r"Request <code>(\w+)</code>", answer.text)[1]
    assert name in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert "ZeroDivisionError" not in answer.text


def test_a_damaged_file_hides_no_other_page(fresh, monkeypatch):
    repo = RepoId("model", "ada", "hurt")
    fresh.hub.repos.create(fresh.ada, repo)
    fresh.publish(repo, {"README.md": b"# Hurt", "notes.txt": b"x"}, "Hurt")

    def damaged(*_):
        raise CorruptError("block 1 does not match its digest")

    monkeypatch.setattr(fresh.hub.content, "open_file", damaged)
    client = TestClient(application(fresh.hub), raise_server_exceptions=False)
    assert "ada/ hurt" in text_of(client.get("/").text)
    assert client.get("/ada/hurt/tree/main").status_code == 200
    assert "README.md cannot be read: block 1 does not match its digest" in text_of(client.get("/ada/hurt").text)
    answer = client.get("/ada/hurt/blob/main/notes.txt")
    assert answer.status_code == 500
    assert "weigh store verify" in answer.text


def test_a_repository_that_vanishes_while_a_list_is_made_is_left_out(fresh, monkeypatch):
    kept, gone = RepoId("model", "ada", "kept"), RepoId("model", "ada", "gone")
    for repo in (kept, gone):
        fresh.hub.repos.create(fresh.ada, repo)
    found = fresh.hub.repos.list(fresh.ada)
    fresh.hub.repos.delete(fresh.ada, gone)
    monkeypatch.setattr(fresh.hub.repos, "list", lambda *_: found)
    seen = text_of(TestClient(application(fresh.hub)).get("/").text)
    assert "ada/ kept" in seen
    assert "ada/ gone" not in seen


def test_a_new_commit_shows_at_once(fresh):
    repo = RepoId("model", "ada", "quick")
    fresh.hub.repos.create(fresh.ada, repo)
    client = TestClient(application(fresh.hub))
    for word in ("First", "Second"):
        fresh.hub.content.commit(fresh.ada, repo, "main", [AddFile("README.md", f"# {word}".encode())], title=word)
        assert f">{word}</h1>" in client.get("/ada/quick").text
