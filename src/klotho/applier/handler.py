"""Lambda's way in: a request of CloudFormation in, an answer at its `ResponseURL` out.

Input: the event of a `Custom::KubernetesObjects`: `Cluster`, `Endpoint`, `Authority`, `Name`, and `Objects`, manifests
as Kubernetes knows them. Output: SUCCESS or FAILED with a reason, always one of the two. Terraform and Pulumi, which
call it for an application that left Klotho, get the result or an error. Sources: AWS CloudFormation User Guide,
"Custom resource request objects"; Terraform Registry, `aws_lambda_invocation` ("CRUD Lifecycle Scope").
"""

from __future__ import annotations

import json

from klotho.applier.api import Cluster
from klotho.applier.objects import ObjectError, objects_of
from klotho.applier.work import make, remove
from klotho.provider.answering import send

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

LONGEST_REASON = 1000
"""Characters. AWS takes answers of up to 4096 bytes in all."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any] | None:
    """Make, change or remove the objects."""
    if "tf" in event:
        return invoked(event)
    answer = answered(event)
    print(json.dumps({name: answer.get(name) for name in ("Status", "Reason", "PhysicalResourceId")}))  # noqa: T201 - the function's log
    send(str(event["ResponseURL"]), json.dumps(answer).encode())
    return None


def invoked(event: dict[str, Any]) -> dict[str, Any]:
    """Carry out what `aws_lambda_invocation` says in `tf`: its action, and for an update the input of before."""
    properties, change = event["ResourceProperties"], event["tf"]
    if change["action"] == "delete":
        remove(Cluster(properties), objects_of(properties))
        return {}
    before = (change.get("prev_input") or {}).get("ResourceProperties", {})
    return {"Name": _made(properties, before)}


def answered(event: dict[str, Any]) -> dict[str, Any]:
    """Carry the request out and say how it went."""
    answer = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    properties, identifier = event["ResourceProperties"], event.get("PhysicalResourceId")
    try:
        if event["RequestType"] == "Delete":
            if identifier == _name(properties):
                remove(Cluster(properties), objects_of(properties))
        else:
            # Known before the work is done, so that what a failed one left behind is removed.
            identifier = _name(properties)
            _made(properties, event.get("OldResourceProperties") or {})
    except Exception as error:
        reason = str(error) if isinstance(error, ObjectError) else f"{type(error).__name__}: {error}"
        failed = {"Status": "FAILED", "Reason": reason[:LONGEST_REASON]}
        return {**answer, **failed, "PhysicalResourceId": identifier or "none"}
    return {**answer, "Status": "SUCCESS", "PhysicalResourceId": identifier}


def _made(properties: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    earlier = objects_of(before) if before and _name(before) == _name(properties) else []
    make(Cluster(properties), objects_of(properties), earlier)
    return _name(properties)


def _name(properties: Mapping[str, Any]) -> str:
    try:
        return f"{properties['Cluster']}/{properties['Name']}"
    except KeyError as error:
        raise ObjectError(f"Custom::KubernetesObjects lacks {error}") from error
