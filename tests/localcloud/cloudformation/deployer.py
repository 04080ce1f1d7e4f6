"""The deployer against the CloudFormation API of a local cloud in this process: manifests of passive resources."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from botocore.session import Session

from klotho.deploy.assets import AssetStep
from klotho.deploy.drain import Drain
from klotho.deploy.events import Event
from klotho.deploy.orchestrator import Orchestrator
from klotho.deploy.outcome import Deployment
from klotho.deploy.place import Clients, Pace, Place
from klotho.deploy.stacks import StackCalls
from klotho.deploy.target import HOST
from klotho.localcloud.handler import Handler, HandlerError, Outcome, Request
from klotho.stacks import DIGEST, Manifest, OutputSource, Stack
from tests.unit.deploy.manifests import encoded

from .builders import REGION, ServedCloud

PACE = Pace(monotonic, sleep, fastest=0.005, slowest=0.05, patience=20.0)
PROJECT, APPLICATION = "acme", "shop"


def stack_template(
    resources: Mapping[str, Any], outputs: Mapping[str, Any] | None = None, takes: Sequence[str] = ()
) -> dict[str, Any]:
    """As the emitter writes it: the digest is a parameter and an output."""
    return {
        "Parameters": {name: {"Type": "String"} for name in (*takes, DIGEST)},
        "Resources": dict(resources),
        "Outputs": {**{n: {"Value": v} for n, v in (outputs or {}).items()}, DIGEST: {"Value": {"Ref": DIGEST}}},
    }


def manifest(
    stacks: Mapping[str, tuple[dict[str, Any], Mapping[str, str]]], stateful: Sequence[str] = ()
) -> tuple[Manifest, dict[str, bytes]]:
    """By stack, upstreams first: its template, and which stack each of its parameters comes from (same output name)."""
    made, files = [], {}
    for name, (template, sources) in stacks.items():
        body = encoded(template)
        files[f"{name}.json"] = body
        made.append(
            Stack(
                name=name,
                stack_name=f"shop-{name}",
                template=f"{name}.json",
                digest=hashlib.sha256(body).hexdigest(),
                parameters={output: OutputSource(source, output) for output, source in sources.items()},
                depends_on=tuple(sorted(set(sources.values()))),
                stateful=name in stateful,
                constructs=(),
                tags={
                    "klotho:project": PROJECT,
                    "klotho:application": APPLICATION,
                    "klotho:environment": "local",
                    "klotho:stack": name,
                },
            )
        )
    return Manifest(APPLICATION, PROJECT, "local", REGION, tuple(made), (), ()), files


def alone(resources: Mapping[str, Any], **options: Any) -> tuple[Manifest, dict[str, bytes]]:
    """One stack named `one`."""
    return manifest({"one": (stack_template(resources), {})}, **options)


class Deployer:
    """Runs the deployer as `up` does, each run anew."""

    def __init__(
        self, port: int, change: Callable[[Clients], None] = lambda clients: None, session: Any = None
    ) -> None:
        """`change` sees the clients of each run before they are used; `session`: one that has read its models."""
        self.place = Place(REGION, "000000000000", f"http://127.0.0.1:{port}", "key", "secret")
        self.seen: list[Event] = []
        self._change = change
        self._runs = 0
        self._session = session or Session()

    def up(
        self, manifest: Manifest, files: Mapping[str, bytes], *, pace: Pace = PACE, run: str = "", **options: Any
    ) -> Deployment:
        self._runs += 1
        clients = Clients(self.place)
        clients._session = self._session
        self._change(clients)
        live = StackCalls(clients, pace).deployed(project=PROJECT, environment="local", application=APPLICATION)
        folder = Path("/nonexistent")
        assets = AssetStep(
            (),
            program_root=folder,
            cache=folder,
            target=HOST,
            build_image=_no_image,
            sink=self.seen.append,
            clock=monotonic,
        )
        with ThreadPoolExecutor(1) as threads:
            assets.start(threads)
            return Orchestrator(
                manifest, files, assets, clients, pace=pace, sink=self.seen.append,
                run_id=run or f"run{self._runs}", drain=Drain(),
            ).deploy(live, **options)  # fmt: skip


def results(deployment: Deployment) -> dict[str, str]:
    return {outcome.stack: outcome.result for outcome in deployment.outcomes}


class Stubborn(Handler):
    """A log group that refuses what its test says, by logical id."""

    type_name = "AWS::Logs::LogGroup"
    carries = frozenset({"RetentionInDays", "LogGroupName"})

    def __init__(self, served: ServedCloud) -> None:
        super().__init__(served.cloud)
        self.no_create: set[str] = set()
        self.no_update: set[str] = set()
        self.no_delete: set[str] = set()
        served.handlers[self.type_name] = self
        served.engine.handlers = served.handlers

    async def create(self, request: Request) -> Outcome:
        self._refuse(request, self.no_create)
        return Outcome(f"group-{request.logical_id}-{request.token[:8]}", {"Arn": "arn"})

    async def update(self, request: Request) -> Outcome:
        self._refuse(request, self.no_update)
        return Outcome(str(request.identifier), request.attributes)

    async def delete(self, request: Request) -> None:
        self._refuse(request, self.no_delete)

    def _refuse(self, request: Request, refused: set[str]) -> None:
        if request.logical_id in refused:
            raise HandlerError(f"{request.logical_id} says no", "NotStabilized")


def _no_image(properties: Mapping[str, Any], log: Any) -> str:
    raise AssertionError("nothing here has an image")
