"""Secrets and personal data left in files; what reads like an example is none."""

import json
import random
import string
import struct

import pytest

from weighbridge.scan import Status

LETTERS, MIXED = string.ascii_letters, string.ascii_letters + string.digits


def some(alphabet, length, seed=7):
    return "".join(random.Random(seed).choices(alphabet, k=length))


KEY = "\n".join(
    ["-----BEGIN PRIVATE KEY-----", some(MIXED + "+/", 64), some(MIXED, 64, 8), "-----END PRIVATE KEY-----"]
)
TOKENS = {
    "hugging face": "hf_" + some(LETTERS, 34),
    "github": "ghp_" + some(MIXED, 36),
    "github fine": "github_pat_" + some(MIXED, 82),
    "aws": "AKIA" + some("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16),
    "google": "AIza" + some(MIXED, 35),
    "openai": "sk-proj-" + some(MIXED, 40) + "T3BlbkFJ" + some(MIXED, 40, 3),
    "anthropic": "sk-ant-api03-" + some(MIXED, 93),
    "slack": "xoxb-948371650284-" + some(MIXED, 24),
    "npm": "npm_" + some(MIXED, 36),
    "wandb": "WANDB_API_KEY=" + some("0123456789abcdef", 40),
}


def rules(verdict):
    return {found.rule.id for found in verdict.findings}


def safetensors(metadata):
    header = json.dumps({"__metadata__": metadata}).encode()
    return struct.pack("<Q", len(header)) + header


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
@pytest.mark.parametrize("name", ["config.json", "train.py", ".env", "notes.txt", "a.ipynb", "model.safetensors"])
def test_a_token_is_found_and_never_shown(verdict_on, token, name):
    text = json.dumps({"cells": [], "note": f"use {token} here"})
    data = safetensors({"note": token}) if name.endswith(".safetensors") else text.encode()
    verdict = verdict_on(data, name)
    assert rules(verdict) == {"secret.token"}
    assert verdict.status is Status.DANGEROUS
    assert token not in verdict.findings[0].message


def test_a_private_key_is_found_plain_and_in_json(verdict_on):
    assert rules(verdict_on(KEY.encode(), "id.pem")) == {"secret.private-key"}
    assert rules(verdict_on(json.dumps({"key": KEY}).encode(), "service.json")) == {"secret.private-key"}


def test_a_password_in_an_address_is_told(verdict_on):
    verdict = verdict_on(b"db: postgres://ada:Tr7!kQ9z@db.internal:5432/x", "config.yaml")
    assert (rules(verdict), verdict.status) == ({"secret.password"}, Status.CLEAN)
    assert "Tr7!kQ9z" not in verdict.findings[0].message


@pytest.mark.parametrize(
    "text",
    [
        "hf_" + "x" * 34,
        "hf_" + "a" * 34,
        "hf_YourTokenGoesHereYourTokenGoesHereYo",
        "AKIAIOSFODNN7EXAMPLE",
        "postgres://user:password@localhost/x",
        "https://user:${PASSWORD}@host/x",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "sha256: " + some("0123456789abcdef", 64),
        "git+ssh://git@github.com/a/b and http://a.b/c?d=e:f@g",
        some(MIXED + "+/", 4000),
    ],
)
def test_examples_and_hashes_are_none(verdict_on, text):
    for name in ("README.md", "config.json", "tokenizer.json"):
        assert verdict_on(json.dumps({"text": text}).encode(), name).findings == ()


def test_a_vocabulary_is_none(verdict_on):
    vocabulary = {some(MIXED + "_-./:@#", 3 + number % 30, number): number for number in range(5_000)}
    assert verdict_on(json.dumps({"model": {"vocab": vocabulary}}).encode(), "tokenizer.json").findings == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ada.lovelace@engine.org", "e-mail"),
        ("DE89 3704 0044 0532 0130 00", "account"),
        ("4111 1111 1111 1234", None),
        ("4539 5787 6362 1486", "card"),
        ("/home/ada/models/x", "folder"),
        ("/home/user/models/x", None),
        ("DE00 3704 0044 0532 0130 00", None),
    ],
)
def test_personal_data_is_told_and_no_danger(verdict_on, text, kind):
    verdict = verdict_on(json.dumps({"made by": text}).encode(), "config.json")
    assert verdict.status is Status.CLEAN
    assert [kind in found.message for found in verdict.findings] == ([True] if kind else [])


def test_where_it_lies_is_told_in_large_files_too(verdict_on):
    text = b"a" * (1 << 20) + b" " + TOKENS["github"].encode() + b" "
    (found,) = verdict_on(text, "notes.txt").findings
    assert found.offset == (1 << 20) + 1
