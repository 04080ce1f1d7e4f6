"""The process that runs the local cloud of one project and environment.

Input: `python -m klotho.localcloud.supervisor --project P --environment E --state DIR --region R`. Output: a healthy
local cloud and `supervisor.json` that says how to reach it, until SIGTERM, SIGINT or `/_klotho/stop`. Refuses, each
with an exit code of its own (`connect.EXIT_…`) and its reason in `supervisor-failed.json`: a second supervisor in the
same folder, data of a newer Klotho or damaged data, data of another region, a port in use.

One resource that can't be brought back is logged and shown in `status`; the rest runs.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import json
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klotho.localcloud import connect, installation, startup_failure
from klotho.localcloud.admin import Admin
from klotho.localcloud.applications import Applications
from klotho.localcloud.cloud import Cloud
from klotho.localcloud.credentials import Credentials
from klotho.localcloud.database import DamagedDataError, Database, NewerDataError
from klotho.localcloud.endpoint import Endpoint, EndpointServer, PortInUseError, bind
from klotho.localcloud.identity import ACCOUNT
from klotho.localcloud.logs import Logs
from klotho.localcloud.parts import Assemble, Parts, Reports, assemble
from klotho.localcloud.permissions import Authorizer, Denials
from klotho.localcloud.planes.processes import ProcessTable
from klotho.localcloud.ports import Ports
from klotho.localcloud.running_code import RunningCode
from klotho.localcloud.service import ApiError
from klotho.localcloud.services.object_store import ObjectStore
from klotho.localcloud.services.secretsmanager import SecretsManager
from klotho.localcloud.services.ssm import Parameters
from klotho.localcloud.startup_failure import OtherRegionError
from klotho.localcloud.status import UnitStatus
from klotho.localcloud.world import World

if TYPE_CHECKING:
    pass

_log = logging.getLogger("klotho.localcloud")

LOCK_PATIENCE_S = 0.5
"""A probe of the lock (`connect.is_locked`) holds it for an instant: that is no second supervisor."""
PAUSE_PATIENCE_S = 60.0
"""How long stopping an application waits for its running deployment."""
READY_PATIENCE_S = 20.0
"""How long a start waits for services to be ready before it counts as done all the same."""


@dataclass(frozen=True, slots=True)
class Options:
    """The command line."""

    project: str
    environment: str
    state: Path
    region: str


class AlreadyRunningError(Exception):
    """Another supervisor holds the state folder."""

    def __init__(self, state: Path) -> None:
        super().__init__(f"another supervisor runs in {state}")


class Supervisor:
    """One running local cloud: `run` returns when it has been asked to stop and everything is down."""

    def __init__(self, options: Options, assemble: Assemble = assemble) -> None:
        self._options = options
        self._assemble = assemble
        self._stopping = asyncio.Event()
        self._token = secrets.token_urlsafe(32)
        self._problems: dict[str, str] = {}
        """What failed -> why; gone once it has worked."""
        self._fingerprint = installation.fingerprint()
        self._parts: Parts | None = None
        self._started = time.time()
        self._cloud: Cloud
        self._authorizer: Authorizer

    async def run(self) -> None:
        options = self._options
        async with contextlib.AsyncExitStack() as downs:
            descriptor = lock(options.state)
            downs.callback(os.close, descriptor)
            (options.state / connect.RUNNING_FILE).unlink(missing_ok=True)
            startup_failure.clear(options.state)
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, self.stop)
            await self._bring_up(downs)
            downs.callback((options.state / connect.RUNNING_FILE).unlink, missing_ok=True)
            _write_private(options.state / connect.RUNNING_FILE, self._description())
            _log.info("healthy at %s after %.2f s", self._cloud.endpoint_url, time.time() - self._started)
            await self._stopping.wait()
            _log.info("stopping")
        _log.info("stopped")

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stopping.set()

    async def _bring_up(self, downs: contextlib.AsyncExitStack) -> None:
        options = self._options
        database = Database(options.state / "state.sqlite3")
        downs.callback(database.close)
        _check_region(database, options.region)
        table = ProcessTable.of(options.state)
        downs.callback(table.close)
        ports = Ports(database, options.project, options.environment, options.state)
        port = ports.of("endpoint")
        listener = bind(port)
        downs.callback(listener.close)
        cloud = self._cloud = _base(options, database, ports, port)
        downs.callback(cloud.logs.close)
        parts = self._parts = self._assemble(cloud)
        for name, plane in parts.planes.items():
            await self._attempt(f"starting {name}", plane.start)
            downs.push_async_callback(self._attempt, f"stopping {name}", plane.stop)
        applications = Applications(database, cloud.world, parts.handlers, self._attempt)
        cloud.deploying = applications.deploying
        admin = self._admin(applications)
        downs.push_async_callback(self._attempt, "pausing deployments", parts.engine.close)
        self._authorizer = _authorizer(cloud, self._log_group)
        cloud.decide = self._authorizer.decide
        endpoint = Endpoint(
            parts.services,
            cloud.credentials,
            options.region,
            port,
            admin,
            self._authorizer,
            parts.answers,
            parts.browser,
        )
        server = EndpointServer(endpoint, listener)
        await server.start()
        downs.push_async_callback(server.stop)
        # Databases and functions first: an interrupted deployment that goes on may need them.
        await applications.bring_back()
        await self._attempt("recovering interrupted deployments", parts.engine.recover)
        await self._ready()

    def _admin(self, applications: Applications) -> Admin:
        parts = self._parts
        assert parts is not None

        async def resume(name: str) -> None:
            await applications.resume(name)
            await self._ready(name)

        async def pause(name: str) -> None:
            # A deployment that still runs would start again what is being stopped.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(parts.engine.settle_application(name), PAUSE_PATIENCE_S)
            await applications.pause(name)

        acts = {"resume": resume, "pause": pause}
        return Admin(
            self._token,
            self._health,
            self._status,
            self.stop,
            applications.states,
            acts,
            RunningCode(self._cloud, applications).asks,
        )

    async def _ready(self, application: str | None = None) -> None:
        """Wait for what is starting (of one application), so that it can be called; what takes too long goes on."""
        deadline = time.monotonic() + READY_PATIENCE_S
        while (starting := self._starting(application)) and not self._stopping.is_set():
            if time.monotonic() > deadline:
                _log.warning("still starting: %s", ", ".join(starting))
                return
            await asyncio.sleep(0.01)

    def _starting(self, application: str | None) -> list[str]:
        units = [unit for unit in self._units() if unit.state == "starting"]
        return [unit.name for unit in units if application in (None, unit.application)]

    def _units(self) -> list[UnitStatus]:
        planes = self._parts.planes.values() if self._parts else ()
        return [unit for plane in planes if isinstance(plane, Reports) for unit in plane.status()]

    async def _attempt(self, what: str, step: Callable[[], Awaitable[object]]) -> None:
        """One part that fails must not take the others with it: the failure is logged and shown in the status."""
        try:
            await step()
        except Exception as error:
            _log.exception("%s failed", what)
            self._problems[what] = str(error)
        else:
            self._problems.pop(what, None)

    def _health(self) -> Mapping[str, Any]:
        options = self._options
        return {"pid": os.getpid(), "project": options.project, "environment": options.environment}

    def _log_group(self, name: str) -> str | None:
        """Of the unit of this name."""
        return next((unit.log_group for unit in self._units() if unit.name == name), None)

    def _with_denials(self, unit: UnitStatus) -> UnitStatus:
        denied = self._authorizer.summary(unit.name)
        if denied is None:
            return unit
        return replace(unit, detail=denied if unit.detail is None else f"{denied}; {unit.detail}")

    def _status(self) -> Mapping[str, Any]:
        return {
            **self._health(),
            "version": connect.installed_version(),
            "region": self._options.region,
            "endpoint": self._cloud.endpoint_url,
            "started": self._started,
            "units": [asdict(self._with_denials(unit)) for unit in self._units()],
            "problems": [f"{what}: {why}" for what, why in self._problems.items()],
        }

    def _description(self) -> dict[str, Any]:
        key = self._cloud.credentials.deployer()
        return {
            **self._health(),
            "version": connect.installed_version(),
            "fingerprint": self._fingerprint,
            "region": self._options.region,
            "endpoint_url": self._cloud.endpoint_url,
            "port": int(self._cloud.endpoint_url.rpartition(":")[2]),
            "token": self._token,
            "access_key": key.id,
            "secret_key": key.secret,
        }


def lock(state: Path) -> int:
    """Take the state folder for this process; returns the descriptor that holds it. AlreadyRunningError otherwise."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(state / connect.LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise AlreadyRunningError(state) from None
            time.sleep(0.02)
        else:
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())  # who to signal, also before it is healthy
            return descriptor


def _base(options: Options, database: Database, ports: Ports, port: int) -> Cloud:
    """The cloud without its planes, which need it to be made; `assemble` sets them."""
    cloud = Cloud(
        project=options.project,
        environment=options.environment,
        region=options.region,
        state=options.state,
        endpoint_url=f"http://127.0.0.1:{port}",
        database=database,
        world=World(database),
        ports=ports,
        logs=Logs(options.state),
        credentials=Credentials(database),
        objects=ObjectStore(options.state),
    )
    cloud.secrets = SecretsManager(database, options.region, ACCOUNT)
    cloud.parameters = Parameters(database, options.region, ACCOUNT)
    return cloud


def _authorizer(cloud: Cloud, log_group: Callable[[str], str | None]) -> Authorizer:
    def secret_arn(name: str) -> str | None:
        try:
            return cloud.secrets.find(name).arn
        except ApiError:  # there is none: the call itself will say so, to whom it may
            return None

    return Authorizer(cloud.world, cloud.region, cloud.account, secret_arn, Denials(cloud.logs, log_group))


def _check_region(database: Database, region: str) -> None:
    row = database.connection.execute("select value from facts where name='region'").fetchone()
    if row is None:
        with database.transaction() as connection:
            connection.execute("insert into facts values ('region', ?)", (region,))
    elif row["value"] != region:
        raise OtherRegionError(row["value"], region)


def _write_private(path: Path, document: Mapping[str, Any]) -> None:
    """Write for this user only, and so that a reader sees all of it or nothing."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file)
    draft.replace(path)


_REFUSALS: Mapping[type[Exception], int] = {
    NewerDataError: connect.EXIT_NEWER_DATA,
    PortInUseError: connect.EXIT_PORT_IN_USE,
    OtherRegionError: connect.EXIT_OTHER_REGION,
    DamagedDataError: connect.EXIT_DAMAGED_DATA,
}


def run(options: Options, assemble: Assemble = assemble) -> int:
    """Run a supervisor to its end; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)

    async def supervise() -> None:
        await Supervisor(options, assemble).run()

    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(supervise())
    except AlreadyRunningError as refusal:
        # The reason file is the other supervisor's to write.
        _log.error("%s", refusal)
        return connect.EXIT_ALREADY_RUNNING
    except tuple(_REFUSALS) as refusal:
        _log.error("%s", refusal)
        startup_failure.write(options.state, startup_failure.describe(refusal, options.state))
        return _REFUSALS[type(refusal)]
    except Exception as error:
        _log.exception("the local cloud failed")
        startup_failure.write(options.state, startup_failure.describe(error, options.state))
        return connect.EXIT_FAILED
    return 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:  # optional: an event loop written in C where there is one for the platform
        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="klotho.localcloud.supervisor", description="Run a local cloud.")
    parser.add_argument("--project", required=True, help="the project's name")
    parser.add_argument("--environment", required=True, help="the environment's name, such as local")
    parser.add_argument("--state", required=True, type=Path, help="the folder that keeps everything")
    parser.add_argument("--region", required=True, help="the AWS region it stands for")
    given = parser.parse_args(arguments)
    return run(Options(given.project, given.environment, given.state.resolve(), given.region))


if __name__ == "__main__":
    sys.exit(main())
