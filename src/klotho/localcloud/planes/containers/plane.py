"""The services of the local cloud: processes of images, behind ports that stay the same.

Input: records of AWS::ECS::Service. Output: running tasks, addresses for the gateway (Cloud Map) and for other
services (Service Connect). Refuses, as `HandlerError`: what `definition` and `environment` refuse, a task that does not
start (after three tries, with its exit code and last log lines), a front port someone else holds.

A deployment starts the new tasks beside the old ones and lets connections over only when all new ones are ready; the
old ones then end in the background. If the new ones fail, the old ones go on serving and the error rolls the stack
back.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from klotho.localcloud.handler import HandlerError, Record
from klotho.localcloud.planes.containers.definition import Alias, ServiceSpec, namespace_name, service_spec
from klotho.localcloud.planes.containers.environment import HOST, alias_key, environment
from klotho.localcloud.planes.containers.front import Front, PortInUseError
from klotho.localcloud.planes.containers.image import Image, load_image
from klotho.localcloud.planes.containers.paths import inside
from klotho.localcloud.planes.containers.task import Task, TaskError
from klotho.localcloud.status import State, UnitStatus

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

SERVICE = "AWS::ECS::Service"
TRIES = 3
"""Starts before a deployment has failed: the circuit breaker's smallest threshold (ECS, deployment circuit breaker)."""
STOP_S = 5.0
"""Grace between the stop signal and SIGKILL when everything goes down; a deployment grants the whole stop timeout."""
PORT_PAUSE_S = 1.0
"""Between two looks whether a port that somebody else holds is free again."""
DRAIN_S = 5.0
"""How long open connections of a replaced task may go on before it gets its stop signal."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """How a service's last deployment goes, as ECS's DescribeServices tells."""

    task_definition: str
    state: Literal["IN_PROGRESS", "COMPLETED", "FAILED"]
    reason: str = ""


@dataclass(slots=True)
class _Unit:
    """One live service."""

    spec: ServiceSpec
    tasks: list[Task] = field(default_factory=list)
    key: str = ""
    """What the running tasks were started with."""
    detail: str | None = None
    starting: bool = False
    rollout: Rollout | None = None
    """Of a deployment nobody waits for; None: those are complete when they return."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    turn: itertools.count[int] = field(default_factory=itertools.count)

    def pick(self, port_name: str) -> int | None:
        ready = [task for task in self.tasks if task.ready and port_name in task.ports]
        return ready[next(self.turn) % len(ready)].ports[port_name] if ready else None


class Containers:
    """All services of one local cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._images = cloud.state / "images"
        self._units: dict[str, _Unit] = {}
        self._fronts: dict[str, tuple[Front, str]] = {}
        """Front name -> (front, identifier of the service behind it)."""
        self._background: set[asyncio.Task[None]] = set()
        self._resuming: dict[str, asyncio.Task[None]] = {}
        self._closing = False

    async def start(self) -> None:
        """Services start when their record is resumed."""
        self._images.mkdir(parents=True, exist_ok=True)

    async def stop(self) -> None:
        """End all tasks and close all ports."""
        self._closing = True
        for identifier in list(self._resuming):
            await self._stop_resuming(identifier)
        units, self._units = self._units, {}
        await asyncio.gather(*(task.stop(STOP_S) for unit in units.values() for task in unit.tasks))
        await asyncio.gather(*self._background, return_exceptions=True)
        fronts, self._fronts = self._fronts, {}
        await asyncio.gather(*(front.close() for front, _ in fronts.values()))

    def status(self) -> list[UnitStatus]:
        return sorted((self._status(unit) for unit in self._units.values()), key=lambda shown: shown.name)

    async def deploy(self, record: Record) -> None:
        """Make the service run as its record says; returns when it does. `HandlerError` leaves it as it was."""
        await self._stop_resuming(record.identifier)
        spec = service_spec(record, self._cloud.world)
        unit = self._units.get(spec.identifier)
        fresh = unit is None
        if unit is None:
            unit = self._units[spec.identifier] = _Unit(spec)
        async with unit.lock:
            unit.rollout = None
            try:
                await self._deploy(unit, spec)
            except HandlerError:
                if fresh:
                    await self.remove(spec.identifier)
                raise
        self._cloud.swapped.clear(SERVICE, spec.identifier)

    async def roll_out(self, record: Record) -> None:
        """As `deploy`, in the background: `rollout` tells how it goes. One that fails leaves the former tasks serving,
        as the circuit breaker does."""
        await self.roll_out_as(service_spec(record, self._cloud.world), str(record.properties["TaskDefinition"]))

    async def roll_out_as(self, spec: ServiceSpec, wanted: str) -> None:
        """The same of what is no service of ECS; `wanted` tells this deployment from others."""
        await self._stop_resuming(spec.identifier)
        unit = self._units.setdefault(spec.identifier, _Unit(spec))
        unit.rollout = Rollout(wanted, "IN_PROGRESS")

        async def work() -> None:
            async with unit.lock:
                try:
                    await self._deploy(unit, spec)
                except HandlerError as error:
                    unit.rollout = Rollout(wanted, "FAILED", error.reason)
                    return
                unit.rollout = Rollout(wanted, "COMPLETED")
            self._cloud.swapped.clear(SERVICE, spec.identifier)

        self._resuming[spec.identifier] = self._in_background(work())

    def rollout(self, record: Record) -> tuple[Rollout, int, int]:
        """How the service's last deployment goes, how many tasks are wanted, and how many are ready."""
        unit = self._units.get(record.identifier)
        wanted = str(record.properties["TaskDefinition"])
        desired = int(record.properties.get("DesiredCount", 1))
        if unit is None:
            return Rollout(wanted, "IN_PROGRESS", "the service is stopped"), desired, 0
        ready = sum(task.ready for task in unit.tasks)
        if unit.rollout is not None:
            return unit.rollout, desired, ready
        if ready >= desired:
            return Rollout(wanted, "COMPLETED"), desired, ready
        return Rollout(wanted, "FAILED" if unit.detail else "IN_PROGRESS", unit.detail or "starting"), desired, ready

    def progress(self, identifier: str) -> tuple[Rollout, int]:
        """How the last deployment goes of what `roll_out_as` or `bring_back` runs, and how many tasks are ready."""
        unit = self._units.get(identifier)
        if unit is None:
            return Rollout("", "IN_PROGRESS", "nothing runs yet"), 0
        ready = sum(task.ready for task in unit.tasks)
        if unit.rollout is not None:
            return unit.rollout, ready
        return Rollout(
            "", "COMPLETED" if ready >= unit.spec.desired else "IN_PROGRESS", unit.detail or "starting"
        ), ready

    async def swap(self, identifier: str, digest: str, holder: int) -> None:
        """Run another image without a deployment; returns when it serves. `holder` is the process that asks.

        `HandlerError` when it does not start: what ran before goes on.
        """
        await self._stop_resuming(identifier)
        unit = self._units.get(identifier)
        if unit is None:
            raise HandlerError(f"{identifier} does not run", "ServiceNotFoundException")
        async with unit.lock:
            spec = replace(unit.spec, task=replace(unit.spec.task, image=digest))
            await self._deploy(unit, spec, tries=1)
        self._cloud.swapped.mark(SERVICE, identifier, holder)

    def folder_and_environment(self, identifier: str) -> tuple[Path, dict[str, str]]:
        """Where a running task of the service works, and its environment; `HandlerError` when none runs."""
        unit = self._units.get(identifier)
        task = next((task for task in unit.tasks if task.ready), None) if unit is not None else None
        if unit is None or task is None:
            raise HandlerError("no task of the service runs", "ServiceNotActiveException")
        spec, image = unit.spec, self._image(unit.spec)
        namespace = spec.namespace or ""
        found = environment(self._cloud, spec, image, task.ports, lambda name: self._connect_port(namespace, name))
        return inside(image.root, spec.task.workdir or image.config.workdir), found

    async def resume(self, record: Record) -> None:
        """Bring a service back in the background: all of them start at the same time. One that runs is left alone."""
        known = self._units.get(record.identifier)
        if known is not None and known.rollout is not None and known.rollout.state == "IN_PROGRESS":
            return  # a deployment brings it up
        await self.bring_back(service_spec(record, self._cloud.world))

    async def bring_back(self, spec: ServiceSpec) -> None:
        """The same of what is no service of ECS."""
        # One that waits before it tries again tries at once.
        await self._stop_resuming(spec.identifier)
        unit = self._units.setdefault(spec.identifier, _Unit(spec))
        unit.starting = not unit.tasks

        async def trying() -> None:
            async with unit.lock:
                await self._keep_trying(unit, spec)
            self._cloud.swapped.clear(SERVICE, spec.identifier)

        self._resuming[spec.identifier] = self._in_background(trying())

    async def remove(self, identifier: str) -> None:
        """End the service's tasks and close its ports; a later `resume` or `deploy` starts anew. Idempotent."""
        await self._stop_resuming(identifier)
        self._cloud.swapped.clear(SERVICE, identifier)
        unit = self._units.pop(identifier, None)
        if unit is None:
            return
        for name, (front, owner) in list(self._fronts.items()):
            if owner == identifier:
                del self._fronts[name]
                await front.close()
        await asyncio.gather(*(task.stop() for task in unit.tasks))

    def pids(self, identifier: str) -> list[int]:
        """The processes of a service's tasks, each the leader of its group."""
        unit = self._units.get(identifier)
        children = [task.kept.child for task in unit.tasks] if unit is not None else []
        return [child.pid for child in children if child is not None]

    def address_of(self, registry_arn: str) -> tuple[str, int] | None:
        """Where the service registered in this Cloud Map service, or with this target group, is reached; None while
        nothing there is running."""
        for unit in reversed(self._units.values()):
            port_name = unit.spec.registries.get(registry_arn)
            if port_name is not None and unit.pick(port_name) is not None:
                return HOST, self._cloud.ports.of(_front_name(unit.spec, port_name))
        return None

    def discover(self, namespace: str, service: str) -> list[tuple[str, int]]:
        """The addresses DiscoverInstances gives for a Cloud Map service, or for a Service Connect discovery name."""
        found = []
        for record in self._cloud.world.list("AWS::ServiceDiscovery::Service"):
            in_namespace = namespace_name(str(_namespace_of(record)), self._cloud.world) == namespace
            if in_namespace and record.properties.get("Name") == service:
                found.append(self.address_of(str(record.attributes["Arn"])))
        for unit in self._units.values():
            for alias in unit.spec.aliases:
                named = alias.namespace == namespace and alias.discovery_name == service
                if named and unit.pick(alias.port_name) is not None:
                    found.append((HOST, self._connect_port(namespace, alias_key(alias))))
        return list(dict.fromkeys(address for address in found if address is not None))

    def aliases(self, namespace: str) -> list[Alias]:
        """The names Service Connect offers in a namespace now."""
        return [alias for unit in self._units.values() for alias in unit.spec.aliases if alias.namespace == namespace]

    async def _stop_resuming(self, identifier: str) -> None:
        """A deployment or removal takes over from a service that is being brought back."""
        task = self._resuming.pop(identifier, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _deploy(self, unit: _Unit, spec: ServiceSpec, tries: int = TRIES) -> None:
        image = self._image(spec)
        key = self._key(spec, image)
        if key == unit.key:
            unit.spec = spec
            await self._scale(unit, image)
            return
        unit.starting = True
        try:
            await self._open_fronts(unit, spec)
            started = await self._start(spec, image, spec.desired, tries)
        finally:
            unit.starting = False
        former, unit.tasks = unit.tasks, started
        unit.spec, unit.key, unit.detail = spec, key, None
        await self._point_fronts(unit)
        for task in former:
            self._in_background(self._retire(task))

    async def _scale(self, unit: _Unit, image: Image) -> None:
        missing = unit.spec.desired - len(unit.tasks)
        if missing > 0:
            unit.tasks += await self._start(unit.spec, image, missing)
        surplus, unit.tasks = unit.tasks[unit.spec.desired :], unit.tasks[: unit.spec.desired]
        for task in surplus:
            self._in_background(self._retire(task))

    async def _start(self, spec: ServiceSpec, image: Image, count: int, tries: int = TRIES) -> list[Task]:
        """Start tasks at the same time; all or none."""
        starts = (self._start_one(spec, image, tries) for _ in range(count))
        results = await asyncio.gather(*starts, return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        tasks = [result for result in results if isinstance(result, Task)]
        if failures:
            await asyncio.gather(*(task.stop() for task in tasks))
            raise failures[0]
        return tasks

    async def _start_one(self, spec: ServiceSpec, image: Image, most: int) -> Task:
        namespace = spec.namespace or ""
        for attempt in itertools.count(1):
            # As on AWS a task's id is new each time; it only names the log stream.
            task = Task(self._cloud, spec, image, uuid.uuid4().hex, lambda name: self._connect_port(namespace, name))
            try:
                await task.start()
            except TaskError as error:
                if error.died and attempt < most:
                    await asyncio.sleep(0.2 * attempt)
                    continue
                # On the first line, which is ours: the others are the program's own last words.
                said, *words = str(error).split("\n")
                tries = f", {attempt} tries" if attempt > 1 else ""
                raise HandlerError("\n".join([f"{said}{tries}", *words]), "ServiceDeploymentFailed") from error
            return task
        raise AssertionError("counting does not end")  # pragma: no cover

    async def _keep_trying(self, unit: _Unit, spec: ServiceSpec) -> None:
        """A service that ran before is brought back even if it takes a while (its database may, too)."""
        pause = 0.5
        while True:
            try:
                await self._deploy(unit, spec)
            except HandlerError as error:
                unit.detail, unit.starting = error.reason, False
                # Looking whether a port is free again costs nothing; starting what dies at once does.
                held = isinstance(error.__cause__, PortInUseError)
                await asyncio.sleep(PORT_PAUSE_S if held else pause)
                pause = min(pause * 2, 30.0)
            else:
                unit.starting = False
                return

    async def _retire(self, task: Task) -> None:
        """Let open connections finish, then stop."""
        ports = set(task.ports.values())
        task.ready = False
        for _ in range(int(DRAIN_S / 0.05)):
            if self._closing or not any(
                front.connections_to(port) for front, _ in self._fronts.values() for port in ports
            ):
                break
            await asyncio.sleep(0.05)
        await task.stop(STOP_S if self._closing else None)

    def _image(self, spec: ServiceSpec) -> Image:
        image = load_image(self._images, spec.task.image)
        if image is None:
            raise HandlerError(
                f"{spec.name}: image sha256:{spec.task.image[:12]}… is not on this machine; run `klotho up` again",
                "CannotPullContainerError",
            )
        return image

    def _key(self, spec: ServiceSpec, image: Image) -> str:
        """What makes running tasks the right ones: not their number, nor what a secret holds."""
        task = replace(spec.task, secrets={})
        ports = {port.name: 0 for port in task.ports}
        probe = replace(spec, task=task)
        namespace = spec.namespace or ""
        variables = environment(self._cloud, probe, image, ports, lambda name: self._connect_port(namespace, name))
        return json.dumps([repr(replace(spec, desired=0)), sorted(variables.items())])

    async def _open_fronts(self, unit: _Unit, spec: ServiceSpec) -> None:
        """Listen on everything the service offers; who already answers there goes on until `_point_fronts`."""
        for name in _front_names(spec):
            if name not in self._fronts:
                front = Front(self._cloud.ports.of(name), lambda: None)
                try:
                    await front.open()
                except PortInUseError as error:
                    raise HandlerError(f"{spec.name}: {error}", "InvalidRequest") from error
                self._fronts[name] = front, spec.identifier

    async def _point_fronts(self, unit: _Unit) -> None:
        """Lead new connections to the service's tasks, and close what it no longer offers."""
        names = _front_names(unit.spec)
        for name, port_name in names.items():
            front = self._fronts[name][0]
            front.pick = _picker(unit, port_name)
            self._fronts[name] = front, unit.spec.identifier
        for name, (front, owner) in list(self._fronts.items()):
            if owner == unit.spec.identifier and name not in names:
                del self._fronts[name]
                await front.close()

    def _connect_port(self, namespace: str, name: str) -> int:
        """The front port of a Service Connect name, reserved even before the service exists."""
        return self._cloud.ports.of(_connect_name(namespace, name))

    def _status(self, unit: _Unit) -> UnitStatus:
        spec = unit.spec
        ready = [task for task in unit.tasks if task.ready]
        why = unit.detail
        if why is None and len(ready) < len(unit.tasks):
            why = next((task.kept.detail for task in unit.tasks if not task.ready and task.kept.detail), "starting")
        if ready and why is not None:
            why = f"{len(ready)} of {len(unit.tasks)} running; {why}"
        note = self._cloud.swapped.note(SERVICE, spec.identifier)
        if note is not None:
            why = note if why is None else f"{note}; {why}"
        port = spec.task.ports[0] if spec.task.ports else None
        return UnitStatus(
            name=spec.name,
            kind="container",
            state=_state(unit, len(ready)),
            address=_address(self._cloud.ports.of(_front_name(spec, port.name)), port.protocol) if port else None,
            log_group=spec.task.log_group,
            restarts=sum(task.kept.restarts for task in unit.tasks),
            detail=None if why is None else _one_line(why),
            pid=next((task.kept.child.pid for task in ready if task.kept.child is not None), None),
            application=spec.application,
        )

    def _in_background(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task


def _picker(unit: _Unit, port_name: str) -> Callable[[], int | None]:
    return lambda: unit.pick(port_name)


def _state(unit: _Unit, ready: int) -> State:
    if ready:
        return "running"
    if unit.starting:
        return "starting"
    if unit.tasks:
        return "restarting"
    return "idle" if unit.spec.desired == 0 and unit.detail is None else "failed"


def _address(port: int, protocol: str) -> str:
    return f"{HOST}:{port}" if protocol in ("grpc", "tcp") else f"http://{HOST}:{port}"


def _front_name(spec: ServiceSpec, port_name: str) -> str:
    return f"service/{spec.name}/{port_name}"


def _front_names(spec: ServiceSpec) -> dict[str, str]:
    """Every front of a service by name -> the port it leads to."""
    own = {_front_name(spec, port.name): port.name for port in spec.task.ports}
    return own | {_connect_name(alias.namespace, alias_key(alias)): alias.port_name for alias in spec.aliases}


def _one_line(text: str) -> str:
    """The first line of a reason, and the last one (the log's) if there are more."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[0] if len(lines) == 1 else f"{lines[0]}: {lines[-1].strip()}" if lines else text


def _connect_name(namespace: str, name: str) -> str:
    return f"connect/{namespace}/{name}"


def _namespace_of(record: Record) -> object:
    return record.properties.get("NamespaceId") or (record.properties.get("DnsConfig") or {}).get("NamespaceId", "")
