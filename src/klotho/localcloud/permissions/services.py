"""What a resource's policy lets an AWS service do: CloudFront reading a bucket, say.

Input: a resource-based policy as deployed, the service's principal, one action on one resource, the request's condition
keys. Output: whether it may. Refuses nothing: a policy that is malformed or holds what can't be evaluated lets nobody.

A service has no identity policies: only the resource's own policy counts, an explicit Deny first. Source: "Policy
evaluation logic" and "AWS JSON policy elements: Principal", IAM User Guide.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from klotho.localcloud.permissions.conditions import Facts
from klotho.localcloud.permissions.evaluate import Grants, Need, decide
from klotho.localcloud.permissions.policy import PolicyError, parse_policy


def service_may(
    document: Mapping[str, Any] | str | None, service: str, action: str, resource: str, facts: Facts
) -> bool:
    """Whether the policy allows it; without a policy nobody may."""
    try:
        parsed = json.loads(document) if isinstance(document, str) else document
        statements = [_without_principal(item) for item in _statements(parsed) if _meant(item, service)]
        if not statements:
            return False
        policy = parse_policy("of the resource", {"Version": "2012-10-17", "Statement": statements})
    except (PolicyError, ValueError, AttributeError):
        return False
    return decide(Grants((policy,)), Need(action, resource), facts).allowed


def _statements(document: Any) -> list[Any]:
    found = (document or {}).get("Statement") or []
    return [found] if isinstance(found, Mapping) else list(found)


def _without_principal(statement: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in statement.items() if name not in ("Principal", "NotPrincipal")}


def _meant(statement: Mapping[str, Any], service: str) -> bool:
    """Whether the statement is about this service; one with NotPrincipal is, so that a Deny is never missed."""
    if "NotPrincipal" in statement:
        return statement.get("Effect") == "Deny"
    principal = statement.get("Principal")
    if isinstance(principal, Mapping):
        named = principal.get("Service", ())
        return service in ([named] if isinstance(named, str) else list(named)) or principal.get("AWS") == "*"
    return principal == "*"
