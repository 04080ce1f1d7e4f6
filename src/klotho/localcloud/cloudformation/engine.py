"""The CloudFormation engine: accepts stack operations, runs them in the background, carries on after a crash.

Input: requests in plain terms (`StackRequest`). Output: stacks, resources and events in the store, live resources in
the World. Refuses, as ApiError with AWS's code and words, whatever can't start; nothing has changed then.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from klotho.catalogue.facts import is_custom
from klotho.localcloud.cloud import Cloud
from klotho.localcloud.cloudformation.acting import actor
from klotho.localcloud.cloudformation.deployment import Deployment, Given, Identity, prepare
from klotho.localcloud.cloudformation.dynamic import ParameterReference, Reader, Reference
from klotho.localcloud.cloudformation.errors import validation_error
from klotho.localcloud.cloudformation.journal import Checkpoint, Journal
from klotho.localcloud.cloudformation.operation import Runner
from klotho.localcloud.cloudformation.outputs import stack_outputs
from klotho.localcloud.cloudformation.parameters import check_resources_exist, shown
from klotho.localcloud.cloudformation.plan import Change, changes
from klotho.localcloud.cloudformation.steps import Steps, handler_wants_new
from klotho.localcloud.cloudformation.store import Inputs, Operation, Stack, StackResource, Store, now
from klotho.localcloud.handler import APPLICATION_TAG, Handler, HandlerError
from klotho.localcloud.identity import arn, uuid_of
from klotho.localcloud.permissions.deployers import DeployerRights
from klotho.localcloud.permissions.evaluate import Need
from klotho.localcloud.permissions.roles import ROLE
from klotho.localcloud.registry import Registry
from klotho.localcloud.service import ApiError
from klotho.localcloud.services.ssm.rules import SECURE, selected

_log = logging.getLogger(__name__)
UPDATABLE = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
)
GONE = ("DELETE_COMPLETE", "DELETE_SKIPPED")


@dataclass(slots=True)
class StackRequest:
    """What CreateStack, UpdateStack and CreateChangeSet have in common."""

    name: str
    """A name or, for stacks that exist, an id."""
    template: str | None
    """The body; None: the stack's present template (`UsePreviousTemplate`)."""
    parameters: dict[str, str] = field(default_factory=dict)
    use_previous: frozenset[str] = frozenset()
    tags: dict[str, str] | None = None
    """None: the stack's present tags."""
    capabilities: list[str] = field(default_factory=list)
    client_token: str | None = None
    termination_protection: bool = False
    keep_on_failure: bool = False
    """Of a creation: whether what it made stays when it fails (`DisableRollback`, `OnFailure: DO_NOTHING`)."""
    express: bool = False
    """Whether the operation is complete once configurations are applied (`DeploymentConfig`, mode EXPRESS)."""
    role_arn: str | None = None
    """The service role to act as; None: the one the stack has already, else the caller."""


class Engine:
    """Runs on one event loop; one per local cloud."""

    def __init__(
        self, cloud: Cloud, handlers: Mapping[str, Handler], checkpoint: Checkpoint = lambda name: None
    ) -> None:
        self.cloud = cloud
        self.handlers = Registry(handlers)
        self.store = Store(cloud.database)
        self.rights = DeployerRights(cloud)
        self.checkpoint = checkpoint
        self._running: dict[str, asyncio.Task[None]] = {}

    # Life

    async def recover(self) -> list[str]:
        """Carry on every operation a crash interrupted; gives the stacks' ids. Call once, with the planes up.

        Returns as soon as they run again, so that the endpoint can serve what they call; `settle` waits for them.
        """
        interrupted = self.store.unfinished()
        for operation in interrupted:
            self._start(operation)
        return [operation.stack_id for operation in interrupted]

    async def settle(self, stack_id: str | None = None) -> None:
        """Wait until no operation runs (on this stack); raises what stopped one that did not reach its end."""
        while True:
            tasks = [task for owner, task in self._running.items() if stack_id in (None, owner)]
            if not tasks:
                return
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for owner in [owner for owner, task in self._running.items() if task in done]:
                self._running.pop(owner).result()

    async def settle_application(self, name: str) -> None:
        """Wait until no operation on a stack with the tag `klotho:application` of this name runs."""
        for stack_id in list(self._running):
            stack = self.store.stack_by_id(stack_id)
            task = self._running.get(stack_id)
            if task is not None and stack is not None and stack.inputs.tags.get(APPLICATION_TAG) == name:
                await asyncio.wait({task})

    async def close(self) -> None:
        """Stop at once; `recover` carries on the next time."""
        tasks = list(self._running.values())
        self._running.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Looking up

    def stack(self, name_or_id: str) -> Stack:
        """A live stack by name, or any stack by id; ValidationError when there is none."""
        found = self.find(name_or_id)
        if found is None:
            raise validation_error(f"Stack with id {name_or_id} does not exist")
        return found

    def find(self, name_or_id: str) -> Stack | None:
        if name_or_id.startswith("arn:"):
            return self.store.stack_by_id(name_or_id)
        return self.store.stack_by_name(name_or_id)

    def live_resources(self, stack_id: str) -> dict[str, StackResource]:
        """The stack's resources that exist."""
        return {
            name: resource
            for name, resource in self.store.resources(stack_id).items()
            if resource.physical_id is not None and resource.status not in GONE
        }

    # Operations

    def create_stack(self, request: StackRequest) -> str:
        """Start creating; gives the stack's id."""
        repeated = self._repeated(request.client_token, _digest("create", request), request.name)
        if repeated is not None:
            return repeated
        if self.store.stack_by_name(request.name) is not None:
            raise ApiError("AlreadyExistsException", f"Stack [{request.name}] already exists")
        stack = self.new_stack(request.name, "CREATE_IN_PROGRESS")
        deployment = self.prepare(request, stack)
        stack.termination_protection = request.termination_protection
        stack.role_arn = self._service_role(request.role_arn)
        self.begin_create(
            stack,
            deployment,
            self.inputs(request, deployment, stack),
            request.client_token,
            _digest("create", request),
            keep_on_failure=request.keep_on_failure,
            express=request.express,
        )
        return stack.stack_id

    def new_stack(self, name: str, status: str) -> Stack:
        """A stack that is not stored yet. The id follows from the name and how many of that name there were."""
        unique = uuid_of(f"{self.cloud.region}/{name}/{self.store.generations(name)}", "stack")
        stack_id = arn("cloudformation", f"stack/{name}/{unique}", self.cloud.region, self.cloud.account)
        return Stack(stack_id=stack_id, name=name, status=status, inputs=Inputs(""), created=now())

    def prepare(self, request: StackRequest, stack: Stack) -> Deployment:
        """Check the request's template and values against this stack."""
        body = request.template if request.template is not None else stack.inputs.template
        given = Given(request.parameters, stack.inputs.parameters, request.use_previous)
        deployment = prepare(body, given, self._identity(stack), self.handlers, request.capabilities)
        check_resources_exist(deployment.template.parameters, deployment.parameters, self.cloud.world)
        return deployment

    def inputs(self, request: StackRequest, deployment: Deployment, stack: Stack) -> Inputs:
        """What the deployment is made from, to be stored."""
        tags = request.tags if request.tags is not None else stack.inputs.tags
        return Inputs(deployment.template.body, dict(deployment.parameters), dict(tags), list(request.capabilities))

    def begin_create(
        self,
        stack: Stack,
        deployment: Deployment,
        inputs: Inputs,
        client_token: str | None,
        digest: str,
        change_set_id: str | None = None,
        keep_on_failure: bool = False,
        express: bool = False,
    ) -> None:
        """Journal and start the creation of a checked deployment."""
        stack.description = deployment.template.description
        stack.inputs = inputs
        stack.change_set_id, stack.express = change_set_id, express
        stack.shown_parameters = shown(deployment.template.parameters, deployment.parameters)
        operation = self._operation("create", stack, inputs, client_token, digest)
        operation.phase, operation.keep_on_failure, operation.express = "forward", keep_on_failure, express
        operation.change_set_id = change_set_id
        self._accept(stack, operation, "CREATE_IN_PROGRESS")

    def review_started(self, stack: Stack) -> None:
        """A change set of type CREATE has made this stack: it exists, with nothing in it."""
        self.journal(stack.stack_id).review(stack, "User Initiated")

    def update_stack(self, request: StackRequest) -> str:
        """Start an update; ValidationError "No updates are to be performed." when nothing differs."""
        stack = self.find(request.name)
        if stack is None or stack.status == "DELETE_COMPLETE":
            raise validation_error(f"Stack [{request.name}] does not exist")
        digest = _digest("update", request)
        repeated = self._repeated(request.client_token, digest, stack.name)
        if repeated is not None:
            return repeated
        self.check_updatable(stack)
        stack.role_arn = self._service_role(request.role_arn) or stack.role_arn
        deployment = self.prepare(request, stack)
        inputs = self.inputs(request, deployment, stack)
        if not self.differs(deployment, inputs, stack):
            raise validation_error("No updates are to be performed.")
        self.begin_update(stack, deployment, inputs, request.client_token, digest, express=request.express)
        return stack.stack_id

    def check_updatable(self, stack: Stack) -> None:
        if stack.status not in UPDATABLE:
            raise validation_error(f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")

    def begin_update(
        self,
        stack: Stack,
        deployment: Deployment,
        inputs: Inputs,
        client_token: str | None,
        digest: str,
        change_set_id: str | None = None,
        express: bool = False,
    ) -> None:
        """Journal and start the update to a checked deployment. Change sets made before it are out of date then."""
        for other in self.store.change_sets(stack.stack_id):
            if other.change_set_id != change_set_id and other.execution_status == "AVAILABLE":
                other.execution_status = "OBSOLETE"
                self.store.put_change_set(other)
        operation = self._operation("update", stack, inputs, client_token, digest)
        operation.previous = self.live_resources(stack.stack_id)
        operation.phase, operation.express = "forward", express
        operation.change_set_id = change_set_id
        stack.change_set_id = change_set_id or stack.change_set_id
        stack.express = express
        self._accept(stack, operation, "UPDATE_IN_PROGRESS")

    def changes(self, deployment: Deployment, inputs: Inputs, stack: Stack) -> list[Change]:
        """What going to this deployment would change."""

        def must_replace(live: StackResource, after: Mapping[str, Any]) -> bool:
            wanted = replace(live, properties=dict(after))
            return handler_wants_new(self.handlers[live.type_name], wanted, live, stack.name)

        tags_differ = inputs.tags != stack.inputs.tags
        live, previous = self.live_resources(stack.stack_id), stack.inputs.parameters
        return changes(deployment, live, tags_differ, must_replace, previous)

    def differs(self, deployment: Deployment, inputs: Inputs, stack: Stack) -> bool:
        """Whether there is anything to do: resources, outputs or tags."""
        if inputs.tags != stack.inputs.tags or self.changes(deployment, inputs, stack):
            return True
        live = self.live_resources(stack.stack_id)
        scope = deployment.scope(
            lambda name: live[name].physical_id, lambda name, key: live[name].attributes.get(key, "")
        )
        try:
            return stack_outputs(deployment, scope) != stack.outputs
        except HandlerError:
            return True

    def continue_rollback(self, name: str, client_token: str | None, skip: list[str] | None = None) -> None:
        """Try again what failed in the rollback of an update; only in UPDATE_ROLLBACK_FAILED, as on AWS.

        `skip`: logical ids that failed in it and are left as they are.
        """
        stack = self.find(name)
        if stack is None:
            raise validation_error(f"Stack [{name}] does not exist")
        operation = self.store.operations(stack.stack_id)[-1] if stack.status != "REVIEW_IN_PROGRESS" else None
        if operation is not None and client_token is not None and operation.client_token == client_token:
            return
        if operation is None or stack.status != "UPDATE_ROLLBACK_FAILED":
            raise validation_error(
                f"Stack:{stack.stack_id} is in {stack.status} state and can not continue an update rollback."
            )
        self._check_skip(stack, skip or [])
        operation.client_token, operation.phase, operation.finished = client_token, "restore", False
        operation.skip = skip or []
        operation.role_arn, operation.user = actor(stack.role_arn, self.cloud.account)
        with self.store.transaction():
            self.store.forget_failed_steps(operation.operation_id, "restore")
            self._accept(stack, operation, "UPDATE_ROLLBACK_IN_PROGRESS")

    def _check_skip(self, stack: Stack, skip: list[str]) -> None:
        rows = self.store.resources(stack.stack_id)
        wrong = sorted(name for name in skip if name not in rows or rows[name].status != "UPDATE_FAILED")
        if wrong:
            raise validation_error(
                f"ResourcesToSkip: [{', '.join(wrong)}] are not resources in the UPDATE_FAILED state of stack "
                f"[{stack.name}]"
            )

    def delete_stack(self, name: str, retain: list[str], client_token: str | None, role_arn: str | None = None) -> None:
        """Start deleting; a stack that is gone or going is success, as on AWS."""
        stack = self.find(name)
        if stack is None or stack.status in ("DELETE_COMPLETE", "DELETE_IN_PROGRESS"):
            return
        if stack.termination_protection:
            raise validation_error(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
        if stack.status.endswith("_IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS":
            raise validation_error(f"Stack [{stack.name}] cannot be deleted while in status {stack.status}")
        self._check_retain(stack, retain)
        stack.role_arn = self._service_role(role_arn) or stack.role_arn
        operation = self._operation("delete", stack, stack.inputs, client_token, "delete")
        operation.previous = self.live_resources(stack.stack_id)
        operation.retain = retain
        operation.phase = "delete"
        self._accept(stack, operation, "DELETE_IN_PROGRESS")

    def _check_retain(self, stack: Stack, retain: list[str]) -> None:
        if retain and stack.status != "DELETE_FAILED":
            raise validation_error(
                f"Invalid operation on stack [{stack.stack_id}]. Specify RetainResources only when the stack is in the "
                f"DELETE_FAILED state"
            )
        unknown = sorted(set(retain) - set(self.store.resources(stack.stack_id)))
        if unknown:
            raise validation_error(f"RetainResources: [{', '.join(unknown)}] are not resources of the stack")

    # Running

    def _identity(self, stack: Stack) -> Identity:
        return Identity(stack.stack_id, stack.name, self.cloud.region, self.cloud.account)

    def _service_role(self, role_arn: str | None) -> str | None:
        """The role of a request, which must be deployed."""
        if role_arn is not None and all(
            record.attributes.get("Arn") != role_arn for record in self.cloud.world.list(ROLE)
        ):
            raise validation_error(f"Role {role_arn} is invalid or cannot be assumed")
        return role_arn

    def _operation(self, kind: str, stack: Stack, inputs: Inputs, client_token: str | None, digest: str) -> Operation:
        number = self.store.operation_count(stack.stack_id)
        acting = actor(stack.role_arn, self.cloud.account)
        return Operation(
            operation_id=uuid_of(f"{stack.stack_id}/{number}", "operation"),
            stack_id=stack.stack_id,
            kind=kind,
            inputs=inputs,
            previous_inputs=stack.inputs,
            client_token=client_token,
            request_digest=digest,
            role_arn=acting.role_arn,
            user=acting.user,
        )

    def _accept(self, stack: Stack, operation: Operation, status: str) -> None:
        reason = "User Initiated"
        with self.store.transaction():
            stack.status, stack.reason = status, reason
            self.store.put_stack(stack)
            self.journal(stack.stack_id).stack_status(operation, status, reason)
            self._start(operation)

    def journal(self, stack_id: str) -> Journal:
        """What writes the stack's rows and events."""
        return Journal(self.store, self.cloud.world, stack_id, self.checkpoint)

    def _start(self, operation: Operation) -> None:
        task = asyncio.get_running_loop().create_task(self._run(operation))
        task.add_done_callback(self._report)
        self._running[operation.stack_id] = task

    async def _run(self, operation: Operation) -> None:
        journal = self.journal(operation.stack_id)
        stack = journal.stack()
        deployment = None
        if operation.kind != "delete":
            given = Given(operation.inputs.parameters, {})
            deployment = prepare(
                operation.inputs.template, given, self._identity(stack), self.handlers, operation.inputs.capabilities
            )
            await self.cloud.deploying(operation.inputs.tags)
        elif any(is_custom(item.type_name) for item in operation.previous.values()):
            # The functions that made them delete them, and may need what else the application runs.
            await self.cloud.deploying(stack.inputs.tags)
        steps = Steps(
            operation=operation,
            stack_name=stack.name,
            journal=journal,
            handlers=self.handlers,
            read=self._reader(operation),
            known=self.store.steps(operation.operation_id),
            rights=self.rights,
        )
        await Runner(operation, journal, steps, deployment).run()

    def _report(self, task: asyncio.Task[None]) -> None:
        """An operation that stops half-way is a fault of ours: say so in the log, it stays journaled as unfinished."""
        if not task.cancelled() and task.exception() is not None:
            _log.error("a stack operation stopped half-way", exc_info=task.exception())

    def _repeated(self, client_token: str | None, digest: str, name: str) -> str | None:
        """The stack of an earlier request with this token; refuses a token used for something else."""
        stack = self.store.stack_by_name(name)
        if client_token is None or stack is None:
            return None
        for operation in self.store.operations(stack.stack_id):
            if operation.client_token == client_token:
                if operation.request_digest == digest:
                    return stack.stack_id
                raise ApiError("TokenAlreadyExistsException", f"Token [{client_token}] was used by another operation")
        return None

    def _reader(self, operation: Operation) -> Reader:
        """Reads dynamic references with the rights of the operation."""
        role = operation.role_arn
        if role is None:
            return self._read

        async def read(reference: Reference) -> str:
            self.rights.check_need(role, operation.user, self._reading(reference))
            return await self._read(reference)

        return read

    def _reading(self, reference: Reference) -> Need:
        region, account = self.cloud.region, self.cloud.account
        if isinstance(reference, ParameterReference):
            name = selected(reference.name)[0].strip("/")
            return Need("ssm:GetParameters", arn("ssm", f"parameter/{name}", region, account))
        given = reference.secret
        full = given if given.startswith("arn:") else arn("secretsmanager", f"secret:{given}", region, account)
        return Need("secretsmanager:GetSecretValue", full)

    async def _read(self, reference: Reference) -> str:
        """What a dynamic reference names."""
        try:
            if isinstance(reference, ParameterReference):
                return self._read_parameter(reference)
            found = self.cloud.secrets.version(reference.secret, reference.version, reference.stage)
        except ApiError as error:
            raise HandlerError(error.message, error.code) from error
        if found.text is None:
            raise HandlerError(f"{reference.secret} holds bytes, not a SecretString", "InvalidRequest")
        return found.text

    def _read_parameter(self, reference: ParameterReference) -> str:
        found = self.cloud.parameters.get(selected(reference.name)[0], reference.version)
        if found.kind == SECURE:
            reason = f"Non-secure ssm prefix was used for secure parameter: {reference.name}"
            raise HandlerError(reason, "ValidationError")
        return found.value


def _digest(kind: str, request: StackRequest) -> str:
    body = asdict(request)
    body["use_previous"] = sorted(request.use_previous)
    return hashlib.sha256(f"{kind}{json.dumps(body, sort_keys=True)}".encode()).hexdigest()
