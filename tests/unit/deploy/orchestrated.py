"""One cloud of CloudFormation in memory that the orchestrator brings up again and again."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

from klotho.deploy import events
from klotho.deploy.assets import AssetStep
from klotho.deploy.orchestrator import Orchestrator
from klotho.deploy.outcome import Deployment
from klotho.deploy.place import Clients
from klotho.deploy.stacks import StackCalls
from klotho.deploy.target import HOST
from klotho.diagnostics import Failure, Span
from klotho.stacks import Manifest

from .fake_cloudformation import FakeClients, no_waiting
from .manifests import Links

CHAIN: Links = {"network": (), "users": ("network",), "orders": ("network",), "web": ("users", "orders")}
SPANS = {"Databases.KeyValue/users": Span("infra.py", 7)}


def no_image(properties: Mapping[str, Any], log: Any) -> str:
    raise Failure("image-not-built", "the Dockerfile has a mistake")


class World:
    """One cloud, brought up again and again."""

    def __init__(self, folder: Path | None = None) -> None:
        self.clients = FakeClients()
        self.seen: list[events.Event] = []
        self.folder = folder or Path("/nonexistent")
        self._runs = 0

    @property
    def cloud(self) -> Any:
        return self.clients.cloudformation

    def deploy(self, manifest: Manifest, files: Mapping[str, bytes], **options: Any) -> Deployment:
        self._runs += 1
        self.seen.clear()
        self.cloud.calls.clear()
        clients = cast(Clients, self.clients)
        assets = AssetStep(
            manifest.assets, program_root=self.folder, cache=self.folder / "cache", target=HOST, build_image=no_image,
            sink=self.seen.append, clock=lambda: 0.0,
        )  # fmt: skip
        with ThreadPoolExecutor(2) as threads:
            assets.start(threads)
            live = StackCalls(clients, no_waiting()).deployed(project="acme", environment="local", application="shop")
            orchestrator = Orchestrator(
                manifest,
                files,
                assets,
                clients,
                pace=no_waiting(),
                sink=self.seen.append,
                run_id=f"run{self._runs}",
                spans=SPANS,
            )
            return orchestrator.deploy(live, **options)

    def results(self, deployment: Deployment) -> dict[str, str]:
        return {outcome.stack: outcome.result for outcome in deployment.outcomes}
