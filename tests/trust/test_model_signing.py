"""What a signature holds against, and what each attack on a signed model is called."""

import base64
import json
import os
from dataclasses import replace

import pytest

from weighbridge.errors import BundleError, SignatureError, UnsafePathError, UsageError, WrongKeyError
from weighbridge.trust import KeySigner, KeyVerifier, PrivateKey, sign, verify
from weighbridge.trust.bundle import Bundle
from weighbridge.trust.dsse import IN_TOTO, Envelope, message
from weighbridge.trust.model_signing import Difference, Kind


@pytest.fixture
def signed(model, p256):
    return sign(model, KeySigner(p256))


def judge(model, bundle, key):
    return verify(model, bundle, KeyVerifier(key.public))


def found(model, bundle, key):
    verdict = judge(model, bundle, key)
    assert verdict.holds == (not verdict.differences)
    return verdict.differences


def test_a_signed_model_holds_for_every_curve(model, key):
    verdict = judge(model, sign(model, KeySigner(key)), key)
    assert verdict.holds
    assert (verdict.files, verdict.uncovered) == (6, ())
    assert verdict.signer == f"key {key.public.fingerprint}"


def test_a_signed_file_holds_under_any_name(model, p256):
    bundle = sign(model / "config.json", KeySigner(p256))
    assert judge(model / "config.json", bundle, p256).holds
    (model / "config.json").rename(model / "renamed.json")
    assert judge(model / "renamed.json", bundle, p256).holds


@pytest.mark.parametrize("size", [1, 7, 1000, 11_000, 1 << 20])
def test_shards_of_any_size_hold_and_are_compared_as_files(model, p256, size):
    if size == 1:
        (model / "model.safetensors").write_bytes(b"tiny")
        (model / "other.safetensors").write_bytes(b"small")
    bundle = sign(model, KeySigner(p256), shard_size=size)
    assert judge(model, bundle, p256).holds
    (model / "tokenizer.json").write_bytes(b"{!}")
    assert found(model, bundle, p256) == (Difference(Kind.ALTERED, "tokenizer.json"),)


def test_bundles_read_back_as_they_were_written(signed):
    assert Bundle.parse(signed.json()) == signed


class TestDifferences:
    def test_one_altered_byte(self, model, signed, p256):
        path = model / "model.safetensors"
        data = bytearray(path.read_bytes())
        data[5000] ^= 1
        path.write_bytes(data)
        assert found(model, signed, p256) == (Difference(Kind.ALTERED, "model.safetensors"),)

    def test_an_added_file(self, model, signed, p256):
        (model / "tokenizer" / "evil.py").write_text("import os")
        assert found(model, signed, p256) == (Difference(Kind.ADDED, "tokenizer/evil.py"),)

    def test_a_removed_file(self, model, signed, p256):
        (model / "config.json").unlink()
        assert found(model, signed, p256) == (Difference(Kind.MISSING, "config.json"),)

    def test_a_renamed_file(self, model, signed, p256):
        (model / "model.safetensors").rename(model / "tokenizer" / "model.bin")
        assert found(model, signed, p256) == (Difference(Kind.RENAMED, "model.safetensors", "tokenizer/model.bin"),)

    def test_two_files_that_changed_places(self, model, signed, p256):
        one, other = model / "model.safetensors", model / "other.safetensors"
        data = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(data)
        assert found(model, signed, p256) == (Difference(Kind.SWAPPED, "model.safetensors", "other.safetensors"),)

    def test_a_file_put_in_the_place_of_another_is_not_called_swapped(self, model, signed, p256):
        (model / "model.safetensors").write_bytes((model / "other.safetensors").read_bytes())
        assert found(model, signed, p256) == (Difference(Kind.ALTERED, "model.safetensors"),)

    def test_the_attack_that_leaves_the_digest_of_digests(self, model, p256):
        """Sharding must not let bytes move from one file's end to the next one's beginning."""
        (model / "model.safetensors").write_bytes(b"AAAABBBB")
        (model / "other.safetensors").write_bytes(b"CCCC")
        bundle = sign(model, KeySigner(p256), shard_size=4)
        (model / "model.safetensors").write_bytes(b"AAAA")
        (model / "other.safetensors").write_bytes(b"BBBBCCCC")
        assert [each.kind for each in found(model, bundle, p256)] == [Kind.ALTERED, Kind.ALTERED]


class TestWhatIsLeftOut:
    @pytest.mark.parametrize("name", [".gitattributes", ".gitignore", ".git/hooks/post-checkout", ".github/x.yml"])
    def test_files_of_git_ride_along_and_are_named(self, model, signed, p256, name):
        (model / name).parent.mkdir(parents=True, exist_ok=True)
        (model / name).write_text("anything")
        verdict = judge(model, signed, p256)
        assert verdict.holds
        assert verdict.uncovered == (name,)

    @pytest.mark.parametrize("name", [".gitmodules", ".git2/x", "tokenizer/.gitattributes", ".GIT/config"])
    def test_what_only_looks_like_git_is_an_added_file(self, model, signed, p256, name):
        (model / name).parent.mkdir(parents=True, exist_ok=True)
        (model / name).write_text("anything")
        assert found(model, signed, p256) == (Difference(Kind.ADDED, name),)

    def test_what_the_signer_left_out_is_named(self, model, p256):
        (model / "notes").mkdir()
        bundle = sign(model, KeySigner(p256), ignored=(model / "notes", model / "model.sig"))
        (model / "notes" / "x.txt").write_text("x")
        (model / "model.sig").write_bytes(bundle.json())
        assert judge(model, bundle, p256).uncovered == ("model.sig", "notes/x.txt")

    def test_the_signature_itself_is_not_told(self, model, p256):
        bundle = sign(model, KeySigner(p256))
        (model / "model.sig").write_bytes(bundle.json())
        assert not judge(model, bundle, p256).holds
        verdict = verify(model, bundle, KeyVerifier(p256.public), ignored=(model / "model.sig",))
        assert verdict.holds
        assert verdict.uncovered == ()

    def test_an_empty_folder_cannot_be_signed(self, tmp_path, p256):
        with pytest.raises(UsageError, match="nothing to sign"):
            sign(tmp_path, KeySigner(p256))


class TestLinks:
    @pytest.mark.parametrize("target", ["config.json", "/etc/passwd", ".", "nowhere"])
    def test_links_are_refused_when_signing_and_when_verifying(self, model, signed, p256, target):
        (model / "link").symlink_to(target)
        with pytest.raises(UnsafePathError, match="symbolic link"):
            sign(model, KeySigner(p256))
        with pytest.raises(UnsafePathError, match="symbolic link"):
            judge(model, signed, p256)

    def test_a_pipe_is_refused_and_not_waited_for(self, model, signed, p256):
        os.mkfifo(model / "pipe")
        with pytest.raises(UnsafePathError, match="device or a socket"):
            judge(model, signed, p256)


class TestForgery:
    def test_another_key(self, model, signed):
        other = PrivateKey.generate()
        with pytest.raises(WrongKeyError, match=other.public.fingerprint[:16]):
            judge(model, signed, other)

    def test_another_key_behind_our_fingerprint(self, model, p256):
        forged = replace(sign(model, KeySigner(PrivateKey.generate())), key_fingerprint=p256.public.fingerprint)
        with pytest.raises(SignatureError, match="altered"):
            judge(model, forged, p256)

    def test_an_altered_statement(self, model, signed, p256):
        altered = signed.envelope.payload.replace(b'"config.json"', b'"conf1g.json"')
        with pytest.raises(SignatureError, match="altered"):
            judge(model, replace(signed, envelope=replace(signed.envelope, payload=altered)), p256)

    def test_every_altered_byte_of_a_bundle_is_found_or_harmless(self, model, signed, p256):
        text = signed.json()
        for at in range(0, len(text), 13):
            broken = bytearray(text)
            broken[at] ^= 1
            try:
                verdict = judge(model, Bundle.parse(bytes(broken)), p256)
            except (BundleError, SignatureError):
                continue
            assert verdict.holds  # a byte that says nothing, such as one of the key's name in "tlogEntries"

    @pytest.mark.parametrize(
        "change",
        [
            lambda statement: statement.update(predicateType="https://slsa.dev/provenance/v1"),
            lambda statement: statement.update(_type="https://in-toto.io/Statement/v0.1"),
            lambda statement: statement.update(subject=[]),
            lambda statement: statement["predicate"].pop("resources"),
            lambda statement: statement["predicate"]["serialization"].update(hash_type="md5"),
            lambda statement: statement["predicate"]["serialization"].update(method="tensors"),
            lambda statement: statement["predicate"]["resources"][0].update(name="../outside"),
            lambda statement: statement["predicate"]["resources"][0].update(name="/etc/passwd"),
            lambda statement: statement["predicate"]["resources"][0].update(digest="xyz"),
            lambda statement: statement["predicate"]["resources"][0].update(algorithm="sha1"),
            lambda statement: statement["predicate"]["resources"].append(statement["predicate"]["resources"][0]),
        ],
    )
    def test_a_statement_that_its_signer_made_wrong(self, model, signed, p256, change):
        statement = json.loads(signed.envelope.payload)
        change(statement)
        payload = json.dumps(statement).encode()
        envelope = Envelope(payload, IN_TOTO, p256.sign(message(payload, IN_TOTO)))
        with pytest.raises(BundleError):
            judge(model, replace(signed, envelope=envelope), p256)

    def test_a_root_digest_that_is_not_that_of_the_list(self, model, signed, p256):
        statement = json.loads(signed.envelope.payload)
        statement["subject"][0]["digest"]["sha256"] = "00" * 32
        payload = json.dumps(statement).encode()
        envelope = Envelope(payload, IN_TOTO, p256.sign(message(payload, IN_TOTO)))
        with pytest.raises(SignatureError, match="does not match its own digest"):
            judge(model, replace(signed, envelope=envelope), p256)

    def test_a_signature_of_the_bare_payload_is_none(self, model, signed, p256):
        """Without its type, a payload signed for another purpose could be passed off as a statement."""
        bare = replace(signed.envelope, signature=p256.sign(signed.envelope.payload))
        with pytest.raises(SignatureError):
            judge(model, replace(signed, envelope=bare), p256)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}',
        b'{"mediaType": "application/vnd.dev.sigstore.bundle.v0.9+json"}',
        b'{"mediaType": 1, "mediaType": 2}',
    ],
)
def test_what_is_no_bundle_is_refused(text):
    with pytest.raises(BundleError):
        Bundle.parse(text)


def test_two_signatures_in_an_envelope_are_refused(signed):
    value = json.loads(signed.json())
    value["dsseEnvelope"]["signatures"] *= 2
    with pytest.raises(BundleError, match="one signature"):
        Bundle.parse(json.dumps(value).encode())


def test_a_name_that_stands_twice_in_a_bundle_is_refused(signed):
    text = signed.json().decode()
    other = base64.b64encode(b"{}").decode()
    twice = text.replace('"payload": ', f'"payload": "{other}", "payload": ')
    with pytest.raises(BundleError, match="twice"):
        Bundle.parse(twice.encode())
