"""The workbench of the contract test: one cloud in a folder, an engine on it, and what it looks like afterwards."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cloudformation.builders import record_cloud

from klotho.localcloud.cloudformation.engine import Engine, StackRequest
from klotho.localcloud.handler import Handler, HandlerError, Record, Request
from klotho.localcloud.handlers import build_handlers

from .sample import Properties, Sample

STACK = "contract"
SUBJECT = "Subject"
BROKEN = {"Type": "AWS::Logs::LogGroup", "DependsOn": SUBJECT, "Properties": {"RetentionInDays": 2}}
"""Fails when it is made, after the subject: AWS has no retention of two days."""


PORT = re.compile(r"\b[12]\d{4}\b")


class Crash(BaseException):
    """A kill -9: nothing may catch it."""


def told_to_fail(handler: Handler) -> set[str]:
    """Make a handler refuse operations on the subject while their names are in the set this gives."""
    operations: set[str] = set()

    def refusing(name: str, call: Callable[[Request], Awaitable[Any]]) -> Callable[[Request], Awaitable[Any]]:
        async def wrapped(request: Request) -> Any:
            if name in operations and request.logical_id == SUBJECT:
                raise HandlerError(f"{name} was told to fail", "Injected")
            return await call(request)

        return wrapped

    for name in ("create", "update", "delete"):
        setattr(handler, name, refusing(name, getattr(handler, name)))
    return operations


@dataclass
class Bench:
    """A cloud with one sample in it."""

    sample: Sample
    engine: Engine
    failing: set[str]
    """Operations on the subject that fail: `create`, `update`, `delete`."""

    @property
    def world(self) -> Any:
        return self.engine.cloud.world

    def body(self, *changed: str, broken: bool = False, present: bool = True) -> str:
        resources: dict[str, Any] = dict(self.sample.companions)
        resources["Always"] = {"Type": "AWS::EC2::InternetGateway"}
        if present:
            resources[SUBJECT] = {"Type": self.sample.type_name, "Properties": self.sample.properties(*changed)}
        if broken:
            resources["Broken"] = BROKEN
        return json.dumps({"Resources": resources})

    def request(self, body: str) -> StackRequest:
        return StackRequest(STACK, body, capabilities=["CAPABILITY_NAMED_IAM"])

    async def create(self, *changed: str, broken: bool = False) -> str:
        """Create and wait; gives the stack's status."""
        self.engine.create_stack(self.request(self.body(*changed, broken=broken)))
        return await self.status()

    async def update(self, *changed: str, broken: bool = False, present: bool = True) -> str:
        self.engine.update_stack(self.request(self.body(*changed, broken=broken, present=present)))
        return await self.status()

    async def delete(self) -> str:
        self.engine.delete_stack(STACK, [], None)
        return await self.status()

    async def status(self) -> str:
        await self.engine.settle()
        return self.engine.store.stacks()[0].status

    def subject(self) -> Record | None:
        """The subject's record, found as a reader of the World would."""
        found = [record for record in self.world.list(self.sample.type_name) if record.logical_id == SUBJECT]
        assert len(found) <= 1, f"two live records of one resource: {found}"
        return found[0] if found else None

    def live(self) -> Record:
        record = self.subject()
        assert record is not None
        return record

    def read(self) -> Any:
        record = self.subject()
        return self.sample.read(self.engine.cloud, record) if self.sample.read and record else None

    def picture(self) -> Any:
        """Everything that must be the same whichever way the cloud got here."""
        stack = self.engine.store.stacks()[0]
        rows = [replace(item, updated="") for item in self.engine.store.resources(stack.stack_id).values()]
        records = sorted(self.world.all(), key=lambda item: (item.type_name, item.identifier))
        # Which loopback port was free is chance.
        return PORT.sub("PORT", repr((stack.status, stack.reason, sorted(map(repr, rows)), records, self.read())))

    def reason(self, logical_id: str = SUBJECT) -> str:
        """The newest event's reason of a failed resource."""
        stack = self.engine.store.stacks()[0]
        events = self.engine.store.events(stack.stack_id, None, 500)
        return next(item.reason or "" for item in events if item.logical_id == logical_id and item.reason)


@contextlib.asynccontextmanager
async def bench(
    sample: Sample, folder: Path, checkpoint: Callable[[str], None] = lambda name: None
) -> AsyncIterator[Bench]:
    """A bench on the data in `folder`; entering it again is a restart of the supervisor."""
    cloud = record_cloud(folder)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(cloud.database.close)
        if sample.planes is not None:
            await stack.enter_async_context(sample.planes(cloud, folder))
        handlers: dict[str, Handler] = dict(build_handlers(cloud))
        failing = told_to_fail(handlers[sample.type_name])
        for record in list(cloud.world.all()):
            await handlers[record.type_name].resume(record)
        engine = Engine(cloud, handlers, checkpoint)
        stack.push_async_callback(engine.close)
        yield Bench(sample, engine, failing)


def recorded(properties: Properties, identifiers: Mapping[str, str]) -> Any:
    """What a template's properties look like in the record: `Ref`s resolved."""

    def resolved(value: Any) -> Any:
        if isinstance(value, dict):
            if set(value) == {"Ref"}:
                return identifiers[value["Ref"]]
            return {name: resolved(item) for name, item in value.items()}
        if isinstance(value, list):
            return [resolved(item) for item in value]
        return value

    return resolved(properties)
