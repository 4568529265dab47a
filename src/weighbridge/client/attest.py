"""Sending a signed reproduction to the hub that holds what was reproduced (``spec/reproduction.md``)."""

from __future__ import annotations

import json
from urllib.parse import quote

from weighbridge.client.remote import Remote
from weighbridge.trust import KeySigner
from weighbridge.trust.reproduction import Reproduction


def attest(made: Reproduction, signer: KeySigner, remote: Remote) -> None:
    """Sign what came out and send it; the hub shows it with the revision. Raises the hub's refusals as our errors."""
    from huggingface_hub.utils import _headers, _http

    sent = {
        "bundle": json.loads(signer.sign(made.statement()).json()),
        "publicKey": signer.key.public.pem.decode(),
    }
    repo = quote(made.repo)
    url = f"{remote.url.rstrip('/')}/api/models/{repo}/reproductions/{quote(made.commit, safe='')}"
    with remote.telling(made.repo):
        headers = _headers.build_hf_headers(token=remote.token, library_name="weighbridge")
        _http.hf_raise_for_status(_http.get_session().post(url, json=sent, headers=headers, timeout=60))
