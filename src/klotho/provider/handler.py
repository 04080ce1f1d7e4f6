"""Lambda's way in: a request of CloudFormation in, an answer at its `ResponseURL` out.

Input: the event of a `Custom::SqlRole`. Output: SUCCESS or FAILED with a reason, always one of the two: a function that
raised would leave the stack waiting until its ServiceTimeout. An application that left Klotho is called by Terraform or
Pulumi instead, which wait for the result and take an error for a failure. Sources: AWS CloudFormation User Guide,
"Custom resource request objects" and "Custom resource response objects"; Terraform Registry, `aws_lambda_invocation`
("CRUD Lifecycle Scope").
"""

from __future__ import annotations

import json
from typing import Any

from klotho.provider.answering import send
from klotho.provider.role import Role, RoleError
from klotho.provider.work import make, remove

LONGEST_REASON = 1000
"""Characters. AWS takes answers of up to 4096 bytes in all."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any] | None:
    """Make, change or remove one role."""
    if "tf" in event:
        return invoked(event)
    answer = answered(event)
    print(json.dumps({name: answer.get(name) for name in ("Status", "Reason", "PhysicalResourceId")}))  # noqa: T201 - the function's log
    send(str(event["ResponseURL"]), json.dumps(answer).encode())
    return None


def invoked(event: dict[str, Any]) -> dict[str, Any]:
    """Carry out what `aws_lambda_invocation` says in `tf`: its action, and for an update the input of before.

    RoleError, or the driver's own error, when it can't be done.
    """
    role, change = Role.of(event["ResourceProperties"]), event["tf"]
    if change["action"] == "delete":
        remove(role)
        return {}
    make(role)
    before = Role.of((change.get("prev_input") or event)["ResourceProperties"])
    if before.identifier != role.identifier:
        remove(before)
    return {"User": role.user}


def answered(event: dict[str, Any]) -> dict[str, Any]:
    """Carry the request out and say how it went."""
    answer = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    identifier = event.get("PhysicalResourceId")
    try:
        role = Role.of(event["ResourceProperties"])
        if event["RequestType"] == "Delete":
            remove(role)
        else:
            identifier = role.identifier
            make(role)
    except Exception as error:
        reason = str(error) if isinstance(error, RoleError) else f"{type(error).__name__}: {error}"
        return {
            **answer,
            "Status": "FAILED",
            "Reason": reason[:LONGEST_REASON],
            "PhysicalResourceId": identifier or "none",
        }
    return {**answer, "Status": "SUCCESS", "PhysicalResourceId": identifier, "Data": {"User": role.user}}
