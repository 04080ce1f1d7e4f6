"""A supervisor whose cloud is small: the real frame, planes that only sleep. Run with the real command line."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from klotho.localcloud import supervisor
from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import Handler, Outcome, Record, Request
from klotho.localcloud.planes.processes import Child
from klotho.localcloud.services.secretsmanager_api import SecretsManagerService
from klotho.localcloud.services.sts import StsService
from klotho.localcloud.status import State, UnitStatus

BEGUN = time.monotonic()


class Sleepers:
    """Runs one real child that ignores SIGTERM when told to."""

    def __init__(self, cloud: Cloud, name: str) -> None:
        self.cloud, self.name = cloud, name
        self.child: Child | None = None
        self.resumed: list[str] = []

    async def start(self) -> None:
        if os.environ.get("BREAK_PLANE") == self.name:
            raise RuntimeError("this plane was told to break")
        program = "import time\nprint('awake', flush=True)\ntime.sleep(3600)"
        if os.environ.get("SLOW_START"):
            await asyncio.sleep(float(os.environ["SLOW_START"]))
        self.child = await Child.start(
            self.cloud, [sys.executable, "-I", "-S", "-c", program], env={}, log_group=f"/{self.name}", log_stream="s"
        )

    async def stop(self) -> None:
        if self.child is not None:
            await self.child.stop()

    def status(self) -> list[UnitStatus]:
        pid = self.child.pid if self.child else None
        ready = time.monotonic() - BEGUN >= float(os.environ.get("READY_AFTER", "0"))
        state: State = "running" if ready else "starting"
        return [UnitStatus(self.name, "container", state, detail=",".join(self.resumed), pid=pid)]


class Recording(Handler):
    type_name = "AWS::Test::Any"
    carries = frozenset()
    tried = False

    async def create(self, request: Request) -> Outcome:
        raise AssertionError("no stack is deployed here")

    async def update(self, request: Request) -> Outcome:
        raise AssertionError("no stack is deployed here")

    async def delete(self, request: Request) -> None:
        raise AssertionError("no stack is deployed here")

    async def resume(self, record: Record) -> None:
        if record.logical_id == "Broken":
            raise RuntimeError("can't come back")
        if record.logical_id == "Flaky" and not self.tried:
            self.tried = True
            raise RuntimeError("not yet")
        if record.logical_id not in self.resumed:
            self.resumed.append(record.logical_id)

    async def suspend(self, record: Record) -> None:
        if record.logical_id in self.resumed:
            self.resumed.remove(record.logical_id)

    @property
    def resumed(self) -> list[str]:
        found: list[str] = self.cloud.gateway.resumed  # type: ignore[attr-defined]
        return found


class Engine:
    async def recover(self) -> None:
        return None

    async def close(self) -> None:
        return None

    async def settle_application(self, name: str) -> None:
        return None


def assemble(cloud: Cloud) -> supervisor.Parts:
    planes = {name: Sleepers(cloud, name) for name in ("functions", "gateway")}
    cloud.gateway = planes["gateway"]  # type: ignore[assignment]
    handler = Recording(cloud)
    types = ("AWS::RDS::DBInstance", "AWS::Lambda::Function", "AWS::ApiGatewayV2::Api", "AWS::Test::Any")
    services = (SecretsManagerService(cloud.secrets), StsService(cloud.account, cloud.world, cloud.credentials))
    return supervisor.Parts(planes, dict.fromkeys(types, handler), Engine(), services)


if __name__ == "__main__":
    project, environment, state, region = sys.argv[1:5]
    sys.exit(supervisor.run(supervisor.Options(project, environment, Path(state), region), assemble))
