"""Whether whoever deploys may do what a stack operation does to a resource.

Input: the role that deploys, and one operation on one resource, before its handler runs. Output: nothing when it may,
else a `HandlerError` in AWS's words, which fails the resource as it would there. A deployer without a role (this
machine's own key) may do everything and is never asked about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from klotho.localcloud.handler import HandlerError, Request
from klotho.localcloud.permissions.caller import caller_facts
from klotho.localcloud.permissions.evaluate import Decision, Need, decide
from klotho.localcloud.permissions.handler_calls import Operation, handler_calls
from klotho.localcloud.permissions.roles import Roles

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

_SERVICE = "cloudformation.amazonaws.com"


class DeployerRights:
    """The rights of deployers, by the policies that are deployed now."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._known: Roles | None = None

    def check(self, role_arn: str, user: str, operation: Operation, request: Request) -> None:
        """HandlerError for the first call of the operation that the role is not allowed."""
        for need in handler_calls(operation, request, self._cloud.region, self._cloud.account):
            self.check_need(role_arn, user, need)

    def check_need(self, role_arn: str, user: str, need: Need) -> None:
        """HandlerError when the role is not allowed it. `user`: the ARN to name."""
        decision = self.decide(role_arn, need)
        if not decision.allowed:
            on = "" if need.resource == "*" else f" on resource: {need.resource}"
            raise HandlerError(
                f"User: {user} is not authorized to perform: {need.action}{on} {decision.reason}", "AccessDenied"
            )

    def decide(self, role_arn: str, need: Need) -> Decision:
        facts: dict[str, Any] = {
            **caller_facts(role_arn, self._cloud.region, self._cloud.account),
            "aws:calledvia": (_SERVICE,),
            "aws:viaawsservice": "true",
            **need.facts,
        }
        return decide(self._roles().grants(role_arn), need, facts)

    def _roles(self) -> Roles:
        if self._known is None:  # most local clouds never have a deployer with a role
            self._known = Roles(self._cloud.world, self._cloud.account)
        return self._known
