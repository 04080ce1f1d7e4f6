"""STS: who am I.

Input: a signed query request. Output: the caller's account, ARN and user id in XML. Refuses every action but
GetCallerIdentity by name (assuming roles comes with permissions).
"""

from __future__ import annotations

from xml.sax.saxutils import escape

from klotho.localcloud import wire
from klotho.localcloud.service import ApiCall, ApiResponse, Caller


class StsService:
    """GetCallerIdentity."""

    name = "sts"

    def __init__(self, account: str) -> None:
        self._account = account

    async def call(self, call: ApiCall) -> ApiResponse:
        if call.action != "GetCallerIdentity":
            raise wire.not_carried("sts", call.action or f"{call.method} {call.path}")
        body = (
            '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
            f"<Arn>{escape(_arn(call.caller, self._account))}</Arn><UserId>{escape(call.caller.access_key)}</UserId>"
            f"<Account>{self._account}</Account></GetCallerIdentityResult>"
            f"<ResponseMetadata><RequestId>{wire.request_id()}</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
        )
        return ApiResponse(200, body.encode(), {"content-type": "text/xml"})


def _arn(caller: Caller, account: str) -> str:
    """As on AWS: a user's ARN for the deployer, an assumed-role session for a compute unit."""
    if caller.role_arn is None:
        return f"arn:aws:iam::{account}:user/{caller.name}"
    role = caller.role_arn.rpartition("/")[2]
    return f"arn:aws:sts::{account}:assumed-role/{role}/{caller.name}"
