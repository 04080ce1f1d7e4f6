"""The outputs of a stack once its resources are there."""

from __future__ import annotations

from typing import Any

from klotho.localcloud.cloudformation.deployment import Deployment
from klotho.localcloud.cloudformation.intrinsics import Scope, as_text, resolve
from klotho.localcloud.handler import HandlerError


def stack_outputs(deployment: Deployment, scope: Scope) -> list[dict[str, Any]]:
    """In the order of the template; HandlerError when a value is no text."""
    found = []
    for output in deployment.outputs.values():
        value = resolve(output.value, scope)
        if not isinstance(value, str | int | float | bool):
            raise HandlerError(
                f"Template format error: The Value field of every Outputs member must evaluate to a String, that of "
                f"{output.key} does not"
            )
        entry = {"OutputKey": output.key, "OutputValue": as_text(value)}
        if output.description is not None:
            entry["Description"] = output.description
        found.append(entry)
    return found
