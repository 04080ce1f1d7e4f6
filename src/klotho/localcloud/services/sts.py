"""STS: who am I.

Input: a signed query request. Output: the caller's account, ARN and user id in XML. Refuses every action but
GetCallerIdentity by name (assuming roles comes with permissions).
"""

from __future__ import annotations

from xml.sax.saxutils import escape

from klotho.localcloud import wire
from klotho.localcloud.service import ApiCall, ApiResponse, session_arn


class StsService:
    """GetCallerIdentity."""

    name = "sts"

    def __init__(self, account: str) -> None:
        self._account = account

    async def call(self, call: ApiCall) -> ApiResponse:
        if call.action != "GetCallerIdentity":
            raise wire.not_carried("sts", call.action or f"{call.method} {call.path}")
        arn = escape(session_arn(call.caller, self._account))
        body = (
            '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
            f"<Arn>{arn}</Arn><UserId>{escape(call.caller.access_key)}</UserId>"
            f"<Account>{self._account}</Account></GetCallerIdentityResult>"
            f"<ResponseMetadata><RequestId>{wire.request_id()}</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
        )
        return ApiResponse(200, body.encode(), {"content-type": "text/xml"})
