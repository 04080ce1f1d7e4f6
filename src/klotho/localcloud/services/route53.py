"""Route 53, as far as a deployment asks it: which hosted zone does a name belong to.

Every domain name is this cloud's own: for any name that could be one there is a public hosted zone of that name, with
an id made from it. No name server runs here, and nobody else resolves the names: records (AWS::Route53::RecordSet) are
kept and shown, and the domain's host name is served by the gateway. Refuses every other operation by name.

Source: Route 53 API Reference, ListHostedZonesByName (REST, XML).
"""

from __future__ import annotations

from xml.sax.saxutils import escape

from klotho.application.validation import HOST
from klotho.localcloud import wire
from klotho.localcloud.identity import digest
from klotho.localcloud.service import ApiCall, ApiError, ApiResponse

_PATH = "/2013-04-01/hostedzonesbyname"
_NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/"


def zone_id(name: str) -> str:
    """The id of the zone with this name."""
    return f"Z{digest(name, 20, 'hosted-zone').upper()}"


class Route53Service:
    """ListHostedZonesByName."""

    name = "route53"

    async def call(self, call: ApiCall) -> ApiResponse:
        if (call.method, call.path.rstrip("/")) != ("GET", _PATH):
            raise wire.not_carried("route53", f"{call.method} {call.path}")
        name = call.query.get("dnsname", "").rstrip(".").lower()
        if not name:
            raise ApiError("InvalidInput", "klotho's local cloud lists hosted zones by a name: give DNSName")
        zones = _zone(name) if HOST.fullmatch(name) else ""
        text = (
            f'<ListHostedZonesByNameResponse xmlns="{_NAMESPACE}"><HostedZones>{zones}</HostedZones>'
            f"<DNSName>{escape(name)}.</DNSName><IsTruncated>false</IsTruncated><MaxItems>100</MaxItems>"
            "</ListHostedZonesByNameResponse>"
        )
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
        return ApiResponse(200, body, {"content-type": "text/xml"})


def _zone(name: str) -> str:
    return (
        f"<HostedZone><Id>/hostedzone/{zone_id(name)}</Id><Name>{escape(name)}.</Name>"
        "<CallerReference>klotho</CallerReference><Config><PrivateZone>false</PrivateZone></Config></HostedZone>"
    )
