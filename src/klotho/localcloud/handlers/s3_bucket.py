"""`AWS::S3::Bucket` and `AWS::S3::BucketPolicy`.

Input: the resource's properties. Output: the bucket, its name as `Ref`, its `Arn` and domain names. Refuses, as AWS
does, a name that is taken or no bucket name, and the deletion of a bucket that is not empty. Refused by name
(`carries`): ACLs, replication, object lock, website hosting, notifications other than to EventBridge, lifecycle
transitions to other storage classes.

Recorded without effect here: BucketEncryption (the store lies in the user's own folder), PublicAccessBlock and
ownership (every caller is signed, and nobody else's).

Source: CloudFormation Template Reference of these types; S3 User Guide, "General purpose bucket naming rules".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from klotho.localcloud.handler import Handler, HandlerError, Outcome, Properties, Record, Request, own_tags
from klotho.localcloud.identity import physical_name
from klotho.localcloud.permissions.policy import PolicyError
from klotho.localcloud.permissions.resource_policies import BUCKET_POLICY, bucket_policy
from klotho.localcloud.services.object_store import Bucket

MAX_NAME = 63
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
_SETTINGS = ("CorsConfiguration", "LifecycleConfiguration", "NotificationConfiguration")


class S3Bucket(Handler):
    """Creates, changes and drops buckets; the identifier is the name."""

    type_name: ClassVar[str] = "AWS::S3::Bucket"
    given_attributes: ClassVar[frozenset[str]] = frozenset({"Arn", "DomainName", "RegionalDomainName"})
    carries: ClassVar[frozenset[str]] = frozenset(
        {
            "BucketEncryption",
            "BucketName",
            "CorsConfiguration",
            "LifecycleConfiguration.Rules",
            "NotificationConfiguration.EventBridgeConfiguration",
            "OwnershipControls",
            "PublicAccessBlockConfiguration",
            "Tags",
            "VersioningConfiguration",
        }
    )

    async def create(self, request: Request) -> Outcome:
        store, name = self.cloud.objects, _name(request)
        held = store.bucket(name)
        if held is not None and held.owner != request.token:
            raise HandlerError(f"{name} already exists", "AlreadyExists")
        _check(request.properties)
        made = held or Bucket(name, request.token, store.clock())
        store.set_bucket(_changed(made, request))
        return self._outcome(name)

    async def update(self, request: Request) -> Outcome:
        store, name = self.cloud.objects, request.identifier or ""
        held = store.bucket(name)
        if held is None:
            raise HandlerError(f"The specified bucket does not exist: {name}", "NotFound")
        _check(request.properties)
        store.set_bucket(_changed(held, request))
        return self._outcome(name)

    async def delete(self, request: Request) -> None:
        store, name = self.cloud.objects, request.identifier or ""
        if store.bucket(name) is None:
            return
        if not store.is_empty(name):
            text = "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
            raise HandlerError(text, "BucketNotEmpty")
        store.drop_bucket(name)

    def live(self, record: Record) -> Properties | None:
        bucket = self.cloud.objects.bucket(record.identifier)
        if bucket is None:
            return None
        kept = {name: value for name, value in record.properties.items() if name not in _SETTINGS}
        versioning = {"VersioningConfiguration": {"Status": bucket.versioning}} if bucket.versioning else {}
        return {**kept, **bucket.settings, **versioning, "Tags": own_tags(bucket.tags, record)}

    def _outcome(self, name: str) -> Outcome:
        regional = f"{name}.s3.{self.cloud.region}.amazonaws.com"
        attributes = {"Arn": f"arn:aws:s3:::{name}", "DomainName": f"{name}.s3.amazonaws.com"}
        return Outcome(name, attributes | {"RegionalDomainName": regional})


def _name(request: Request) -> str:
    given = request.properties.get("BucketName")
    if not given:
        return physical_name(request.stack_name, request.logical_id, request.token, MAX_NAME, lower=True)
    name = str(given)
    if not _NAME.fullmatch(name) or ".." in name or _ADDRESS.fullmatch(name):
        rule = "3 to 63 lower case letters, digits, dots and dashes"
        raise HandlerError(f"{name} is no bucket name: {rule}", "InvalidBucketName")
    return name


def _changed(bucket: Bucket, request: Request) -> Bucket:
    properties = request.properties
    own = {str(tag["Key"]): str(tag["Value"]) for tag in properties.get("Tags") or ()}
    status = (properties.get("VersioningConfiguration") or {}).get("Status")
    # Once it was on, versioning can only be suspended.
    versioning = str(status) if status else "Suspended" if bucket.versioning else ""
    settings = {name: properties[name] for name in _SETTINGS if name in properties}
    return replace(bucket, versioning=versioning, settings=settings, tags={**request.tags, **own})


def _check(properties: Properties) -> None:
    status = (properties.get("VersioningConfiguration") or {}).get("Status", "Enabled")
    if status not in ("Enabled", "Suspended"):
        raise HandlerError(f"the versioning status {status} is neither Enabled nor Suspended", "MalformedXML")
    for rule in (properties.get("LifecycleConfiguration") or {}).get("Rules") or ():
        _check_rule(rule)
    for rule in (properties.get("OwnershipControls") or {}).get("Rules") or ():
        if rule.get("ObjectOwnership") != "BucketOwnerEnforced":
            text = f"OwnershipControls: the local cloud carries no ACLs, so not {rule.get('ObjectOwnership')}"
            raise HandlerError(text, "Invalid")
    for rule in (properties.get("CorsConfiguration") or {}).get("CorsRules") or ():
        for origin in rule.get("AllowedOrigins") or ():
            if str(origin).count("*") > 1:
                raise HandlerError(f'AllowedOrigin "{origin}" can not have more than one wildcard.', "InvalidRequest")


_RULE = frozenset(
    {
        "AbortIncompleteMultipartUpload", "ExpirationDate", "ExpirationInDays", "ExpiredObjectDeleteMarker", "Id",
        "NoncurrentVersionExpiration", "ObjectSizeGreaterThan", "ObjectSizeLessThan", "Prefix", "Status", "TagFilters",
    }
)  # fmt: skip
_DOES = _RULE - {"Id", "Status", "Prefix", "TagFilters", "ObjectSizeGreaterThan", "ObjectSizeLessThan"}


def _check_rule(rule: Mapping[str, Any]) -> None:
    unknown = sorted(set(rule) - _RULE)
    if unknown:
        raise HandlerError(f"LifecycleConfiguration: the local cloud does not carry rules with {unknown[0]}", "Invalid")
    if not _DOES & set(rule):
        raise HandlerError(
            "LifecycleConfiguration: at least one action needs to be specified in a rule", "InvalidRequest"
        )
    if rule.get("ExpiredObjectDeleteMarker") and {"ExpirationInDays", "ExpirationDate"} & set(rule):
        raise HandlerError("ExpiredObjectDeleteMarker cannot be specified with days or a date", "MalformedXML")
    days = [rule.get("ExpirationInDays"), (rule.get("NoncurrentVersionExpiration") or {}).get("NoncurrentDays")]
    if any(day is not None and int(day) < 1 for day in days):
        raise HandlerError("'Days' for Expiration action must be a positive integer", "InvalidArgument")


class S3BucketPolicy(Handler):
    """The policy of a bucket; the identifier is the bucket's name. The endpoint evaluates what the World holds."""

    type_name: ClassVar[str] = BUCKET_POLICY
    carries: ClassVar[frozenset[str]] = frozenset({"Bucket", "PolicyDocument"})

    async def create(self, request: Request) -> Outcome:
        name = str(request.properties["Bucket"])
        if self.cloud.objects.bucket(name) is None:
            raise HandlerError(f"The specified bucket does not exist: {name}", "NotFound")
        held = self.cloud.world.get(self.type_name, name)
        if held is not None and held.token != request.token:
            raise HandlerError(f"The bucket policy already exists on bucket {name}.", "AlreadyExists")
        return self._checked(name, request)

    async def update(self, request: Request) -> Outcome:
        return self._checked(request.identifier or "", request)

    async def delete(self, request: Request) -> None:
        """The engine removes the record, and with it the policy."""

    def _checked(self, name: str, request: Request) -> Outcome:
        try:
            bucket_policy(name, request.properties.get("PolicyDocument"))
        except PolicyError as error:
            raise HandlerError(str(error), "MalformedPolicy") from error
        return Outcome(name, {})
