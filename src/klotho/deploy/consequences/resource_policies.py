"""Who else may use a queue, a topic, a bucket, a function, a key: what policies of resources allow that they did not.

Input: two `Landscape`s. Output: `Consequence`s, of the kind `public` where everyone is allowed without a condition that
narrows it down. Refuses nothing: a type that is not in the table has no such policy.

What narrows down is what AWS counts: a fixed value for one of some keys ("The meaning of 'public'", Amazon S3 User
Guide, Blocking public access to your Amazon S3 storage).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Any, NamedTuple

from klotho.deploy.consequences.consequence import Consequence
from klotho.deploy.consequences.landscape import Item, Landscape
from klotho.deploy.consequences.statements import EVERYONE, Grant, grants, widened


class _Where(NamedTuple):
    """How a type holds a policy."""

    policy: str
    target: str | None = None
    """The property that names what it is about; None: the resource itself."""


_HOLDERS: Mapping[str, _Where] = {
    "AWS::SQS::QueuePolicy": _Where("PolicyDocument", "Queues"),
    "AWS::SQS::QueueInlinePolicy": _Where("PolicyDocument", "Queue"),
    "AWS::SNS::TopicPolicy": _Where("PolicyDocument", "Topics"),
    "AWS::SNS::TopicInlinePolicy": _Where("PolicyDocument", "TopicArn"),
    "AWS::S3::BucketPolicy": _Where("PolicyDocument", "Bucket"),
    "AWS::SecretsManager::ResourcePolicy": _Where("ResourcePolicy", "SecretId"),
    "AWS::KMS::Key": _Where("KeyPolicy"),
    "AWS::ECR::Repository": _Where("RepositoryPolicyText"),
    "AWS::EFS::FileSystem": _Where("FileSystemPolicy"),
    "AWS::EC2::VPCEndpoint": _Where("PolicyDocument"),
    "AWS::DynamoDB::Table": _Where("ResourcePolicy"),
    "AWS::Events::EventBusPolicy": _Where("Statement", "EventBusName"),
    "AWS::ApiGateway::RestApi": _Where("Policy"),
}
_PERMISSION = "AWS::Lambda::Permission"
_NARROWING = {
    "aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner", "aws:sourceaccount", "aws:sourceip",
    "aws:userid", "aws:principalorgid", "aws:principalarn", "aws:principalaccount", "sns:endpoint",
    "s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:dataaccesspointarn", "lambda:eventsourcetoken",
}  # fmt: skip
_POSITIVE = ("StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike", "IpAddress")


def widened_resource_policies(before: Landscape, after: Landscape) -> Iterator[Consequence]:
    was, will = _policies(before), _policies(after)
    for target, held in will.items():
        had = [grant for grant, _ in was.get(target, ())]
        known = before.referred(target) is not None
        found: dict[str, tuple[set[str], Item, Grant]] = {}
        for grant, item in held:
            for principal, action, _ in widened(grant, had) if grant.allows else ():
                found.setdefault(principal, (set(), item, grant))[0].add(action)
        for principal, (actions, item, grant) in sorted(found.items()):
            yield _said(principal, tuple(sorted(actions)), target, item, grant, after, fresh=not known)


def _policies(side: Landscape) -> dict[str, list[tuple[Grant, Item]]]:
    """Every statement, by the text that names what it is about."""
    found: dict[str, list[tuple[Grant, Item]]] = {}
    for item in side.of(*_HOLDERS):
        where = _HOLDERS[item.type]
        held = [(grant, item) for grant in grants(_document(item, where))]
        for target in _targets(item, where, side):
            found.setdefault(target, []).extend(held)
    for item in side.of(_PERMISSION):
        target = _plain(str(item.properties.get("FunctionName", "")), side)
        found.setdefault(target, []).append((_of_permission(item.properties), item))
    return found


def _document(item: Item, where: _Where) -> Any:
    found = item.properties.get(where.policy)
    if where.policy == "Statement":
        return {"Statement": found}
    # A table's policy has the document one level further down.
    return found.get("PolicyDocument", found) if isinstance(found, Mapping) else found


def _targets(item: Item, where: _Where, side: Landscape) -> list[str]:
    if where.target is None:
        return [f"${{{item.logical_id}}}"]
    value = item.properties.get(where.target, ())
    return [_plain(text, side) for text in ([value] if isinstance(value, str) else map(str, value))]


def _plain(text: str, side: Landscape) -> str:
    """A resource's identifier and its ARN mean the same resource."""
    item = side.referred(text)
    return f"${{{item.logical_id}}}" if item else text


def _of_permission(properties: Mapping[str, Any]) -> Grant:
    condition: dict[str, Any] = {}
    for key, name, operator in (
        ("SourceArn", "aws:SourceArn", "ArnLike"),
        ("SourceAccount", "aws:SourceAccount", "StringEquals"),
        ("EventSourceToken", "lambda:EventSourceToken", "StringEquals"),
        ("FunctionUrlAuthType", "lambda:FunctionUrlAuthType", "StringEquals"),
    ):
        if key in properties:
            condition.setdefault(operator, {})[name] = properties[key]
    principal = str(properties.get("Principal", ""))
    kind = "Service" if principal.endswith(".amazonaws.com") else "AWS"
    return Grant(
        allows=True,
        actions=(str(properties.get("Action", "")),),
        resources=("*",),
        condition=json.dumps(condition, sort_keys=True),
        principals=(principal if principal == EVERYONE else f"{kind}:{principal}",),
    )


def _said(
    principal: str, actions: tuple[str, ...], target: str, item: Item, grant: Grant, after: Landscape, *, fresh: bool
) -> Consequence:
    about = after.referred(target)
    what = about.name if about else target
    if principal == EVERYONE and not is_narrowed(grant.condition):
        text = f"everyone may use {what}"
        return Consequence("public", text, item.stack, item.logical_id, item.construct, actions)
    who = "everyone who meets a condition" if principal == EVERYONE else _who(principal, after)
    source = _source(grant, after)
    text = f"{who}{f' on behalf of {source}' if source else ''} may use {what}"
    return Consequence("permission", text, item.stack, item.logical_id, item.construct, actions, fresh)


def _who(principal: str, after: Landscape) -> str:
    name = principal.partition(":")[2]
    own = name == "${AWS::AccountId}" or ("::${AWS::AccountId}:" in name and name.endswith(":root"))
    return "this account" if own else after.spoken(name)


def is_narrowed(condition: str) -> bool:
    """Whether a condition (JSON) lets only somebody through, by AWS's meaning of public."""
    for operator, tests in json.loads(condition).items():
        if operator.rpartition(":")[2] not in _POSITIVE or not isinstance(tests, Mapping):
            continue
        for key, values in tests.items():
            listed = values if isinstance(values, list) else [values]
            if key.lower() in _NARROWING and all(_is_fixed(key.lower(), str(value)) for value in listed):
                return True
    return False


def _is_fixed(key: str, value: str) -> bool:
    if key == "aws:sourceip":
        try:
            return ip_network(value, strict=False).prefixlen > 0
        except ValueError:
            return False
    # An ARN's last part may vary: its account is what decides.
    return value.strip("*") != "" and (key != "aws:sourcearn" or not value.startswith("arn:*"))


def _source(grant: Grant, after: Landscape) -> str:
    for tests in json.loads(grant.condition).values():
        for key, value in tests.items() if isinstance(tests, Mapping) else ():
            item = after.referred(value) if key.lower() == "aws:sourcearn" else None
            if item is not None:
                return item.name
    return ""
