"""STS: who am I, and taking a role.

Input: a signed query request. Output: XML. A role that is not deployed, or whose trust policy does not name the caller
or its account, is refused in AWS's words; so is every other action, by name. The trust policy's conditions are not
evaluated: a statement with one trusts nobody, and neither does a policy that denies anything. Temporary credentials
end with the local cloud.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from klotho.localcloud import wire
from klotho.localcloud.credentials import Credentials
from klotho.localcloud.handler import Record
from klotho.localcloud.permissions.roles import ROLE
from klotho.localcloud.service import ApiCall, ApiError, ApiResponse, Caller, session_arn
from klotho.localcloud.world import World

_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}")
_SHORTEST_S, _LONGEST_S, _USUAL_S = 900, 43_200, 3_600


class StsService:
    """GetCallerIdentity and AssumeRole."""

    name = "sts"

    def __init__(self, account: str, world: World, credentials: Credentials) -> None:
        self._account = account
        self._world = world
        self._credentials = credentials

    async def call(self, call: ApiCall) -> ApiResponse:
        if call.action == "GetCallerIdentity":
            return _answer(call.action, self._identity(call.caller))
        if call.action == "AssumeRole":
            return _answer(
                call.action, self._assume(call.caller, dict(parse_qsl(call.body.decode("utf-8", "replace"))))
            )
        raise wire.not_carried("sts", call.action or f"{call.method} {call.path}")

    def _identity(self, caller: Caller) -> str:
        arn = escape(session_arn(caller, self._account))
        return f"<Arn>{arn}</Arn><UserId>{escape(caller.access_key)}</UserId><Account>{self._account}</Account>"

    def _assume(self, caller: Caller, fields: Mapping[str, str]) -> str:
        arn, name = fields.get("RoleArn", ""), fields.get("RoleSessionName", "")
        for option in sorted(set(fields) - {"Action", "Version", "RoleArn", "RoleSessionName", "DurationSeconds"}):
            raise wire.not_carried("sts", f"AssumeRole with {option}")
        seconds = int(fields["DurationSeconds"]) if fields.get("DurationSeconds", "").isdecimal() else _USUAL_S
        if _SESSION_NAME.fullmatch(name) is None or not _SHORTEST_S <= seconds <= _LONGEST_S:
            raise ApiError("ValidationError", "1 validation error detected: RoleSessionName or DurationSeconds")
        user = session_arn(caller, self._account)
        role = next((item for item in self._world.list(ROLE) if item.attributes.get("Arn") == arn), None)
        if role is None or not _trusts(role, user, caller, self._account):
            message = f"User: {user} is not authorized to perform: sts:AssumeRole on resource: {arn}"
            raise ApiError("AccessDenied", message, 403)
        session = self._credentials.assume(name, arn, seconds)
        ends = datetime.fromtimestamp(session.expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        taken = session_arn(Caller(session.key.id, name, arn), self._account)
        return (
            f"<AssumedRoleUser><Arn>{escape(taken)}</Arn>"
            f"<AssumedRoleId>{escape(str(role.attributes.get('RoleId', '')))}:{escape(name)}</AssumedRoleId>"
            f"</AssumedRoleUser><Credentials><AccessKeyId>{session.key.id}</AccessKeyId>"
            f"<SecretAccessKey>{session.key.secret}</SecretAccessKey><SessionToken>{session.token}</SessionToken>"
            f"<Expiration>{ends}</Expiration></Credentials>"
        )


def _answer(action: str, result: str) -> ApiResponse:
    body = (
        f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>{result}'
        f"</{action}Result><ResponseMetadata><RequestId>{wire.request_id()}</RequestId></ResponseMetadata>"
        f"</{action}Response>"
    )
    return ApiResponse(200, body.encode(), {"content-type": "text/xml"})


def _trusts(role: Record, user: str, caller: Caller, account: str) -> bool:
    """Whether the role's trust policy names the caller, its role or its whole account."""
    wanted = {user, caller.role_arn, account, f"arn:aws:iam::{account}:root"}
    statements: Any = (role.properties.get("AssumeRolePolicyDocument") or {}).get("Statement") or []
    statements = [statements] if isinstance(statements, Mapping) else statements
    if any(statement.get("Effect") != "Allow" for statement in statements):
        return False
    for statement in statements:
        principal = statement.get("Principal")
        named = principal.get("AWS") if isinstance(principal, Mapping) else None
        names = {named} if isinstance(named, str) else set(named or ())
        actions = statement.get("Action")
        fits = "sts:AssumeRole" in ([actions] if isinstance(actions, str) else actions or [])
        if not statement.get("Condition") and fits and names & wanted:
            return True
    return False
