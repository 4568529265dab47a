"""Everything about repositories that is neither a commit nor a file."""

import numpy as np
import pytest
from safetensors.numpy import save

from weighbridge.hub import AddFile, AddStored

CARD = b"---\nlicense: mit\ntags: [tiny]\npipeline_tag: text-generation\nlibrary_name: transformers\n---\n# Tiny\n"


def create(client, name, **more):
    return client.post("/api/repos/create", json={"name": name, **more})


class TestAccount:
    def test_whoami_tells_user_and_token(self, client, reader):
        told = client.get("/api/whoami-v2").json()
        assert (told["type"], told["name"], told["auth"]["accessToken"]["role"]) == ("user", "ada", "write")
        assert reader.get("/api/whoami-v2").json()["auth"]["accessToken"]["role"] == "read"

    def test_a_bad_token_is_told_in_the_words_that_clients_look_for(self, anonymous, repo):
        for path in ("/api/whoami-v2", f"/api/models/{repo}", f"/{repo}/resolve/main/.gitattributes"):
            for header in ("Bearer hf_wrong", "Bearer ", "Basic !!!", "Digest x", "x"):
                refused = anonymous.get(path, headers={"Authorization": header})
                assert refused.status_code == 401
                assert refused.headers["x-error-message"] == "Invalid credentials in Authorization header"
        assert anonymous.get("/api/whoami-v2").status_code == 401

    def test_git_lfs_sends_the_token_as_a_password(self, anonymous, client):
        token = client.headers["Authorization"].split()[1]
        assert anonymous.get("/api/whoami-v2", auth=("ada", token)).status_code == 200

    def test_one_may_ask_what_one_may_do(self, client, reader, anonymous, stranger, repo, private):
        assert client.get(f"/api/models/{repo}/auth-check/write").status_code == 200
        assert reader.get(f"/api/models/{repo}/auth-check").status_code == 200
        assert reader.get(f"/api/models/{repo}/auth-check/write").status_code == 403
        assert stranger.get(f"/api/models/{private}/auth-check").status_code == 404
        assert anonymous.get(f"/api/models/{repo}/auth-check").status_code == 200


class TestRepositories:
    @pytest.mark.parametrize(("kind", "prefix"), [("model", ""), ("dataset", "datasets/"), ("space", "spaces/")])
    def test_each_kind_is_made_found_and_deleted(self, client, kind, prefix):
        made = create(client, "made", type=kind, sdk="static")
        assert made.json()["url"] == f"http://testserver/{prefix}ada/made"
        assert client.get(f"/api/{kind}s/ada/made").json()["id"] == "ada/made"
        assert client.get(f"/{prefix}ada/made/resolve/main/.gitattributes").status_code == 200
        gone = client.request("DELETE", "/api/repos/delete", json={"name": "made", "organization": "ada", "type": kind})
        assert gone.status_code == 200
        assert client.get(f"/api/{kind}s/ada/made").headers["x-error-code"] == "RepoNotFound"

    def test_a_conflict_tells_where_the_other_one_is(self, client):
        create(client, "twice")
        refused = create(client, "twice", organization="ada")
        assert refused.status_code == 409
        assert refused.json()["url"] == "http://testserver/ada/twice"
        assert create(client, "TWICE").status_code == 409

    @pytest.mark.parametrize("body", [{}, {"name": "x..y"}, {"name": "a b"}, {"name": 3}, {"name": "x", "type": "zoo"}])
    def test_a_wrong_request_is_told(self, client, body):
        refused = client.post("/api/repos/create", json=body)
        assert refused.status_code == 400
        assert refused.json()["error"]

    def test_who_may_not_create_is_told(self, anonymous, reader, stranger):
        assert create(anonymous, "x").status_code == 401
        assert create(reader, "x").status_code == 403
        assert create(stranger, "x", organization="ada").status_code == 403

    @pytest.mark.parametrize("wanted", [{"private": True}, {"visibility": "private"}])
    def test_a_private_one_is_hidden_and_shown_again(self, client, anonymous, wanted):
        name = "hidden" + "".join(wanted)
        create(client, name, **wanted)
        assert anonymous.get(f"/api/models/ada/{name}").status_code == 404
        assert client.put(f"/api/models/ada/{name}/settings", json={"visibility": "public"}).status_code == 200
        assert anonymous.get(f"/api/models/ada/{name}").json()["private"] is False
        assert client.put(f"/api/models/ada/{name}/settings", json={"gated": "auto"}).status_code == 400

    def test_a_moved_one_answers_to_its_old_name(self, client, repo):
        new = f"ada/moved-{repo.name}"
        assert client.post("/api/repos/move", json={"fromRepo": str(repo), "toRepo": new}).status_code == 200
        assert client.get(f"/api/models/{repo}").json()["id"] == new
        assert client.get(f"/{repo}/resolve/main/.gitattributes").status_code == 200
        assert client.post("/api/repos/move", json={"fromRepo": new, "toRepo": "x"}).status_code == 400


class TestInfo:
    def test_it_tells_what_card_config_and_files_say(self, hub, ada, repo, anonymous):
        config = b'{"model_type": "bert", "architectures": ["BertModel"], "vocab_size": 5}'
        weights = save({"w": np.zeros((3, 5), np.float32)})
        held = hub.uploads.receive(ada, repo, [weights])
        files = [AddFile("README.md", CARD), AddFile("config.json", config)]
        hub.content.commit(ada, repo, "main", [*files, AddStored("model.safetensors", held.sha256)], title="x")
        told = anonymous.get(f"/api/models/{repo}", params={"blobs": True}).json()
        assert told["tags"] == ["license:mit", "text-generation", "tiny", "transformers"]
        assert (told["pipeline_tag"], told["library_name"]) == ("text-generation", "transformers")
        assert told["cardData"]["license"] == "mit"
        assert told["config"] == {"architectures": ["BertModel"], "model_type": "bert"}
        sizes = {each["rfilename"]: each["size"] for each in told["siblings"]}
        assert sizes["model.safetensors"] == len(weights)
        [large] = [each["lfs"] for each in told["siblings"] if "lfs" in each]
        assert large == {"sha256": held.sha256, "size": len(weights), "pointerSize": 128}
        assert told["usedStorage"] == sum(sizes.values())
        assert set(anonymous.get(f"/api/models/{repo}").json()["siblings"][0]) == {"rfilename"}

    def test_the_report_adds_parameters_and_safety(self, hub, ada, repo, anonymous):
        weights = save({"w": np.zeros((3, 5), np.float32)})
        pickle = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R."
        made = hub.content.commit(ada, repo, "main", [AddFile("m.safetensors", weights)], title="x")
        bad = hub.content.commit(ada, repo, "main", [AddFile("m.bin", pickle)], title="x")
        while hub.reports.state(ada, repo, bad.oid).status in ("pending", "running"):
            hub.reports.examine_next() or hub.reports._stopping.wait(0.1)
        told = anonymous.get(f"/api/models/{repo}/revision/{made.oid}", params={"securityStatus": True}).json()
        assert told["safetensors"] == {"parameters": {"F32": 15}, "total": 15}
        status = told["securityRepoStatus"]
        assert (status["scansDone"], status["filesWithIssues"], status["policy"]) == (True, [], "warn")
        told = anonymous.get(f"/api/models/{repo}", params={"securityStatus": True}).json()
        assert {"path": "m.bin", "level": "unsafe"}.items() <= told["securityRepoStatus"]["filesWithIssues"][0].items()
        report = anonymous.get(f"/api/models/{repo}/report/{bad.oid}")
        assert (report.status_code, report.json()["subject"]) == (200, str(repo))

    def test_a_name_without_an_owner_is_not_found(self, anonymous):
        for path in ("", "/revision/main", "/tree/main"):
            assert anonymous.get(f"/api/models/gpt2{path}").headers["x-error-code"] == "RepoNotFound"

    def test_hostile_side_files_hide_nothing(self, hub, ada, repo, anonymous):
        files = [AddFile("config.json", b"[" * 100_000), AddFile("README.md", b"---\na: &a [*a]\n---\n")]
        hub.content.commit(ada, repo, "main", files, title="x")
        told = anonymous.get(f"/api/models/{repo}")
        assert told.status_code == 200
        assert "config" not in told.json()


class TestTrees:
    @pytest.fixture
    def filled(self, hub, ada, repo):
        files = [AddFile(f"d/{number:02d}.txt", b"%d" % number) for number in range(25)]
        return hub.content.commit(ada, repo, "main", [*files, AddFile("a/b/c", b"x")], title="Fill")

    def test_a_folder_is_listed_and_a_missing_one_is_told(self, anonymous, repo, filled):
        listed = anonymous.get(f"/api/models/{repo}/tree/main").json()
        assert [(each["type"], each["path"]) for each in listed] == [
            ("file", ".gitattributes"),
            ("directory", "a"),
            ("directory", "d"),
        ]
        for path in ("nope", ".gitattributes", "d%2Fnope"):
            refused = anonymous.get(f"/api/models/{repo}/tree/main/{path}")
            assert refused.headers["x-error-code"] == "EntryNotFound"

    def test_pages_follow_one_another_on_the_revision_of_the_first(self, anonymous, hub, ada, repo, filled):
        address, found, pages = f"/api/models/{repo}/tree/main?recursive=true&limit=10", [], 0
        while address:
            got = anonymous.get(address)
            found += [each["path"] for each in got.json()]
            address = got.links.get("next", {}).get("url")
            pages += 1
            hub.content.commit(ada, repo, "main", [AddFile(f"0{pages}", b"")], title="meanwhile")
        assert pages == 3
        assert found == sorted({".gitattributes", "a", "a/b", "a/b/c", "d", *(f"d/{n:02d}.txt" for n in range(25))})

    def test_expanding_adds_the_last_commit(self, anonymous, repo, filled):
        [entry] = anonymous.get(f"/api/models/{repo}/tree/main/a", params={"expand": True}).json()
        assert (entry["lastCommit"]["id"], entry["lastCommit"]["title"]) == (filled.oid, "Fill")

    def test_paths_are_asked_for_as_a_form(self, anonymous, repo, filled):
        wanted = {"paths": ["a", "d/03.txt", "nope", "", "../x"], "expand": "true"}
        got = anonymous.post(f"/api/models/{repo}/paths-info/main", data=wanted).json()
        assert [each["path"] for each in got] == ["a", "d/03.txt"]
        assert anonymous.post(f"/api/models/{repo}/paths-info/nope", data=wanted).status_code == 404
        many = {"paths": [str(number) for number in range(3000)]}
        assert anonymous.post(f"/api/models/{repo}/paths-info/main", data=many).status_code == 400

    @pytest.mark.parametrize("cursor", ["x", "AAAA", "é", "bm9wZTp4"])
    def test_a_cursor_that_we_did_not_make_is_refused(self, anonymous, repo, cursor):
        refused = anonymous.get(f"/api/models/{repo}/tree/main", params={"cursor": cursor})
        assert refused.status_code in (400, 404)


class TestPreupload:
    def ask(self, client, repo, *files, **more):
        wanted = [{"path": path, "size": size, "sample": sample} for path, size, sample in files]
        return client.post(f"/api/models/{repo}/preupload/main", json={"files": wanted, **more})

    def test_each_file_is_sent_in_the_way_that_suits_it(self, client, repo):
        files = [
            ("a.safetensors", 10, "AAAA"),
            ("b.txt", 10, "YWJj"),
            ("c.txt", 20_000_000, "YWJj"),
            ("d.dat", 200_000, "AAAA"),
            ("e.dat", 2000, "AAAA"),
            ("f.bin", 0, ""),
        ]
        modes = [each["uploadMode"] for each in self.ask(client, repo, *files).json()["files"]]
        assert modes == ["lfs", "regular", "lfs", "lfs", "regular", "regular"]

    def test_what_is_there_already_is_named(self, client, hub, ada, repo):
        hub.content.commit(ada, repo, "main", [AddFile("a.txt", b"x")], title="x")
        [told, new] = self.ask(client, repo, ("a.txt", 1, "eA=="), ("b.txt", 1, "eA==")).json()["files"]
        assert told["oid"] == hub.content.entry(ada, repo, "main", "a.txt").oid
        assert "oid" not in new

    def test_gitignore_is_obeyed(self, client, hub, ada, repo):
        rules = "*.log\nbuild/\n/top\n!keep.log\n# comment\ndocs/*.tmp\n"
        paths = ["a.log", "d/a.log", "keep.log", "build/x", "d/build/x", "top", "d/top", "docs/a.tmp", "build"]
        expected = [True, True, False, True, True, True, False, True, False]
        sent = self.ask(client, repo, *[(path, 1, "") for path in paths], gitIgnore=rules).json()["files"]
        assert [each["shouldIgnore"] for each in sent] == expected
        hub.content.commit(ada, repo, "main", [AddFile(".gitignore", rules.encode())], title="x")
        kept = self.ask(client, repo, *[(path, 1, "") for path in paths]).json()["files"]
        assert [each["shouldIgnore"] for each in kept] == expected

    def test_wrong_requests_are_told(self, client, reader, repo):
        assert self.ask(client, repo, ("a", -1, "")).status_code == 400
        assert self.ask(client, repo, ("a", 1, "!")).status_code == 400
        assert self.ask(client, repo, *[("a", 1, "")] * 1001).status_code == 400
        assert self.ask(reader, repo, ("a", 1, "")).status_code == 403


class TestRefs:
    def test_branches_and_tags(self, client, repo):
        base = f"/api/models/{repo}"
        head = client.get(base).json()["sha"]
        assert client.post(f"{base}/branch/a%2Fb", json={"startingPoint": head}).status_code == 200
        assert client.post(f"{base}/branch/a%2Fb", json={}).status_code == 409
        assert client.post(f"{base}/tag/main", json={"tag": "v1", "message": "x"}).status_code == 200
        assert client.post(f"{base}/tag/nope", json={"tag": "v2"}).headers["x-error-code"] == "RevisionNotFound"
        told = client.get(f"{base}/refs", params={"include_prs": 1}).json()
        assert [each["ref"] for each in told["branches"]] == ["refs/heads/main", "refs/heads/a/b"]
        assert told["tags"] == [{"name": "v1", "ref": "refs/tags/v1", "targetCommit": head}]
        assert told["pullRequests"] == []
        assert client.delete(f"{base}/branch/a%2Fb").status_code == 200
        assert client.delete(f"{base}/tag/v1").status_code == 200
        assert client.delete(f"{base}/tag/v1").status_code == 404
        assert client.delete(f"{base}/branch/main").status_code == 403
        assert client.post(f"{base}/branch/a..b", json={}).status_code == 400

    def test_history_has_pages(self, client, hub, ada, repo):
        for number in range(4):
            hub.content.commit(ada, repo, "main", [AddFile("a", b"%d" % number)], title=str(number))
        address, titles = f"/api/models/{repo}/commits/main?limit=2", []
        while address:
            got = client.get(address)
            titles += [each["title"] for each in got.json()]
            address = got.links.get("next", {}).get("url")
        assert titles == ["3", "2", "1", "0", "initial commit"]
        assert client.post(f"/api/models/{repo}/super-squash/main", json={"message": "All"}).status_code == 200
        assert [each["title"] for each in client.get(f"/api/models/{repo}/commits/main").json()] == ["All"]


class TestDiscussions:
    def test_there_are_none_and_that_is_said(self, client, anonymous, repo, private):
        base = f"/api/models/{repo}/discussions"
        assert client.get(base).json() == {"discussions": [], "count": 0, "start": 0}
        refused = client.post(base, json={"title": "x", "description": "x", "pullRequest": True})
        assert refused.status_code == 403
        assert "pull requests" in refused.json()["error"]
        for path in ("/1", "/1/comment"):
            assert client.get(base + path).headers["x-error-code"] == "EntryNotFound"
        assert anonymous.get(f"/api/models/{private}/discussions").headers["x-error-code"] == "RepoNotFound"


class TestLists:
    def test_they_are_filtered_and_paged(self, client, anonymous, hub, ada, repo, private):
        hub.content.commit(ada, repo, "main", [AddFile("README.md", CARD)], title="x")
        assert str(private) not in [each["id"] for each in anonymous.get("/api/models").json()]
        assert str(private) in [each["id"] for each in client.get("/api/models", params={"author": "ada"}).json()]
        [found] = anonymous.get("/api/models", params={"search": repo.name, "filter": ["tiny", "license:mit"]}).json()
        assert (found["id"], found["pipeline_tag"]) == (str(repo), "text-generation")
        [full] = anonymous.get("/api/models", params={"search": repo.name, "full": True}).json()
        assert {"rfilename": "README.md"} in full["siblings"]
        first = anonymous.get("/api/models", params={"limit": 1, "sort": "createdAt"})
        assert len(first.json()) == 1
        second = anonymous.get(first.links["next"]["url"])
        assert second.json()[0]["id"] != first.json()[0]["id"]

    @pytest.mark.parametrize("query", ["sort=x", "limit=0", "limit=x", "cursor=x"])
    def test_wrong_queries_are_told(self, anonymous, query):
        assert anonymous.get(f"/api/models?{query}").status_code == 400


class TestCards:
    def test_a_good_card_passes_and_a_bad_one_is_told(self, client):
        good = client.post("/api/validate-yaml", json={"content": CARD.decode(), "repoType": "model"})
        assert (good.status_code, good.json()) == (200, {"errors": [], "warnings": []})
        bad = client.post("/api/validate-yaml", json={"content": "---\na: [1\n---\n"})
        assert (bad.status_code, len(bad.json()["errors"])) == (400, 1)
        assert client.post("/api/validate-yaml", json={"content": "# x"}).json()["warnings"]


class TestRequests:
    def test_every_answer_has_an_id_the_clients_own_if_it_is_sound(self, anonymous):
        assert anonymous.get("/api/models", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
        for bad in ("x" * 100, "a b", "<x>"):
            assert anonymous.get("/nope/nope/nope", headers={"X-Request-Id": bad}).headers["x-request-id"] != bad

    @pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"name": ' + b"[" * 100_000])
    def test_a_body_that_is_no_json_is_told(self, client, body):
        refused = client.post("/api/repos/create", content=body)
        assert refused.status_code == 400
        assert refused.json()["error"]

    def test_a_body_that_is_too_long_is_stopped(self, client):
        assert client.post("/api/repos/create", content=b" " * 9_000_000).status_code == 413

    def test_what_is_not_there_is_told_as_json(self, anonymous):
        got = anonymous.get("/api/agent-harnesses")
        assert (got.status_code, "error" in got.json()) == (404, True)

    def test_a_mistake_of_ours_is_told_without_its_traceback(self, anonymous, hub, monkeypatch):
        monkeypatch.setattr(hub.repos, "list", lambda *_: 1 / 0)
        got = anonymous.get("/api/models")
        assert got.status_code == 500
        assert "division" not in got.text
