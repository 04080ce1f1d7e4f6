"""The endpoint's permission check.

Input: an authenticated `ApiCall`. Output: None when its caller may do it, else the service's own "access denied" with
AWS's sentence and what to write in infra.py. The deployer, who has no role, may do everything; whoever has one may do
what the policies in the World grant to it, and nothing else. Refuses by name (501) operations whose permissions are
not known, so that nothing goes through unchecked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from klotho.localcloud.permissions import explain
from klotho.localcloud.permissions.caller import caller_facts
from klotho.localcloud.permissions.denials import Denials
from klotho.localcloud.permissions.evaluate import Decision, Need, decide
from klotho.localcloud.permissions.required import denial_of, required
from klotho.localcloud.permissions.resources import Surroundings
from klotho.localcloud.permissions.roles import Roles
from klotho.localcloud.service import ApiCall, ApiError, session_arn
from klotho.localcloud.world import World

_TABLE = "AWS::DynamoDB::Table"


class Authorizer:
    """`Endpoint`'s `authorize`. Used from the supervisor's event loop only."""

    def __init__(
        self,
        world: World,
        region: str,
        account: str,
        secret_arn: Callable[[str], str | None],
        denials: Denials,
    ) -> None:
        """`secret_arn`: the ARN of a secret by name or ARN, None when there is none."""
        self._world = world
        self._roles = Roles(world, account)
        self._around = Surroundings(region, account, self._partition_key, secret_arn)
        self._denials = denials
        self._caller_facts: dict[str, dict[str, Any]] = {}

    def __call__(self, call: ApiCall) -> ApiError | None:
        role = call.caller.role_arn
        if role is None:
            return None
        try:
            needs = required(call, self._around)
        except ApiError as refusal:
            return refusal
        for need in needs:
            decision = self.decide(role, need)
            if not decision.allowed:
                return self._denied(call, role, need, decision)
        return None

    def decide(self, role_arn: str, need: Need) -> Decision:
        """Whether a role is granted one permission, by what is deployed now."""
        facts = {**self._facts(role_arn), **need.facts} if need.facts else self._facts(role_arn)
        return decide(self._roles.grants(role_arn), need, facts)

    def summary(self, caller: str) -> str | None:
        """One line about what was denied to a unit, None if nothing was or the last would be allowed by now."""
        denied = self._denials.of(caller)
        if denied is None:
            return None
        if self.decide(denied.role_arn, denied.need).allowed:
            self._denials.forget(caller)
            return None
        calls = "1 call" if denied.count == 1 else f"{denied.count} calls"
        return f"{calls} denied, last: {denied.line}"

    def _denied(self, call: ApiCall, role: str, need: Need, decision: Decision) -> ApiError:
        where = "" if need.resource == "*" else f" on resource: {_quoted(call.service, need.resource)}"
        user = session_arn(call.caller, self._around.account)
        message = f"User: {user} is not authorized to perform: {need.action}{where} {decision.reason}"
        short = f"{need.action} on {explain.about(need, self._world)}"
        if call.caller.session:
            code, status = denial_of(call.service)
            return ApiError(code, message, status)
        if decision.missing:
            told = explain.advice(call.caller.name, need, self._world)
            message, short = f"{message}. klotho: {told}", f"{short}; {told}"
        self._denials.add(call.caller.name, role, need, short, message)
        code, status = denial_of(call.service)
        return ApiError(code, message, status)

    def _facts(self, role_arn: str) -> dict[str, Any]:
        known = self._caller_facts.get(role_arn)
        if known is None:
            known = caller_facts(role_arn, self._around.region, self._around.account)
            self._caller_facts[role_arn] = known
        return known

    def _partition_key(self, table: str) -> str | None:
        record = self._world.get(_TABLE, table)
        if record is None:
            return None
        schema = record.properties.get("KeySchema") or ()
        return next((str(key["AttributeName"]) for key in schema if key.get("KeyType") == "HASH"), None)


def _quoted(service: str, resource: str) -> str:
    """S3 alone puts the ARN into quotes."""
    return f'"{resource}"' if service == "s3" else resource
