"""Deployed stacks as values, and the CloudFormation calls that change one of them.

Input: `Clients`. Output: `DeployedStack` values, and the settled outcome of one operation while its resource events
are handed to a callback. Refuses nothing by itself: a call CloudFormation refuses becomes a `Failure`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from klotho.deploy.place import Clients, Pace, translated
from klotho.stacks import DIGEST

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef

STATEFUL_TAG = "klotho:stateful"
INLINE_TEMPLATE_BYTES = 51_200
"""The largest TemplateBody (CloudFormation quotas, "Template body size in a request")."""

_STACK = "AWS::CloudFormation::Stack"
_APPENDED = re.compile(r"\s+\((?:[^()]*, )?HandlerErrorCode: (?P<code>\w+)\)\s*$")
_QUOTED = re.compile(r'Resource handler returned message: "(?P<said>.*)"', re.DOTALL)
_ECHOES = ("Resource creation cancelled", "Resource update cancelled", "Resource deletion cancelled")
"""The reasons CloudFormation gives resources it stopped because another one failed."""


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """One live stack as DescribeStacks shows it."""

    stack_name: str
    stack_id: str
    status: str
    tags: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    """Without the digest."""
    reason: str = ""
    digest: str | None = None
    """What it was deployed with; None for a stack that never settled well."""
    protected: bool = False
    """CloudFormation refuses to delete it."""

    @property
    def name(self) -> str:
        """The short name people use; the CloudFormation name when the tag is missing."""
        return self.tags.get("klotho:stack", self.stack_name)

    @property
    def stateful(self) -> bool:
        return self.tags.get(STATEFUL_TAG) == "true"

    @property
    def busy(self) -> bool:
        """An operation is going on, ours from before a crash or someone else's."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def usable(self) -> bool:
        """It can be updated in place; otherwise it has to be deleted and created anew."""
        return self.status in _UPDATABLE

    @property
    def settled_well(self) -> bool:
        """The last operation did what it was asked, so the digest tells the truth."""
        return self.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")


_UPDATABLE = frozenset(
    {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
        "UPDATE_ROLLBACK_FAILED",
    }
)


@dataclass(frozen=True, slots=True)
class FirstFailure:
    logical_id: str
    type: str
    reason: str
    """In the words of whatever failed, without what CloudFormation appends."""
    code: str = ""
    """CloudFormation's HandlerErrorCode, for example `NotStabilized`; empty where it gives none."""


@dataclass(frozen=True, slots=True)
class Settled:
    """How an operation ended."""

    status: str
    failure: FirstFailure | None
    """None when it ended well."""


ResourceEvent = Callable[[str, str, str, str], None]
"""Called with logical id, type, status and reason."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a stack should be."""

    stack_name: str
    template: bytes
    template_digest: str
    parameters: Mapping[str, str]
    """Without the digest."""
    tags: Mapping[str, str]
    digest: str
    token: str


class StackCalls:
    """The CloudFormation API as far as the deployer uses it."""

    def __init__(self, clients: Clients, pace: Pace) -> None:
        self._clients = clients
        self._pace = pace

    def deployed(self, *, project: str, environment: str, application: str | None = None) -> dict[str, DeployedStack]:
        """Every live stack of an application (or of the whole project), by CloudFormation name: one paged call."""
        wanted = {"klotho:project": project, "klotho:environment": environment}
        if application is not None:
            wanted["klotho:application"] = application
        found = {}
        with translated("reading what is deployed"):
            for page in self._clients.cloudformation.get_paginator("describe_stacks").paginate():
                for data in page["Stacks"]:
                    stack = _deployed(data)
                    if wanted.items() <= stack.tags.items():
                        found[stack.stack_name] = stack
        return found

    def of_project(self, project: str) -> list[DeployedStack]:
        """Every live stack of a project, of all its applications and environments."""
        with translated("reading what is deployed"):
            pages = self._clients.cloudformation.get_paginator("describe_stacks").paginate()
            stacks = [_deployed(data) for page in pages for data in page["Stacks"]]
        return [stack for stack in stacks if stack.tags.get("klotho:project") == project]

    def describe(self, name_or_id: str) -> DeployedStack:
        with translated(f"reading stack {name_or_id}"):
            return _deployed(self._clients.cloudformation.describe_stacks(StackName=name_or_id)["Stacks"][0])

    def find(self, stack_name: str) -> DeployedStack | None:
        """The stack of that name; None where there is none."""
        from botocore.exceptions import ClientError

        with translated(f"looking for stack {stack_name}"):
            try:
                return _deployed(self._clients.cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0])
            except ClientError as error:
                # CloudFormation has no code of its own for it (DescribeStacks, "Errors").
                if "does not exist" in str(error):
                    return None
                raise

    def template(self, stack_name: str) -> dict[str, Any]:
        """The template it was last deployed with, parsed."""
        import orjson

        with translated(f"reading the template of {stack_name}"):
            body = self._clients.cloudformation.get_template(StackName=stack_name, TemplateStage="Original")
        text = body["TemplateBody"]
        return dict(text) if isinstance(text, Mapping) else dict(orjson.loads(text))

    def create(self, request: Request, on_event: ResourceEvent) -> Settled:
        with translated(f"creating stack {request.stack_name}"):
            answer = self._clients.cloudformation.create_stack(
                **self._common(request), OnFailure="ROLLBACK", EnableTerminationProtection=False
            )
        return self.follow(answer["StackId"], request.token, on_event)

    def protect(self, stack_name: str, protected: bool) -> None:
        """Whether CloudFormation refuses to delete the stack ("termination protection")."""
        with translated(f"protecting stack {stack_name}"):
            self._clients.cloudformation.update_termination_protection(
                StackName=stack_name, EnableTerminationProtection=protected
            )

    def update(self, stack: DeployedStack, request: Request, on_event: ResourceEvent) -> Settled | None:
        """None when CloudFormation finds that nothing differs."""
        from botocore.exceptions import ClientError

        with translated(f"updating stack {request.stack_name}"):
            try:
                self._clients.cloudformation.update_stack(**self._common(request))
            except ClientError as error:
                if "No updates are to be performed" in str(error):
                    return None
                raise
        return self.follow(stack.stack_id, request.token, on_event)

    def propose(self, request: Request, name: str) -> None:
        """Begin a change set of that name for a stack that exists; nothing is deployed by it."""
        arguments = self._common(request)
        arguments["ClientToken"] = arguments.pop("ClientRequestToken")
        with translated(f"asking CloudFormation about stack {request.stack_name}"):
            self._clients.cloudformation.create_change_set(**arguments, ChangeSetName=name, ChangeSetType="UPDATE")

    def delete(self, stack: DeployedStack, token: str, on_event: ResourceEvent) -> Settled:
        with translated(f"deleting stack {stack.stack_name}"):
            self._clients.cloudformation.delete_stack(StackName=stack.stack_id, ClientRequestToken=token)
        return self.follow(stack.stack_id, token, on_event)

    def continue_rollback(self, stack: DeployedStack, token: str, on_event: ResourceEvent) -> Settled:
        """Finish a rollback that got stuck (UPDATE_ROLLBACK_FAILED), so that the stack can be updated again."""
        with translated(f"finishing the rollback of stack {stack.stack_name}"):
            self._clients.cloudformation.continue_update_rollback(StackName=stack.stack_id, ClientRequestToken=token)
        return self.follow(stack.stack_id, token, on_event)

    def wait(self, stack: DeployedStack) -> DeployedStack | None:
        """Wait for an operation we did not start; None when the stack is gone afterwards."""
        interval = self._pace.fastest
        while stack.busy:
            self._pace.sleep(interval)
            interval = min(interval * 1.5, self._pace.slowest)
            stack = self.describe(stack.stack_id)
        return None if stack.status == "DELETE_COMPLETE" else stack

    def follow(self, stack_id: str, token: str, on_event: ResourceEvent) -> Settled:
        """Poll one operation's events until its stack settles."""
        seen: set[str] = set()
        first: FirstFailure | None = None
        interval = self._pace.fastest
        while True:
            fresh = self._fresh_events(stack_id, token, seen)
            for event in fresh:
                first = first or _failure(event)
                status, reason = str(event.get("ResourceStatus", "")), event.get("ResourceStatusReason", "")
                if event.get("PhysicalResourceId") == stack_id and event.get("ResourceType") == _STACK:
                    if _final(status):
                        return Settled(status, _outcome(status, first, reason))
                else:
                    said, _ = plain_reason(reason)
                    on_event(event.get("LogicalResourceId", ""), event.get("ResourceType", ""), status, said)
            interval = self._pace.fastest if fresh else min(interval * 1.5, self._pace.slowest)
            self._pace.sleep(interval)

    def _fresh_events(self, stack_id: str, token: str, seen: set[str]) -> list[StackEventTypeDef]:
        """This operation's events not seen before, oldest first. The service lists newest first, so reading stops
        at the first known one."""
        fresh: list[StackEventTypeDef] = []
        with translated("following a stack's events"):
            for page in self._clients.cloudformation.get_paginator("describe_stack_events").paginate(
                StackName=stack_id
            ):
                for event in page["StackEvents"]:
                    if event["EventId"] in seen or event.get("ClientRequestToken") != token:
                        return fresh[::-1]
                    fresh.append(event)
                    seen.add(event["EventId"])
        return fresh[::-1]

    def _common(self, request: Request) -> dict[str, Any]:
        return {
            "StackName": request.stack_name,
            **self.template_argument(request.template, request.template_digest),
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in sorted({**request.parameters, DIGEST: request.digest}.items())
            ],
            "Tags": [{"Key": key, "Value": value} for key, value in sorted(request.tags.items())],
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            "ClientRequestToken": request.token,
        }

    def template_argument(self, template: bytes, digest: str) -> dict[str, str]:
        """The template as calls take it: inline, or uploaded under its digest when it is too large."""
        if len(template) <= INLINE_TEMPLATE_BYTES:
            return {"TemplateBody": template.decode()}
        key = f"templates/{digest}.json"
        place = self._clients.place
        self._clients.s3.put_object(Bucket=place.artifact_bucket, Key=key, Body=template)
        return {"TemplateURL": place.object_url(key)}


def upstreams(stacks: Iterable[DeployedStack]) -> dict[str, set[str]]:
    """Which stacks each stack takes values from, by CloudFormation name: a parameter equal to another's output.

    Read from what is deployed, so that stacks no manifest mentions any more are still deleted in the right order.
    Only values long enough to be an identifier count; should chance make a circle of two, callers break it.
    """
    known = list(stacks)
    owner = {value: stack.stack_name for stack in known for value in stack.outputs.values() if len(value) > 6}
    return {
        stack.stack_name: {
            owner[value] for value in stack.parameters.values() if value in owner and owner[value] != stack.stack_name
        }
        for stack in known
    }


def _deployed(data: Any) -> DeployedStack:
    parameters = {item["ParameterKey"]: item.get("ParameterValue", "") for item in data.get("Parameters", ())}
    outputs = {item["OutputKey"]: item.get("OutputValue", "") for item in data.get("Outputs", ())}
    parameters.pop(DIGEST, None)
    digest = outputs.pop(DIGEST, None)
    return DeployedStack(
        stack_name=data["StackName"],
        stack_id=data["StackId"],
        status=data["StackStatus"],
        tags={tag["Key"]: tag["Value"] for tag in data.get("Tags", ())},
        parameters=parameters,
        outputs=outputs,
        reason=data.get("StackStatusReason", ""),
        digest=digest,
        protected=data.get("EnableTerminationProtection", False) is True,
    )


def _failure(event: Any) -> FirstFailure | None:
    """The event as a first failure, None when it is none or the echo of another resource's."""
    reason = event.get("ResourceStatusReason", "")
    if not str(event.get("ResourceStatus", "")).endswith("_FAILED") or reason.startswith(_ECHOES):
        return None
    if event.get("ResourceType") == _STACK:
        return None
    said, code = plain_reason(reason)
    return FirstFailure(event.get("LogicalResourceId", ""), event.get("ResourceType", ""), said, code)


def plain_reason(reason: str) -> tuple[str, str]:
    """What failed said, and the HandlerErrorCode that CloudFormation appends to it (empty if there is none).

    A container's last log line must not end with words that are not in its log.
    """
    found = _APPENDED.search(reason)
    if found is None:
        return reason, ""
    said = reason[: found.start()]
    quoted = _QUOTED.fullmatch(said)
    return (quoted["said"] if quoted else said), found["code"]


def _final(status: str) -> bool:
    return status.endswith(("_COMPLETE", "_FAILED"))


def _outcome(status: str, first: FirstFailure | None, reason: str) -> FirstFailure | None:
    """The failure behind a stack's final status."""
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE", "IMPORT_COMPLETE"):
        return None
    if status == "UPDATE_ROLLBACK_COMPLETE" and first is None and not reason:
        # ContinueUpdateRollback ends this way when it succeeds.
        return None
    return first or FirstFailure("", _STACK, reason or f"the stack ended in {status}")
