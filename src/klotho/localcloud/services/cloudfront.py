"""CloudFront: what deployers and tools ask about live distributions.

Input: REST requests with XML. Output: CreateInvalidation, GetInvalidation, ListInvalidations, GetDistribution. Refuses
every other operation by name. An invalidation is done when it is made; as on AWS its answer says `InProgress`, and
asking again says `Completed`.

Source: Amazon CloudFront API Reference, 2020-05-31.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from klotho.localcloud import wire
from klotho.localcloud.handler import Record
from klotho.localcloud.identity import arn
from klotho.localcloud.planes.cdn.distribution import DISTRIBUTION
from klotho.localcloud.planes.cdn.invalidations import Invalidation
from klotho.localcloud.planes.cdn.plane import Cdn
from klotho.localcloud.service import ApiCall, ApiError, ApiResponse
from klotho.localcloud.world import World

_VERSION = "/2020-05-31"
_XMLNS = "http://cloudfront.amazonaws.com/doc/2020-05-31/"
_ONE = re.compile(r"/distribution/(?P<distribution>[^/]+)")
_ALL_INVALIDATIONS = re.compile(_ONE.pattern + "/invalidation")
_INVALIDATION = re.compile(_ALL_INVALIDATIONS.pattern + "/(?P<invalidation>[^/]+)")
MAX_ITEMS = 100


class CloudFrontService:
    """The part of the API that is about invalidations."""

    name = "cloudfront"

    def __init__(self, cdn: Cdn, world: World, account: str) -> None:
        self._cdn = cdn
        self._world = world
        self._account = account

    async def call(self, call: ApiCall) -> ApiResponse:
        path = call.path.removeprefix(_VERSION).rstrip("/")
        if call.method == "GET" and (found := _ONE.fullmatch(path)):
            return self._distribution(self._record(found["distribution"]))
        if call.method == "POST" and (found := _ALL_INVALIDATIONS.fullmatch(path)):
            return self._create(self._record(found["distribution"]).identifier, call.body)
        if call.method == "GET" and (found := _ALL_INVALIDATIONS.fullmatch(path)):
            return self._list(self._record(found["distribution"]).identifier, call)
        if call.method == "GET" and (found := _INVALIDATION.fullmatch(path)):
            distribution = self._record(found["distribution"]).identifier
            made = self._cdn.invalidations.get(distribution, found["invalidation"])
            return _xml(_document("Invalidation", _invalidation(made, "Completed")))
        raise wire.not_carried("cloudfront", f"{call.method} {path}")

    def _record(self, identifier: str) -> Record:
        record = self._world.get(DISTRIBUTION, identifier)
        if record is None:
            raise ApiError("NoSuchDistribution", "The specified distribution does not exist.", 404)
        return record

    def _create(self, distribution: str, body: bytes) -> ApiResponse:
        paths, reference, quantity = _batch(body)
        if quantity != len(paths):
            raise ApiError("InconsistentQuantities", "The value of Quantity and the size of Items don't match.")
        made = self._cdn.invalidate(distribution, paths, reference)
        location = f"https://cloudfront.amazonaws.com{_VERSION}/distribution/{distribution}/invalidation/{made.id}"
        return _xml(_document("Invalidation", _invalidation(made, "InProgress")), 201, {"location": location})

    def _list(self, distribution: str, call: ApiCall) -> ApiResponse:
        limit, marker = call.query.get("MaxItems", str(MAX_ITEMS)), call.query.get("Marker", "")
        if not limit.isdecimal() or not 1 <= int(limit) <= MAX_ITEMS:
            raise ApiError("InvalidArgument", f"MaxItems must be between 1 and {MAX_ITEMS}")
        everything = self._cdn.invalidations.of(distribution)
        ids = [item.id for item in everything]
        start = ids.index(marker) + 1 if marker in ids else 0
        page = everything[start : start + int(limit)]
        more = start + len(page) < len(everything)
        items = "".join(
            f"<InvalidationSummary><Id>{item.id}</Id><CreateTime>{_time(item.created)}</CreateTime>"
            "<Status>Completed</Status></InvalidationSummary>"
            for item in page
        )
        text = (
            f"<Marker>{escape(marker)}</Marker>"
            + (f"<NextMarker>{page[-1].id}</NextMarker>" if more else "")
            + f"<MaxItems>{limit}</MaxItems><IsTruncated>{'true' if more else 'false'}</IsTruncated>"
            f"<Quantity>{len(page)}</Quantity><Items>{items}</Items>"
        )
        return _xml(_document("InvalidationList", text))

    def _distribution(self, record: Record) -> ApiResponse:
        """Without DistributionConfig: nobody here writes one back by API, and half of one would be a trap."""
        text = (
            f"<Id>{record.identifier}</Id>"
            f"<ARN>{arn('cloudfront', f'distribution/{record.identifier}', '', self._account)}</ARN>"
            f"<Status>Deployed</Status><LastModifiedTime>{_time(0)}</LastModifiedTime>"
            "<InProgressInvalidationBatches>0</InProgressInvalidationBatches>"
            f"<DomainName>{escape(str(record.attributes.get('DomainName', '')))}</DomainName>"
        )
        return _xml(_document("Distribution", text), 200, {"etag": f"E{record.token[:12]}"})


def _batch(body: bytes) -> tuple[list[str], str, int]:
    """Paths, caller's reference and the number of paths that was said."""
    if b"<!" in body:  # neither a document type nor entities belong into it
        raise ApiError("MalformedXML", "The XML document you provided was not well-formed.")
    try:
        root = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError, LookupError):
        raise ApiError("MalformedXML", "The XML document you provided was not well-formed.") from None
    paths = [item.text or "" for item in _found(root, "Path")]
    reference = next((item.text or "" for item in _found(root, "CallerReference")), "")
    quantity = next((item.text or "" for item in _found(root, "Quantity")), "")
    return paths, reference, int(quantity) if re.fullmatch(r"\d{1,9}", quantity, re.ASCII) else -1


def _found(root: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    return (item for item in root.iter() if item.tag.rpartition("}")[2] == name)


def _invalidation(made: Invalidation, status: str) -> str:
    paths = "".join(f"<Path>{escape(path)}</Path>" for path in made.paths)
    return (
        f"<Id>{made.id}</Id><Status>{status}</Status><CreateTime>{_time(made.created)}</CreateTime>"
        f"<InvalidationBatch><Paths><Quantity>{len(made.paths)}</Quantity><Items>{paths}</Items></Paths>"
        f"<CallerReference>{escape(made.reference)}</CallerReference></InvalidationBatch>"
    )


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _document(name: str, inner: str) -> str:
    return f'<{name} xmlns="{_XMLNS}">{inner}</{name}>'


def _xml(text: str, status: int = 200, headers: dict[str, str] | None = None) -> ApiResponse:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
    return ApiResponse(status, body, {"content-type": "text/xml", **(headers or {})})
