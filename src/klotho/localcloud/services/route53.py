"""Route 53, as far as a deployment asks it: which hosted zone a name belongs to, and records that prove names to ACM.

Every domain name is this cloud's own: for any name that could be one there is a public hosted zone of that name, with
an id made from it. No name server runs here, and nobody else resolves the names: records are kept and shown, and the
domain's host name is served by the gateway. Records made through the API are durable in `Records`, those of
AWS::Route53::RecordSet in the World. Refuses by name every other operation, and records other than CNAME.

Source: Route 53 API Reference, ListHostedZonesByName, ChangeResourceRecordSets, ListResourceRecordSets (REST, XML).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from klotho.application.validation import HOST
from klotho.localcloud import wire
from klotho.localcloud.database import Database
from klotho.localcloud.identity import digest
from klotho.localcloud.service import ApiCall, ApiError, ApiResponse

_BY_NAME = "/2013-04-01/hostedzonesbyname"
_RECORDS = re.compile(r"/2013-04-01/hostedzone/([A-Z0-9]{1,32})/rrset")
_NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/"
_TABLE = """
create table if not exists dns_records (
    zone text not null, name text not null, ttl integer not null, value text not null, primary key (zone, name)
)
"""


def zone_id(name: str) -> str:
    """The id of the zone with this name."""
    return f"Z{digest(name, 20, 'hosted-zone').upper()}"


class Records:
    """CNAME records made through the API, by zone and name."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.connection.execute(_TABLE)

    def has(self, name: str, value: str) -> bool:
        """Whether some zone has this record; names end with a dot."""
        found = self._database.connection.execute("select 1 from dns_records where name=? and value=?", (name, value))
        return found.fetchone() is not None

    def of(self, zone: str) -> list[tuple[str, int, str]]:
        """Name, TTL and value of each, in order."""
        rows = self._database.connection.execute(
            "select name, ttl, value from dns_records where zone=? order by name", (zone,)
        )
        return [(row["name"], row["ttl"], row["value"]) for row in rows]

    def change(self, zone: str, changes: list[tuple[str, str, int, str]]) -> None:
        """Action, name, TTL and value of each: all or none. ApiError `InvalidChangeBatch`."""
        with self._database.transaction() as connection:
            for action, name, ttl, value in changes:
                known = next((item for item in self.of(zone) if item[0] == name), None)
                if action == "CREATE" and known is not None:
                    raise _bad_batch(f"Tried to create resource record set {name} but it already exists")
                if action == "DELETE" and known != (name, ttl, value):
                    raise _bad_batch(f"Tried to delete resource record set {name} but it was not found")
                if action == "DELETE":
                    connection.execute("delete from dns_records where zone=? and name=?", (zone, name))
                else:
                    connection.execute("insert or replace into dns_records values (?,?,?,?)", (zone, name, ttl, value))


class Route53Service:
    """ListHostedZonesByName, ChangeResourceRecordSets, ListResourceRecordSets."""

    name = "route53"

    def __init__(self, records: Records) -> None:
        self._records = records

    async def call(self, call: ApiCall) -> ApiResponse:
        path = call.path.rstrip("/")
        zone = _RECORDS.fullmatch(path)
        if zone is not None and call.method in ("GET", "POST"):
            return self._change(zone[1], call.body) if call.method == "POST" else self._list(zone[1])
        if (call.method, path) != ("GET", _BY_NAME):
            raise wire.not_carried("route53", f"{call.method} {call.path}")
        return _zones(call.query.get("dnsname", "").rstrip(".").lower())

    def _change(self, zone: str, body: bytes) -> ApiResponse:
        self._records.change(zone, list(_changes(body)))
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        info = (
            f"<Id>/change/C{digest(zone + now, 20).upper()}</Id><Status>INSYNC</Status><SubmittedAt>{now}</SubmittedAt>"
        )
        return _answer("ChangeResourceRecordSetsResponse", f"<ChangeInfo>{info}</ChangeInfo>")

    def _list(self, zone: str) -> ApiResponse:
        sets = "".join(
            f"<ResourceRecordSet><Name>{escape(name)}</Name><Type>CNAME</Type><TTL>{ttl}</TTL><ResourceRecords>"
            f"<ResourceRecord><Value>{escape(value)}</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>"
            for name, ttl, value in self._records.of(zone)
        )
        text = (
            f"<ResourceRecordSets>{sets}</ResourceRecordSets><IsTruncated>false</IsTruncated><MaxItems>300</MaxItems>"
        )
        return _answer("ListResourceRecordSetsResponse", text)


def _zones(name: str) -> ApiResponse:
    if not name:
        raise ApiError("InvalidInput", "klotho's local cloud lists hosted zones by a name: give DNSName")
    zones = _zone(name) if HOST.fullmatch(name) else ""
    text = (
        f"<HostedZones>{zones}</HostedZones><DNSName>{escape(name)}.</DNSName><IsTruncated>false</IsTruncated>"
        "<MaxItems>100</MaxItems>"
    )
    return _answer("ListHostedZonesByNameResponse", text)


def _zone(name: str) -> str:
    return (
        f"<HostedZone><Id>/hostedzone/{zone_id(name)}</Id><Name>{escape(name)}.</Name>"
        "<CallerReference>klotho</CallerReference><Config><PrivateZone>false</PrivateZone></Config></HostedZone>"
    )


def _changes(body: bytes) -> Iterator[tuple[str, str, int, str]]:
    """Action, name, TTL and value of each change. ApiError for what is none, and for what is not carried."""
    if b"<!" in body:  # no document type: entities would let a request of a line fill the memory
        raise ApiError("InvalidInput", "The request body must be plain XML.")
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise ApiError("InvalidInput", f"The request body is no XML: {error}") from None
    names = {"r": _NAMESPACE}
    found = root.findall("r:ChangeBatch/r:Changes/r:Change", names)
    if not found:
        raise ApiError("InvalidInput", "ChangeBatch.Changes is required.")
    for change in found:
        texts = _texts(change, names)
        if texts["Type"] != "CNAME":
            raise wire.not_carried("route53", f"ChangeResourceRecordSets with {texts['Type'] or 'no'} records")
        values = [item.text or "" for item in change.findall(".//r:ResourceRecord/r:Value", names)]
        if texts["Action"] not in ("CREATE", "DELETE", "UPSERT") or not texts["Name"] or len(values) != 1:
            raise _bad_batch("Each change needs an Action, a Name and one ResourceRecord")
        if not re.fullmatch(r"[0-9]{1,9}", texts["TTL"]):
            raise _bad_batch("TTL must be a number of seconds")
        yield texts["Action"], _full(texts["Name"]), int(texts["TTL"]), _full(values[0])


def _texts(change: ElementTree.Element, names: Mapping[str, str]) -> dict[str, str]:
    places = {"Action": "r:Action", **{name: f"r:ResourceRecordSet/r:{name}" for name in ("Name", "Type", "TTL")}}
    return {name: (change.findtext(place, "", dict(names)) or "") for name, place in places.items()}


def _full(name: str) -> str:
    return name.rstrip(".").lower() + "."


def _bad_batch(message: str) -> ApiError:
    return ApiError("InvalidChangeBatch", message)


def _answer(name: str, content: str) -> ApiResponse:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="{_NAMESPACE}">{content}</{name}>'.encode()
    return ApiResponse(200, body, {"content-type": "text/xml"})
