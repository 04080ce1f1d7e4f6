"""Roles and statements: exact actions on exact ARNs, one inline policy per role and purpose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from klotho.resources import AddItem, AddResource, Ref, ResourceKey
from klotho.resources.changes import Action


def role(key: ResourceKey, service: str, about: str) -> Iterator[Action]:
    """A role that only this AWS service may assume."""
    yield AddResource(
        key,
        "AWS::IAM::Role",
        {
            "Description": about,
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
            },
        },
    )


def policy_key(role_key: ResourceKey) -> ResourceKey:
    """The inline policy that holds a role's statements."""
    return ResourceKey(f"{role_key}-policy")


def allow(role_key: ResourceKey, name: str, actions: Sequence[str], resources: Sequence[Any]) -> Iterator[Action]:
    """The role may do these actions on these resources; `name` tells the role's statements apart."""
    key = policy_key(role_key)
    yield AddResource(
        key,
        "AWS::IAM::RolePolicy",
        {
            "RoleName": Ref(role_key),
            "PolicyName": "klotho",
            "PolicyDocument": {"Version": "2012-10-17"},
        },
    )
    yield AddItem(key, ("PolicyDocument", "Statement"), name, statement(name, actions, resources))


def statement(name: str, actions: Sequence[str], resources: Sequence[Any]) -> dict[str, Any]:
    """Allows these actions on these resources; `name` becomes its Sid."""
    sid = "".join(word[:1].upper() + word[1:] for word in "".join(c if c.isalnum() else " " for c in name).split())
    return {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": list(resources)}
