"""Who am I, and may I."""

from __future__ import annotations

from fastapi import APIRouter

from weighbridge.errors import UnauthenticatedError
from weighbridge.hub import Role
from weighbridge.server.addresses import API, TheRepo
from weighbridge.server.callers import BAD_TOKEN, TheCaller, TheHub
from weighbridge.server.hf.shapes import Json

router = APIRouter()


@router.get("/api/whoami-v2")
def whoami(hub: TheHub, caller: TheCaller) -> Json:
    if caller.user is None:
        raise UnauthenticatedError(BAD_TOKEN)
    user = hub.people.account(caller.user)
    return {
        "type": "user",
        "id": user.name,
        "name": user.name,
        "fullname": user.fullname,
        "isPro": False,
        "canPay": False,
        "avatarUrl": "",
        "orgs": [
            {"type": "org", "id": name, "name": name, "fullname": name, "roleInOrg": role.value}
            for name, role in caller.organisations
        ],
        "auth": {"type": "access_token", "accessToken": {"displayName": caller.token_name, "role": caller.role.value}},
    }


@router.get(API + "/auth-check")
def may_read(hub: TheHub, caller: TheCaller, repo: TheRepo) -> Json:
    hub.repos.get(caller, repo)
    return {"role": Role.READ.value}


@router.get(API + "/auth-check/write")
def may_write(hub: TheHub, caller: TheCaller, repo: TheRepo) -> Json:
    hub.repos.ensure_write(caller, repo)
    return {"role": Role.WRITE.value}
