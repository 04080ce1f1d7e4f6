"""What the deployed templates grant to a role.

Input: the World's records of roles, their policies, and the policies of resources (`resource_policies`). Output:
`Grants` by role ARN, compiled once and kept until one of these records changes. Refuses by name, for the whole role: a
role that is not deployed, a malformed policy, and an AWS managed policy that `managed_policies.toml` does not have.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from klotho.localcloud.handler import Record
from klotho.localcloud.permissions import resource_policies
from klotho.localcloud.permissions.evaluate import Grants
from klotho.localcloud.permissions.policy import Policy, PolicyError, parse_policy
from klotho.localcloud.world import World

ROLE, ROLE_POLICY, MANAGED_POLICY = "AWS::IAM::Role", "AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy"
_AWS_MANAGED = ("arn:aws:iam::aws:policy/service-role/", "arn:aws:iam::aws:policy/")


class Roles:
    """The grants of every role, read from the World."""

    def __init__(self, world: World, account: str) -> None:
        self._world = world
        self._account = account
        self._grants: dict[str, Grants] = {}
        for type_name in (ROLE, ROLE_POLICY, MANAGED_POLICY, *resource_policies.TYPES):
            world.subscribe(type_name, self._forget)

    def grants(self, role_arn: str) -> Grants:
        found = self._grants.get(role_arn)
        if found is None:
            found = self._grants[role_arn] = self._read(role_arn)
        return found

    def _forget(self, _: str) -> None:
        self._grants.clear()

    def _read(self, role_arn: str) -> Grants:
        records = self._world.list(ROLE)
        role = next((record for record in records if record.attributes.get("Arn") == role_arn), None)
        if role is None:
            return Grants((), refused=f"the role {role_arn} is not deployed")
        try:
            boundary = role.properties.get("PermissionsBoundary")
            return Grants(
                policies=tuple(self._policies(role)),
                boundary=None if boundary is None else self._managed(str(boundary)),
                resource_statements=tuple(resource_policies.for_role(self._world, role_arn, self._account)),
            )
        except PolicyError as error:
            return Grants((), refused=str(error))

    def _policies(self, role: Record) -> Iterator[Policy]:
        for inline in role.properties.get("Policies") or ():
            yield parse_policy(str(inline.get("PolicyName")), inline.get("PolicyDocument"))
        for record in self._world.list(ROLE_POLICY):
            if record.properties.get("RoleName") == role.identifier:
                yield parse_policy(str(record.properties.get("PolicyName")), record.properties.get("PolicyDocument"))
        for arn in role.properties.get("ManagedPolicyArns") or ():
            yield self._managed(str(arn))
        for record in self._world.list(MANAGED_POLICY):
            if role.identifier in (record.properties.get("Roles") or ()):
                yield self._managed(record.identifier)

    def _managed(self, arn: str) -> Policy:
        name = arn.rpartition("/")[2]
        record = self._world.get(MANAGED_POLICY, arn)
        if record is not None:
            return parse_policy(name, record.properties.get("PolicyDocument"))
        actions = _aws_managed().get(name)
        if actions is None or arn not in {f"{prefix}{name}" for prefix in _AWS_MANAGED}:
            raise PolicyError(f"klotho's local cloud does not know the policy {arn} of the role")
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        return parse_policy(name, {"Version": "2012-10-17", "Statement": statement})


@cache
def _aws_managed() -> dict[str, list[str]]:
    return tomllib.loads((Path(__file__).parent / "managed_policies.toml").read_text(encoding="utf-8"))
