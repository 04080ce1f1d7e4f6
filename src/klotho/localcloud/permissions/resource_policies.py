"""What the policies of resources allow, to whom: those of queues and buckets, and the permissions of functions.

Input: the World's records of queue and bucket policies and Lambda permissions. Output: statements by resource with
their principals; and the decision whether an AWS service may do something to a resource on behalf of another one. A
policy that is malformed lets nothing through, by name. Refused as malformed: NotPrincipal, principals that are neither
AWS nor Service.

Source: "AWS JSON policy elements: Principal", IAM User Guide; "Resource-based policies" of SQS and Lambda.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from klotho.catalogue.wildcard import Patterns
from klotho.localcloud.handler import Record
from klotho.localcloud.permissions.conditions import parse_conditions
from klotho.localcloud.permissions.evaluate import Decision, Grants, Need, decide
from klotho.localcloud.permissions.policy import PolicyError, Statement, parse_policy
from klotho.localcloud.planes.functions.model import name_of
from klotho.localcloud.world import World

INLINE, POLICY, QUEUE = "AWS::SQS::QueueInlinePolicy", "AWS::SQS::QueuePolicy", "AWS::SQS::Queue"
BUCKET_POLICY = "AWS::S3::BucketPolicy"
PERMISSION, FUNCTION = "AWS::Lambda::Permission", "AWS::Lambda::Function"
TYPES = (INLINE, POLICY, QUEUE, PERMISSION, FUNCTION, BUCKET_POLICY)
"""Whose records decide."""


@dataclass(frozen=True, slots=True)
class Attached:
    """One statement of a resource's policy."""

    statement: Statement
    """About this resource only."""
    services: frozenset[str]
    """The service principals it names."""
    identities: frozenset[str]
    """The ARNs and account ids it names."""
    everyone: bool
    """Principal `*`."""


def attached(world: World) -> Iterator[Attached]:
    """All of them. `PolicyError` for a malformed policy."""
    for record in world.list(INLINE):
        yield from _of_queue(world, record, str(record.properties.get("Queue", "")))
    for record in world.list(POLICY):
        for url in record.properties.get("Queues") or ():
            yield from _of_queue(world, record, str(url))
    for record in world.list(PERMISSION):
        yield from _of_function(world, record)
    for record in world.list(BUCKET_POLICY):
        yield from bucket_policy(record.identifier, record.properties.get("PolicyDocument"))


def check_document(name: str, document: Any) -> None:
    """`PolicyError` for a document that can't be the policy of a resource."""
    list(_statements(name, document))


def for_role(world: World, role_arn: str, account: str) -> Iterator[Statement]:
    """What names a role: `Allow` for it or for everyone; a `Deny` also for its whole account."""
    accounts = {account, f"arn:aws:iam::{account}:root"}
    for item in attached(world):
        named = item.everyone or role_arn in item.identities
        if named or (not item.statement.allows and accounts & item.identities):
            yield item.statement


class ServicePrincipals:
    """Decides for AWS services, which have no policies of their own: a resource's policy must let them in."""

    def __init__(self, world: World, region: str, account: str) -> None:
        self._world, self._region, self._account = world, region, account
        self._known: tuple[Attached, ...] | PolicyError | None = None
        for name in TYPES:
            world.subscribe(name, self._forget)

    def decide(self, service: str, action: str, resource: str, source_arn: str) -> Decision:
        """Whether `service` (`sns.amazonaws.com`) may do this to a resource because of `source_arn`."""
        if self._known is None:
            try:
                self._known = tuple(attached(self._world))
            except PolicyError as error:
                self._known = error
        if isinstance(self._known, PolicyError):
            return Decision(False, f"because {self._known}")
        statements = tuple(item.statement for item in self._known if item.everyone or service in item.services)
        facts = {
            "aws:principalisawsservice": "true",
            "aws:requestedregion": self._region,
            "aws:resourceaccount": self._account,
            "aws:securetransport": "true",
            "aws:sourceaccount": self._account,
            "aws:sourcearn": source_arn,
            "aws:viaawsservice": "false",
        }
        decision = decide(Grants((), resource_statements=statements), Need(action, resource), facts)
        if decision.missing:
            return replace(decision, reason=f"because no resource-based policy allows the {action} action")
        return decision

    def _forget(self, _: str) -> None:
        self._known = None


def _of_queue(world: World, record: Record, url: str) -> Iterator[Attached]:
    queue = world.get(QUEUE, url)
    if queue is None:
        return
    arn = str(queue.attributes.get("Arn", ""))
    for item in _statements(record.logical_id, record.properties.get("PolicyDocument")):
        if item.statement.resources.match(arn) is not item.statement.not_resources:
            # A queue's policy is about this queue, whatever else it names.
            about = replace(item.statement, resources=Patterns([arn]), not_resources=False)
            yield replace(item, statement=about)


def bucket_policy(bucket: str, document: Any) -> list[Attached]:
    """The statements of a bucket's policy. `PolicyError` when it is malformed, or about anything but this bucket."""
    name, arn = f"of bucket {bucket}", f"arn:aws:s3:::{bucket}"
    found = list(_statements(name, document))
    for item in found:
        if item.statement.not_resources:
            raise PolicyError(f"policy {name} has NotResource, which klotho's local cloud does not carry")
        for resource in item.statement.resources.texts:
            if resource != arn and not resource.startswith(f"{arn}/"):
                raise PolicyError(f"policy {name} has an invalid resource: {resource}")
    return found


def _statements(name: str, document: Any) -> Iterator[Attached]:
    found = document
    if isinstance(document, str):
        found = parse_json(name, document)
    if not isinstance(found, Mapping) or not found.get("Statement"):
        raise PolicyError(f"policy {name} has no Statement")
    listed = found["Statement"] if isinstance(found["Statement"], list) else [found["Statement"]]
    for entry in listed:
        if not isinstance(entry, Mapping) or "Principal" not in entry:
            raise PolicyError(f"a statement of policy {name} has no Principal")
        rest = {key: value for key, value in entry.items() if key != "Principal"}
        (statement,) = parse_policy(name, {**found, "Statement": [rest]}).statements
        yield Attached(statement, *_principals(name, entry["Principal"]))


def parse_json(name: str, text: str) -> Any:
    import json

    try:
        return json.loads(text)
    except ValueError:
        raise PolicyError(f"policy {name} is no JSON") from None


def _principals(name: str, principal: Any) -> tuple[frozenset[str], frozenset[str], bool]:
    if principal == "*":
        return frozenset(), frozenset(), True
    if not isinstance(principal, Mapping) or not principal or set(principal) - {"AWS", "Service"}:
        raise PolicyError(f"a Principal of policy {name} is neither `*` nor one of AWS and Service")
    texts = {
        kind: frozenset(str(item) for item in (value if isinstance(value, list) else [value]))
        for kind, value in principal.items()
    }
    identities = texts.get("AWS", frozenset())
    return texts.get("Service", frozenset()), identities - {"*"}, "*" in identities


def _of_function(world: World, record: Record) -> Iterator[Attached]:
    properties = record.properties
    function = world.get(FUNCTION, name_of(str(properties.get("FunctionName", ""))))
    if function is None:
        return
    conditions: dict[str, Any] = {}
    if "SourceArn" in properties:
        conditions["ArnLike"] = {"aws:SourceArn": properties["SourceArn"]}
    if "SourceAccount" in properties:
        conditions["StringEquals"] = {"aws:SourceAccount": properties["SourceAccount"]}
    if "FunctionUrlAuthType" in properties:
        conditions.setdefault("StringEquals", {})["lambda:FunctionUrlAuthType"] = properties["FunctionUrlAuthType"]
    if str(properties.get("InvokedViaFunctionUrl", "")).lower() == "true":
        conditions["Bool"] = {"lambda:InvokedViaFunctionUrl": "true"}
    statement = Statement(
        policy=record.logical_id,
        allows=True,
        actions=Patterns([str(properties.get("Action", ""))], ignore_case=True),
        resources=Patterns([str(function.attributes.get("Arn", ""))]),
        conditions=parse_conditions(conditions),
    )
    principal = str(properties.get("Principal", ""))
    if principal.endswith(".amazonaws.com"):
        yield Attached(statement, frozenset({principal}), frozenset(), False)
    else:
        yield Attached(statement, frozenset(), frozenset({principal} - {"*"}), principal == "*")
