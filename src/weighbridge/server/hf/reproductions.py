"""What people say of a revision that they reproduced (spec/reproduction.md). Our own addition, as reports are."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from weighbridge.hub.reproductions import Attested
from weighbridge.server.addresses import API, TheRepo
from weighbridge.server.bodies import json_body
from weighbridge.server.callers import TheCaller, TheHub
from weighbridge.server.hf.shapes import Json, moment

router = APIRouter()
_AT = API + "/reproductions/{revision:name}"


class _Sent(BaseModel):
    bundle: dict[str, Any]
    key: str = Field(alias="publicKey")


@router.post(_AT)
def add(hub: TheHub, caller: TheCaller, repo: TheRepo, revision: str, sent: _Sent = json_body(_Sent)) -> Json:
    bundle = json.dumps(sent.bundle)
    return _shape(hub.reproductions.add(caller, repo, revision, bundle, sent.key))


@router.get(_AT)
def reproductions(hub: TheHub, caller: TheCaller, repo: TheRepo, revision: str) -> Json:
    commit, found = hub.reproductions.of(caller, repo, revision)
    return {"commit": commit, "reproductions": [_shape(each) for each in found]}


def _shape(each: Attested) -> Json:
    said = dict(each.said.statement().predicate) if each.said else {}
    return {
        **said,
        "user": each.user,
        "received": moment(each.received),
        "key": each.key,
        "holds": each.holds,
        "signer": each.signer or None,
        "why": each.why or None,
        "bundle": json.loads(each.bundle),
    }
