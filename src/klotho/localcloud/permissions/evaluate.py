"""The decision: may these policies' owner do this action on this resource?

Input: the policies that apply and one `Need`. Output: a `Decision` with its reason in AWS's words. Refuses nothing.
The order of policies and statements does not matter: an explicit Deny wins, then an Allow, else it is denied.

Source: "Policy evaluation logic" and "Troubleshoot access denied error messages", IAM User Guide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from klotho.localcloud.permissions.conditions import Facts, UnevaluableError
from klotho.localcloud.permissions.policy import Policy, Statement


@dataclass(frozen=True, slots=True)
class Need:
    """One permission a request needs."""

    action: str
    """`service:Action`."""
    resource: str
    """An ARN; `*` for an action without a resource level."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Condition keys of the request in lower case, without those of the caller."""
    subject: str = ""
    """What the call is about where the ARN does not say; only for explanations."""


@dataclass(frozen=True, slots=True)
class Grants:
    """Everything that decides for one role."""

    policies: tuple[Policy, ...]
    """Identity-based."""
    boundary: Policy | None = None
    """The permissions boundary: what it does not allow is denied."""
    resource_statements: tuple[Statement, ...] = ()
    """Of resource-based policies that name this role as principal; in one account either kind is enough."""
    refused: str | None = None
    """Why nothing can be decided for this role: everything is denied with this reason."""


@dataclass(frozen=True, slots=True)
class Decision:
    allowed: bool
    reason: str = ""
    """Continues "… is not authorized to perform: X on resource: Y "."""
    missing: bool = False
    """It is denied only because nothing allows it: one more grant would do."""


_ALLOWED = Decision(True)


def decide(grants: Grants, need: Need, facts: Facts) -> Decision:
    """`facts` are all condition keys of the request, the caller's and the need's."""
    if grants.refused is not None:
        return Decision(False, f"because {grants.refused}")
    identity = [item for policy in grants.policies for item in policy.statements]
    kinds = [("identity-based policy", identity), ("resource-based policy", grants.resource_statements)]
    if grants.boundary is not None:
        kinds.append(("permissions boundary", grants.boundary.statements))
    answers = {kind: _answer(statements, need, facts) for kind, statements in kinds}
    for kind, (_, denied, _) in answers.items():
        if denied is not None:
            return Decision(False, f"with an explicit deny in {_article(kind)} {kind}{denied}")
    granted = answers["identity-based policy"][0] or answers["resource-based policy"][0]
    missing = "identity-based policy"
    if granted and grants.boundary is not None:
        granted, missing = answers["permissions boundary"][0], "permissions boundary"
    if granted:
        return _ALLOWED
    refused = next((item for _, _, item in answers.values() if item is not None), None)
    if refused is not None:
        return Decision(False, f"because klotho's local cloud can't evaluate {refused}")
    return Decision(False, f"because no {missing} allows the {need.action} action", missing=True)


def _answer(statements: Iterable[Statement], need: Need, facts: Facts) -> tuple[bool, str | None, str | None]:
    """Whether something allows it; what denies it (to be appended to the reason); what could not be evaluated."""
    allowed = False
    denials: list[str] = []
    refusals: list[str] = []
    for statement in statements:
        if not statement.covers(need.action, need.resource):
            continue
        trouble = statement.refused
        try:
            if trouble is None and not all(condition.holds(facts) for condition in statement.conditions):
                continue
        except UnevaluableError as error:
            trouble = str(error)
        if trouble is None:
            allowed = allowed or statement.allows
            denials += [] if statement.allows else [""]
            continue
        refusals.append(f"{trouble} (policy {statement.policy})")
        if not statement.allows:
            denials.append(f", because klotho's local cloud can't evaluate {refusals[-1]}")
    return allowed, min(denials, default=None), min(refusals, default=None)


def _article(kind: str) -> str:
    return "an" if kind[0] in "aeiou" else "a"
