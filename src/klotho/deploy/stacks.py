"""The CloudFormation calls that read stacks, and change one of them.

Input: `Clients`. Output: `DeployedStack` values, and the settled outcome of one operation while its resource events
are handed to a callback. Refuses nothing by itself: a call CloudFormation refuses becomes a `Failure`, and an
`OutOfDate` where the stack is in another state than this run was told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from klotho.deploy.deployed import STATEFUL_TAG as STATEFUL_TAG
from klotho.deploy.deployed import DeployedStack as DeployedStack
from klotho.deploy.deployed import deployed_stack
from klotho.deploy.deployed import upstreams as upstreams
from klotho.deploy.events import Event, Sink, WaitedFor
from klotho.deploy.following import STACK_TYPE, Following, ResourceEvent, Settled
from klotho.deploy.following import plain_reason as plain_reason
from klotho.deploy.place import Clients, Pace, translated
from klotho.deploy.waiting import Wait
from klotho.diagnostics import ExitCode, Failure
from klotho.stacks import DIGEST

INLINE_TEMPLATE_BYTES = 51_200
"""The largest TemplateBody (CloudFormation quotas, "Template body size in a request")."""
SETTLING_LOOKS = 40
"""How often DescribeStacks may still show what was before an operation that its events say has ended."""


class OutOfDate(Failure):
    """CloudFormation refuses a call because the stack is in another state than it said before: somebody else works on
    it, or the answer was an old one. Looking again helps."""


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
    express: bool = False
    """Whether CloudFormation calls it complete once configurations are applied; see `express`."""


def _nobody(event: Event) -> None:
    """A sink for reading calls, which say nothing."""


class StackCalls:
    """The CloudFormation API as far as the deployer uses it."""

    def __init__(self, clients: Clients, pace: Pace, sink: Sink = _nobody) -> None:
        """`sink` is told what long waits wait on."""
        self._clients = clients
        self._pace = pace
        self._sink = sink

    def deployed(self, *, project: str, environment: str, application: str | None = None) -> dict[str, DeployedStack]:
        """Every live stack of an application (or of the whole project), by CloudFormation name: one paged call."""
        wanted = {"klotho:project": project, "klotho:environment": environment}
        if application is not None:
            wanted["klotho:application"] = application
        return {stack.stack_name: stack for stack in self._tagged(wanted)}

    def of_project(self, project: str) -> list[DeployedStack]:
        """Every live stack of a project, of all its applications and environments."""
        return self._tagged({"klotho:project": project})

    def projects_of(self, application: str, environment: str) -> set[str]:
        """The projects that have an application of this name in the environment."""
        found = self._tagged({"klotho:application": application, "klotho:environment": environment})
        return {stack.tags["klotho:project"] for stack in found if "klotho:project" in stack.tags}

    def _tagged(self, wanted: Mapping[str, str]) -> list[DeployedStack]:
        with translated("reading what is deployed"):
            pages = self._clients.cloudformation.get_paginator("describe_stacks").paginate()
            stacks = [deployed_stack(data) for page in pages for data in page["Stacks"]]
        return [stack for stack in stacks if wanted.items() <= stack.tags.items()]

    def describe(self, name_or_id: str) -> DeployedStack:
        with translated(f"reading stack {name_or_id}"):
            return deployed_stack(self._clients.cloudformation.describe_stacks(StackName=name_or_id)["Stacks"][0])

    def find(self, name_or_id: str) -> DeployedStack | None:
        """None when there is no such stack."""
        from botocore.exceptions import ClientError

        with translated(f"reading stack {name_or_id}"):
            try:
                found = self._clients.cloudformation.describe_stacks(StackName=name_or_id)["Stacks"][0]
            except ClientError as error:
                if "does not exist" in str(error):
                    return None
                raise
        stack = deployed_stack(found)
        return None if stack.status == "DELETE_COMPLETE" else stack

    def settled(self, stack_id: str, digest: str) -> DeployedStack:
        """The stack once DescribeStacks shows what its events told already: it is not busy and has this digest."""
        stack = self.describe(stack_id)
        for _ in range(SETTLING_LOOKS):
            if stack.settled_well and stack.digest == digest:
                break
            self._pace.sleep(self._pace.slowest)
            stack = self.describe(stack_id)
        return stack

    def resources(self, stack_id: str) -> list[dict[str, Any]]:
        """ListStackResources: `LogicalResourceId`, `ResourceType`, `ResourceStatus`, `PhysicalResourceId` …"""
        found: list[dict[str, Any]] = []
        with translated(f"reading the resources of {stack_id}"):
            pages = self._clients.cloudformation.get_paginator("list_stack_resources")
            for page in pages.paginate(StackName=stack_id):
                found += [dict(item) for item in page["StackResourceSummaries"]]
        return found

    def template(self, stack_name: str) -> dict[str, Any]:
        """The template it was last deployed with, parsed."""
        import orjson

        with translated(f"reading the template of {stack_name}"):
            body = self._clients.cloudformation.get_template(StackName=stack_name, TemplateStage="Original")
        text = body["TemplateBody"]
        return dict(text) if isinstance(text, Mapping) else dict(orjson.loads(text))

    def create(self, request: Request, on_event: ResourceEvent) -> Settled:
        with _up_to_date(), translated(f"creating stack {request.stack_name}"):
            # In express mode the mode's own option says that a failure is rolled back.
            failing: Any = {} if request.express else {"OnFailure": "ROLLBACK"}
            answer = self._clients.cloudformation.create_stack(
                **self._common(request), **failing, EnableTerminationProtection=False
            )
        return self.follow(answer["StackId"], request.token, request.tags, on_event)

    def protect(self, stack_name: str, protected: bool) -> None:
        """Whether CloudFormation refuses to delete the stack ("termination protection")."""
        with translated(f"protecting stack {stack_name}"):
            self._clients.cloudformation.update_termination_protection(
                StackName=stack_name, EnableTerminationProtection=protected
            )

    def update(self, stack: DeployedStack, request: Request, on_event: ResourceEvent) -> Settled | None:
        """None when CloudFormation finds that nothing differs."""
        from botocore.exceptions import ClientError

        with _up_to_date(), translated(f"updating stack {request.stack_name}"):
            try:
                self._clients.cloudformation.update_stack(**self._common(request))
            except ClientError as error:
                if "No updates are to be performed" in str(error):
                    return None
                raise
        return self.follow(stack.stack_id, request.token, request.tags, on_event)

    def propose(self, request: Request, name: str) -> None:
        """Begin a change set of that name for a stack that exists; nothing is deployed by it."""
        arguments = self._common(request)
        arguments["ClientToken"] = arguments.pop("ClientRequestToken")
        with translated(f"asking CloudFormation about stack {request.stack_name}"):
            self._clients.cloudformation.create_change_set(**arguments, ChangeSetName=name, ChangeSetType="UPDATE")

    def delete(
        self, stack: DeployedStack, token: str, on_event: ResourceEvent, *, retain: Sequence[str] = ()
    ) -> Settled:
        """`retain`: logical ids to leave behind; CloudFormation takes them only where a delete failed before."""
        extra: dict[str, Any] = {"RetainResources": list(retain)} if retain else {}
        with translated(f"deleting stack {stack.stack_name}"):
            self._clients.cloudformation.delete_stack(StackName=stack.stack_id, ClientRequestToken=token, **extra)
        return self.follow(stack.stack_id, token, stack.tags, on_event)

    def continue_rollback(
        self, stack: DeployedStack, token: str, on_event: ResourceEvent, *, skip: Sequence[str] = ()
    ) -> Settled:
        """Finish a rollback that got stuck (UPDATE_ROLLBACK_FAILED), so that the stack can be updated again.

        `skip`: logical ids to leave as they are (`ResourcesToSkip`).
        """
        extra: dict[str, Any] = {"ResourcesToSkip": list(skip)} if skip else {}
        with translated(f"finishing the rollback of stack {stack.stack_name}"):
            self._clients.cloudformation.continue_update_rollback(
                StackName=stack.stack_id, ClientRequestToken=token, **extra
            )
        return self.follow(stack.stack_id, token, stack.tags, on_event)

    def wait(self, stack: DeployedStack, helps: Sequence[str] = ()) -> DeployedStack | None:
        """Wait for an operation we did not start; None when the stack is gone afterwards."""
        wait, begun = Wait(self._pace, self._sink, stack.name, helps), self._pace.clock()
        while stack.busy:
            wait.pause([WaitedFor("", STACK_TYPE, stack.status, self._pace.clock() - begun)])
            before, stack = stack.status, self.describe(stack.stack_id)
            if stack.status != before:
                wait.news()
        return None if stack.status == "DELETE_COMPLETE" else stack

    def follow(self, stack_id: str, token: str, tags: Mapping[str, str], on_event: ResourceEvent) -> Settled:
        """Until the operation with that token has settled; `tags` are the stack's, for its name."""
        name = tags.get("klotho:stack", stack_id.split("/")[1] if "/" in stack_id else stack_id)
        return Following(self._clients, self._pace, self._sink, stack_id, token, name).until_settled(on_event)

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
            **({"DeploymentConfig": {"Mode": "EXPRESS", "DisableRollback": False}} if request.express else {}),
        }

    def template_argument(self, template: bytes, digest: str) -> dict[str, str]:
        """The template as calls take it: inline, or uploaded under its digest when it is too large."""
        if len(template) <= INLINE_TEMPLATE_BYTES:
            return {"TemplateBody": template.decode()}
        key = f"templates/{digest}.json"
        place = self._clients.place
        self._clients.s3.put_object(Bucket=place.artifact_bucket, Key=key, Body=template)
        return {"TemplateURL": place.object_url(key)}


@contextmanager
def _up_to_date() -> Iterator[None]:
    """Turns the refusals that looking again may resolve into `OutOfDate`."""
    from botocore.exceptions import ClientError

    try:
        yield
    except Failure as failure:
        error = failure.__cause__
        if isinstance(error, ClientError) and _is_about_state(error):
            found = failure.diagnostic
            raise OutOfDate(
                found.code, found.message, notes=found.notes, helps=found.helps, exit_code=ExitCode.RESOURCE_FAILED
            ) from error
        raise


def _is_about_state(error: Any) -> bool:
    said = str(error.response.get("Error", {}).get("Message", ""))
    code = error.response.get("Error", {}).get("Code")
    return code == "AlreadyExistsException" or "can not be updated" in said or said.startswith("Stack [")
