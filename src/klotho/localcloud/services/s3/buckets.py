"""The operations on buckets themselves. Buckets are made, changed and deleted by stacks; these only look at them.

Source: the operations of these names, Amazon S3 API Reference.
"""

from __future__ import annotations

from klotho.localcloud import wire
from klotho.localcloud.service import ApiCall, ApiError, ApiResponse
from klotho.localcloud.services.object_store import Bucket
from klotho.localcloud.services.s3 import documents
from klotho.localcloud.services.s3.context import Context, nothing
from klotho.localcloud.services.s3.documents import Field, stamp
from klotho.localcloud.services.s3.requests import check_query


async def list_buckets(s3: Context, call: ApiCall) -> ApiResponse:
    """All on one page: the local cloud holds few."""
    check_query("ListBuckets", call, "max-buckets", "prefix")
    if "max-buckets" in call.query:
        raise wire.not_carried("s3", "ListBuckets with max-buckets")
    names = [bucket for bucket in s3.store.buckets() if bucket.name.startswith(call.query.get("prefix", ""))]
    shown: list[Field] = [
        ("Bucket", [("Name", item.name), ("CreationDate", stamp(item.created)), ("BucketRegion", s3.region)])
        for item in names
    ]
    return documents.answer("ListAllMyBucketsResult", [("Owner", [("ID", s3.account)]), ("Buckets", shown)])


async def create_bucket(s3: Context, call: ApiCall, name: str) -> ApiResponse:
    """Only of the artifact bucket, which always exists and belongs to the caller."""
    if name != s3.assets:
        text = f"klotho's local cloud does not carry s3:CreateBucket of {name}: buckets are made by stacks here"
        raise ApiError("NotImplemented", text, 501)
    if s3.region != "us-east-1":  # the one region where making one's own bucket again is no error
        raise ApiError("BucketAlreadyOwnedByYou", f"{name} always exists in the local cloud", 409)
    return nothing(200, {"location": f"/{name}"})


async def head_bucket(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    check_query("HeadBucket", call)
    return nothing(200, {"x-amz-bucket-region": s3.region, "content-type": "application/xml"})


async def get_location(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    check_query("GetBucketLocation", call, "location")
    location = "" if s3.region == "us-east-1" else s3.region
    xmlns = "http://s3.amazonaws.com/doc/2006-03-01/"
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint xmlns="{xmlns}">{location}</LocationConstraint>'
    )
    return ApiResponse(200, body.encode(), {"content-type": "application/xml"})


async def get_versioning(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    check_query("GetBucketVersioning", call, "versioning")
    return documents.answer("VersioningConfiguration", [("Status", bucket.versioning or None)])


async def get_tagging(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    check_query("GetBucketTagging", call, "tagging")
    if not bucket.tags:
        raise ApiError("NoSuchTagSet", "The TagSet does not exist", 404)
    tags: list[Field] = [("Tag", [("Key", name), ("Value", value)]) for name, value in bucket.tags.items()]
    return documents.answer("Tagging", [("TagSet", tags)])


async def get_cors(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    check_query("GetBucketCors", call, "cors")
    rules = (bucket.settings.get("CorsConfiguration") or {}).get("CorsRules") or []
    if not rules:
        raise ApiError("NoSuchCORSConfiguration", "The CORS configuration does not exist", 404)
    return documents.answer("CORSConfiguration", [("CORSRule", _cors_rule(rule)) for rule in rules])


def _cors_rule(rule: dict[str, object]) -> list[Field]:
    names = {
        "Id": "ID", "AllowedOrigins": "AllowedOrigin", "AllowedMethods": "AllowedMethod",
        "AllowedHeaders": "AllowedHeader", "ExposedHeaders": "ExposeHeader", "MaxAge": "MaxAgeSeconds",
    }  # fmt: skip
    found: list[Field] = []
    for name, element in names.items():
        value = rule.get(name)
        values = value if isinstance(value, list) else [] if value is None else [value]
        found += [(element, str(item)) for item in values]
    return found
