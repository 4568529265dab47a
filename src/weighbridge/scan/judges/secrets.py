"""Secrets and personal data that were left in texts, in the metadata of weights, and in notebooks.

Tokens are told by the formats that their issuers publish, and by how random they look; what reads like an example is
none. A finding shows the first characters of a secret and never the whole.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator

from weighbridge.report.model import Severity
from weighbridge.scan.item import Inside, Item
from weighbridge.scan.model import Found, Rule, Sure

_TEXTS = frozenset(
    {
        "", ".txt", ".md", ".json", ".jsonl", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".env", ".py", ".sh",
        ".ipynb", ".html", ".htm", ".csv", ".tsv", ".xml", ".log", ".jinja", ".jinja2", ".pem", ".key", ".rst", ".bat",
        ".properties", ".js", ".ts", ".r", ".gitattributes", ".netrc", ".npmrc", ".pypirc",
    }
)  # fmt: skip
_HEADERS = frozenset({".safetensors", ".gguf"})
_MOST = 32 << 20
_MOST_HEADER = 4 << 20
_STEP = 1 << 20
_OVERLAP = 1 << 12
_TOLD = 20
_MOST_ADDRESSES = 1000
_FORMATS: tuple[tuple[str, bytes, re.Pattern[bytes]], ...] = tuple(
    (kind, sign.encode(), re.compile(pattern.encode()))
    for kind, sign, pattern in (
        ("a Hugging Face token", "hf_", r"\bhf_[A-Za-z]{34}\b"),
        ("a Hugging Face token", "api_org_", r"\bapi_org_[A-Za-z]{34}\b"),
        ("a GitHub token", "gh", r"\bgh[pousr]_[A-Za-z0-9]{36}\b"),
        ("a GitHub token", "github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{82}\b"),
        ("a GitLab token", "glpat-", r"\bglpat-[A-Za-z0-9_-]{20}\b"),
        ("an AWS access key", "AKIA", r"\bAKIA[A-Z2-7]{16}\b"),
        ("an AWS access key", "ASIA", r"\bASIA[A-Z2-7]{16}\b"),
        ("a Google API key", "AIza", r"\bAIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])"),
        ("a Slack token", "xox", r"\bxox[abprs]-[0-9]{9,13}-[0-9A-Za-z-]{20,}"),
        ("an OpenAI key", "T3BlbkFJ", r"\bsk-[A-Za-z0-9_-]{20,120}T3BlbkFJ[A-Za-z0-9_-]{20,120}"),
        ("an Anthropic key", "sk-ant-", r"\bsk-ant-(?:api|admin)\d\d-[A-Za-z0-9_-]{80,}"),
        ("a Stripe key", "k_live_", r"\b[rs]k_live_[0-9A-Za-z]{24,}"),
        ("an npm token", "npm_", r"\bnpm_[A-Za-z0-9]{36}\b"),
        ("a PyPI token", "pypi-", r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}"),
        ("a Replicate token", "r8_", r"\br8_[A-Za-z0-9]{37}\b"),
        ("a SendGrid key", "SG.", r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b"),
        ("a Weights & Biases key", "WANDB_API_KEY", r"WANDB_API_KEY[\"'\s:=\]]{1,10}[0-9a-f]{40}\b"),
    )
)
_KEY = re.compile(
    rb"-----BEGIN (?:RSA |EC |DSA |OPENSSH |ENCRYPTED )?PRIVATE KEY-----(?:\s|\\n|\\r)+"
    rb"((?:[A-Za-z0-9+/=:,. -]|\s|\\n|\\r){64})"
)
_LOGIN = re.compile(rb"://([^\s/:@'\"<>`]{1,80}):([^\s/@'\"<>`]{6,100})@([A-Za-z0-9.-]{3,200})")
_ENDINGS = b"com|org|net|edu|gov|io|ai|de|fr|uk|cn|jp|eu|ch|nl|it|es|ru|in|ca|au"
_EMAIL = re.compile(rb"[A-Za-z0-9._+-]{2,64}@(?:[A-Za-z0-9-]{2,63}\.)+(?:" + _ENDINGS + rb")\b")
_IBAN = re.compile(rb"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")
_CARD = re.compile(rb"(?<![\d.,-])(?:\d{4}[ -]){3}\d{4}(?![\d.,-])")
_HOME = re.compile(rb"(?:/home/|/Users/|[A-Z]:\\\\?Users\\\\?)([A-Za-z][A-Za-z0-9._-]{1,30})[/\\]")
_EXAMPLE = re.compile(
    rb"example|sample|dummy|placeholder|changeme|your|x{4,}|\*{3,}|0{6,}|1234567|abcdefg|redacted|(.)\1{5,}",
    re.IGNORECASE,
)
_PLAIN_PASSWORDS = frozenset(b"password passwd secret token postgres rootroot username".split())
_NOBODY = frozenset(b"user username root ubuntu runner jovyan work app shared name you me".split())
_RANDOM = 3.0
"""Bits a character, at least: below that a text of a token's form is a word, a name or a pattern."""


class Token(Rule):
    """A file holds a token or a key that gives access to something.

    Its form is that which its issuer gives to tokens, and it looks random: whoever reads the file can use it. Training
    scripts leave such things in configurations, logs, notebooks and the metadata of weights.

    What to do: have it revoked by its issuer now, since whoever fetched the file has it; then take it out.
    """

    id = "secret.token"
    sure = Sure.LIKELY
    hint = "Have it revoked by its issuer, then take it out."


class PrivateKey(Rule):
    """A file holds a private key.

    Whoever has it can sign, decrypt or log in as its owner.

    What to do: replace the key wherever it is trusted, then take it out.
    """

    id = "secret.private-key"
    sure = Sure.LIKELY
    hint = "Replace the key wherever it is trusted, then take it out."


class Login(Rule):
    """An address in a file carries a name and a password.

    What to do: change the password, then take it out.
    """

    id = "secret.password"
    severity = Severity.WARNING
    sure = Sure.SUSPECTED
    hint = "Change the password, then take it out."


class PersonalData(Rule):
    """A file holds what belongs to a person.

    E-mail addresses, account numbers with a right checksum, or the folder of somebody's machine, in a file where no
    reader looks for an author. It may be there on purpose.

    What to do: take it out unless the person agrees.
    """

    id = "privacy.personal-data"
    severity = Severity.INFO
    sure = Sure.SUSPECTED
    hint = "Take it out unless the person agrees."


class SecretJudge:
    """See the module."""

    name = "secret"
    rules = (Token, PrivateKey, Login, PersonalData)

    def recognises(self, item: Item) -> bool:
        if item.extension in _HEADERS:
            return True
        named = item.extension in _TEXTS or item.basename.startswith(".env")
        return named and b"\0" not in item.head

    def judge(self, item: Item) -> Iterator[Found | Inside]:
        length = min(item.source.size, _MOST)
        if item.extension == ".safetensors":
            length = min(length, 8 + int.from_bytes(item.head[:8], "little"))
        elif item.extension == ".gguf":
            length = min(length, _MOST_HEADER)
        personal = item.extension in _HEADERS or item.extension in (".json", ".ipynb", ".yaml", ".yml")
        told: set[bytes] = set()
        for start in range(0, length, _STEP):
            window = item.source.read_at(start, min(_STEP + _OVERLAP, length - start))
            for rule, kind, secret, at in _in(window, personal):
                if secret not in told and len(told) < _TOLD:
                    told.add(secret)
                    yield rule.found(f"holds {kind}: {_masked(rule, secret)}", offset=start + at)


def _in(window: bytes, personal: bool) -> Iterator[tuple[type[Rule], str, bytes, int]]:
    yield from _tokens(window)
    for found in _LOGIN.finditer(window) if b"@" in window else ():
        password = found[2].lower()
        if not _EXAMPLE.search(found[0]) and password not in _PLAIN_PASSWORDS and not password.startswith((b"$", b"{")):
            yield Login, f"a password for {found[3].decode('latin-1')}", found[2], found.start(2)
    if personal:
        yield from _personal(window)


def _personal(window: bytes) -> Iterator[tuple[type[Rule], str, bytes, int]]:
    for kind, pattern, real in _PERSONAL:
        for found in pattern.finditer(window):
            if real(found) and not _EXAMPLE.search(found[0]):
                yield PersonalData, kind, found[0], found.start()
    at = window.find(b"@")
    for _ in range(_MOST_ADDRESSES):  # by its sign: a search for whole addresses takes many times as long
        if at < 0:
            return
        start = max(0, at - 64)
        mail = _EMAIL.search(window[start : at + 256])
        if mail and start + mail.end() > at and not _EXAMPLE.search(mail[0]) and not mail[0].startswith(b"git@"):
            yield PersonalData, "an e-mail address", mail[0], start + mail.start()
        at = window.find(b"@", at + 1)


def _tokens(window: bytes) -> Iterator[tuple[type[Rule], str, bytes, int]]:
    for kind, sign, pattern in _FORMATS:
        for found in pattern.finditer(window) if sign in window else ():
            if _looks_random(found[0]):
                yield Token, kind, found[0], found.start()
    for found in _KEY.finditer(window) if b"PRIVATE KEY" in window else ():
        if len(set(found[1])) > 20:
            yield PrivateKey, "a private key", found[0][:40], found.start()


def _looks_random(secret: bytes) -> bool:
    return not _EXAMPLE.search(secret) and _entropy(secret) >= _RANDOM


def _entropy(text: bytes) -> float:
    """Bits a character, by how often each occurs in the text itself."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


def _masked(rule: type[Rule], secret: bytes) -> str:
    text = secret.decode("latin-1")
    shown = 3 if rule in (Login, PersonalData) else 8
    return f"{text[:shown]}… ({len(text)} characters)"


def _iban(found: re.Match[bytes]) -> bool:
    text = found[0].replace(b" ", b"").decode()
    digits = "".join(str(int(letter, 36)) for letter in text[4:] + text[:4])
    return 15 <= len(text) <= 34 and int(digits) % 97 == 1


def _luhn(found: re.Match[bytes]) -> bool:
    digits = [int(letter) for letter in re.sub(rb"\D", b"", found[0]).decode()]
    doubled = [digit if at % 2 else sum(divmod(2 * digit, 10)) for at, digit in enumerate(digits)]
    return sum(doubled) % 10 == 0 and len(set(digits)) > 3


def _somebody(found: re.Match[bytes]) -> bool:
    return found[1].lower() not in _NOBODY


_PERSONAL: tuple[tuple[str, re.Pattern[bytes], Callable[[re.Match[bytes]], bool]], ...] = (
    ("an account number", _IBAN, _iban),
    ("a card number", _CARD, _luhn),
    ("the folder of somebody's machine", _HOME, _somebody),
)

SECRETS = SecretJudge()
