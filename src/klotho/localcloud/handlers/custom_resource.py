"""`Custom::<name>` and `AWS::CloudFormation::CustomResource`: whatever a function makes of them.

Input: any properties, and `ServiceToken`, the ARN of a function of this cloud. Output: what the function answers with:
its PhysicalResourceId, and its Data as attributes. Refuses: a topic as ServiceToken, a ServiceTimeout beyond an hour,
and what the function refuses (`FAILED`), in its words.

As on AWS a create that failed is deleted again under the id the function gave, or under one of ours; an update that
answers with another id made a new resource, and the old one is deleted afterwards; and every number and boolean reaches
the function as text.

Source: AWS CloudFormation User Guide, "Custom resources" and "AWS::CloudFormation::CustomResource".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from klotho.catalogue.facts import CUSTOM_RESOURCE
from klotho.localcloud.cloudformation.carried import ANY
from klotho.localcloud.handler import Handler, HandlerError, Outcome, Request
from klotho.localcloud.identity import digest, physical_name, uuid_of
from klotho.localcloud.services.custom_resources import Answer, UnansweredError

LONGEST_S = 3600
"""AWS: ServiceTimeout is "between 1 and 3600" seconds, and 3600 by default."""


class CustomResource(Handler):
    """Asks the function and takes its word."""

    type_name: ClassVar[str] = CUSTOM_RESOURCE
    carries: ClassVar[frozenset[str]] = frozenset({"ServiceToken", "ServiceTimeout", ANY})

    async def create(self, request: Request) -> Outcome:
        # What AWS calls a resource whose function failed without naming it, so that its deletion can be asked for.
        ours = physical_name(request.stack_name, request.logical_id, request.token, limit=128)
        try:
            answer = await self._ask(request, "Create")
        except UnansweredError as error:
            raise HandlerError(error.reason, error.code, identifier=ours) from error
        if not answer.succeeded:
            raise _failed(answer, request, answer.identifier or ours)
        return _outcome(answer)

    async def update(self, request: Request) -> Outcome:
        answer = await self._ask(
            request, "Update", {"OldResourceProperties": as_text(request.previous), **_identified(request)}
        )
        if not answer.succeeded:
            raise _failed(answer, request)
        return _outcome(answer)

    async def delete(self, request: Request) -> None:
        answer = await self._ask(request, "Delete", _identified(request))
        if not answer.succeeded:
            raise _failed(answer, request)

    async def _ask(self, request: Request, kind: str, more: Mapping[str, Any] | None = None) -> Answer:
        properties = request.properties
        event = {
            "RequestType": kind,
            "StackId": request.stack_id,
            "RequestId": _request_id(request),
            "ResourceType": request.type_name,
            "LogicalResourceId": request.logical_id,
            "ResourceProperties": as_text(properties),
            **(more or {}),
        }
        return await self.cloud.custom_resources.ask(_function(properties), event, _timeout_s(properties))


def as_text(value: Any) -> Any:
    """The value with every number and boolean as text, which is how custom resources get them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return {name: as_text(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_text(item) for item in value]
    return value


def _request_id(request: Request) -> str:
    """The same for the same operation, so that one tried again after a crash is not done twice."""
    return uuid_of(f"{request.token}/{digest(str(request.identifier), 12)}", "custom-resource")


def _identified(request: Request) -> dict[str, Any]:
    return {"PhysicalResourceId": request.identifier}


def _outcome(answer: Answer) -> Outcome:
    return Outcome(str(answer.identifier), answer.data, no_echo=answer.no_echo)


def _failed(answer: Answer, request: Request, identifier: str | None = None) -> HandlerError:
    """AWS's words around the function's."""
    return HandlerError(
        f"Received response status [FAILED] from custom resource. Message returned: {answer.reason} "
        f"(RequestId: {_request_id(request)})",
        identifier=identifier,
    )


def _function(properties: Mapping[str, Any]) -> str:
    token = str(properties.get("ServiceToken", ""))
    if token.startswith("arn:") and token.split(":")[2] == "lambda":
        return token
    what = "a topic as ServiceToken" if ":sns:" in token else f"`{token}` as ServiceToken"
    raise HandlerError(f"{what} is not supported by the local cloud: give the ARN of a function", "InvalidRequest")


def _timeout_s(properties: Mapping[str, Any]) -> int:
    given = properties.get("ServiceTimeout", LONGEST_S)
    try:
        seconds = int(given)
    except (TypeError, ValueError):
        seconds = 0
    if not 1 <= seconds <= LONGEST_S:
        raise HandlerError(f"ServiceTimeout `{given}` is not between 1 and {LONGEST_S} seconds", "InvalidRequest")
    return seconds
