"""One task of a service: a process that counts as running once it accepts connections where it should.

Input: a service's specification and its image. Output: a supervised process with the ports it got. Refuses, as
`TaskError`: a program that is not in the image, one that dies, one that listens somewhere else or nowhere, one whose
health check does not pass; always with the log's last lines.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from klotho.localcloud.planes import memory
from klotho.localcloud.planes.containers.definition import ServiceSpec
from klotho.localcloud.planes.containers.environment import environment
from klotho.localcloud.planes.containers.health import probe
from klotho.localcloud.planes.containers.image import Image
from klotho.localcloud.planes.containers.paths import inside
from klotho.localcloud.planes.containers.words import NothingToRunError, argv
from klotho.localcloud.planes.processes import Child, ProcessError, Supervised, describe_exit
from klotho.localcloud.planes.sockets import accepts, free_port, group_members, listening_ports

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

ELSEWHERE_S = 3.0
"""Seconds after which a program that listens, but not where it should, is told so."""
MEMORY_LOOK_S = 1.0
"""Between two looks at what a container's processes use."""
ALIVE_S = 0.5
"""A container without ports counts as started when it has lived this long."""


class TaskError(Exception):
    """A task could not be started; `died` when its process ended by itself."""

    def __init__(self, reason: str, died: bool = False) -> None:
        super().__init__(reason)
        self.died = died


class Task:
    """One process of a service, restarted when it ends."""

    def __init__(
        self, cloud: Cloud, spec: ServiceSpec, image: Image, number: str, connect: Callable[[str], int]
    ) -> None:
        """`number` is the task's id in log streams; `connect` gives the front port of a Service Connect name."""
        self._cloud = cloud
        self._spec = spec
        self._image = image
        self._connect = connect
        self.id = number
        self.ports: dict[str, int] = {}
        self.ready = False
        self.kept = Supervised(self._life, self._ended)
        self._watches: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Return once the task is ready; `TaskError` or `HandlerError` when it does not get there."""
        await self.kept.start()
        if self._spec.task.health is not None:
            self._watches.append(asyncio.create_task(self._watch_health()))
        if self._spec.task.memory_mb is not None:
            self._watches.append(asyncio.create_task(self._watch_memory(self._spec.task.memory_mb)))

    async def stop(self, at_most_s: float | None = None) -> None:
        """The stop signal, then SIGKILL after the container's stop timeout (or `at_most_s`). Safe to call twice."""
        self.ready = False
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        grace = self._spec.task.stop_timeout_s
        await self.kept.stop(grace if at_most_s is None else min(grace, at_most_s))

    def _ended(self, _child: Child | None) -> None:
        self.ready = False

    async def _life(self) -> Child:
        spec, task = self._spec, self._spec.task
        # Fresh ones each time: a port of the life before may be someone else's by now.
        self.ports = {port.name: free_port() for port in task.ports}
        variables = environment(self._cloud, spec, self._image, self.ports, self._connect)
        folder = inside(self._image.root, task.workdir or self._image.config.workdir)
        for needed in (folder, Path(variables["HOME"])):
            needed.mkdir(parents=True, exist_ok=True)
        try:
            words = argv(task, self._image, variables["PATH"], folder)
        except NothingToRunError as error:
            raise TaskError(f"{spec.name}: {error}") from error
        try:
            child = await Child.start(
                self._cloud,
                words,
                env=variables,
                log_group=task.log_group,
                log_stream=f"{task.log_prefix}/{task.container}/{self.id}",
                cwd=folder,
                stop_signal=_signal(self._image.config.stop_signal),
                grace_s=task.stop_timeout_s,
            )
        except ProcessError as error:
            raise TaskError(f"{spec.name}: {error}") from error
        try:
            await self._until_ready(child)
        except BaseException:
            await child.stop(grace_s=1.0)
            raise
        self.ready = True
        return child

    async def _until_ready(self, child: Child) -> None:
        begun = time.monotonic()
        pause = 0.01
        asked_elsewhere = begun
        while True:
            if child.returncode is not None:
                raise self._error(child, f"ended at start ({describe_exit(child.returncode)})", died=True)
            age = time.monotonic() - begun
            missing = [name for name, port in self.ports.items() if not await accepts(port)]
            if not missing and (self.ports or age >= ALIVE_S):
                break
            if self.ports and age > ELSEWHERE_S and time.monotonic() - asked_elsewhere > 1.0:
                asked_elsewhere = time.monotonic()
                elsewhere = await self._elsewhere(child)
                if elsewhere:
                    raise self._error(child, f"listens on {elsewhere}, not on {self._wanted(missing)}")
            if age > self._spec.start_s:
                raise self._error(child, f"listens on nothing after {age:.0f} s; it should on {self._wanted(missing)}")
            await asyncio.sleep(pause)
            pause = min(pause * 1.3, 0.1)
        await self._until_healthy(child)

    def _wanted(self, names: list[str]) -> str:
        """Which port by which variable the program should have taken."""
        ports = {port.name: port for port in self._spec.task.ports}
        wanted = []
        for name in names:
            variables = [
                variable
                for variable, value in self._spec.task.environment.items()
                if value == str(ports[name].number) and variable.endswith("PORT")
            ]
            if not variables and ports[name] is self._spec.task.ports[0]:
                variables = ["PORT"]
            by = (
                f"${variables[0]}"
                if variables
                else f"a port variable (set one to {ports[name].number} in environment=)"
            )
            wanted.append(f"{by} (={self.ports[name]} here, {ports[name].number} in a container)")
        return " and ".join(wanted)

    async def _elsewhere(self, child: Child) -> str:
        def look() -> set[int]:
            return listening_ports(group_members(child.pid)) - set(self.ports.values())

        return ", ".join(f"port {port}" for port in sorted(await asyncio.to_thread(look)))

    async def _until_healthy(self, child: Child) -> None:
        check = self._spec.task.health
        if check is None:
            return
        end = time.monotonic() + max(check.start_period_s + check.interval_s * check.retries, check.timeout_s)
        while (why := await probe(check, self._port_of(check.port))) is not None:
            if child.returncode is not None:
                raise self._error(child, f"ended at start ({describe_exit(child.returncode)})", died=True)
            if time.monotonic() > end:
                raise self._error(child, f"does not pass its health check: {why}")
            await asyncio.sleep(0.2)

    async def _watch_health(self) -> None:
        """Replace an unhealthy process, as ECS replaces the task."""
        check = self._spec.task.health
        assert check is not None
        failures = 0
        while True:
            await asyncio.sleep(check.interval_s)
            child = self.kept.child
            if not self.ready or child is None:
                continue
            why = await probe(check, self._port_of(check.port))
            failures = failures + 1 if why is not None else 0
            if failures >= check.retries:
                failures, self.ready = 0, False
                self._say(f"unhealthy ({why}): restarted")
                with contextlib.suppress(ProcessLookupError):
                    await child.stop()

    async def _watch_memory(self, limit_mb: int) -> None:
        """End what uses more than it may, as ECS does, with everything it has started; it is restarted then."""

        def used_mb(leader: int) -> int:
            return sum(memory.used_mb(pid) for pid in group_members(leader))

        while True:
            await asyncio.sleep(MEMORY_LOOK_S)
            child = self.kept.child
            if child is None or child.returncode is not None:
                continue
            used = await asyncio.to_thread(used_mb, child.pid)
            if used > limit_mb and child.returncode is None:
                self._say(f"out of memory: it uses {used} MB and may use {limit_mb} (`memory=`); ended, as on AWS")
                await child.stop(grace_s=0)

    def _say(self, text: str) -> None:
        """One line into the container's log."""
        task = self._spec.task
        self._cloud.logs.write(task.log_group, f"{task.log_prefix}/{task.container}/{self.id}", f"klotho: {text}")

    def _port_of(self, container_port: int) -> int:
        for port in self._spec.task.ports:
            if port.number == container_port:
                return self.ports[port.name]
        return container_port

    def _error(self, child: Child, reason: str, died: bool = False) -> TaskError:
        lines = "\n".join(child.tail(12))
        return TaskError(f"{self._spec.name}: {reason}" + (f"\n{lines}" if lines else ""), died)


def _signal(name: str | None) -> int:
    """A STOPSIGNAL (`SIGINT`, `INT` or a number); SIGTERM when there is none."""
    if name is None:
        return signal.SIGTERM
    if name.isdigit():
        return int(name)
    return int(getattr(signal, name if name.startswith("SIG") else f"SIG{name}", signal.SIGTERM))
