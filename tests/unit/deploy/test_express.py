"""Express mode: which stacks, what ready means, and that a run killed anywhere leaves the next one to end it right."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from klotho.deploy import events
from klotho.deploy.assets import AssetStep
from klotho.deploy.differences import ResourceChange
from klotho.deploy.express import keeps_services, may_be_express
from klotho.deploy.health import STEADY_LOOKS, Asked, HealthWait, asked_of, function_health, service_health
from klotho.deploy.orchestrator import Deployment, Orchestrator
from klotho.deploy.place import Clients, Pace
from klotho.deploy.stacks import StackCalls
from klotho.deploy.target import HOST
from klotho.deploy.unproven import Notes
from klotho.diagnostics import Failure
from klotho.stacks import Manifest

from .fake_cloudformation import FakeClients, FakeCloudFormation, FakeS3, Killed, no_waiting
from .manifests import Links, manifest_of, template_of
from .orchestrated import no_image

SERVICE_ARN = "arn:aws:ecs:eu-west-1:000000000000:service/cluster/web"


def function_template(handler: str, **more: Any) -> dict[str, Any]:
    template = template_of("web")
    template["Resources"] = {
        "webFunction": {
            "Type": "AWS::Lambda::Function",
            "Properties": {"Handler": handler},
            "Metadata": {"klotho": {"construct": "Compute.Function/web"}},
        },
        **more,
    }
    template["Outputs"]["webOut"] = {"Value": {"Ref": "webFunction"}}
    return template


class Cloud(FakeCloudFormation):
    """Which says what is in a stack, and whether it was asked for express mode."""

    def __init__(self) -> None:
        super().__init__()
        self.modes: list[tuple[str, Any]] = []

    def create_stack(self, **request: Any) -> dict[str, Any]:
        self.modes.append(("create", request.get("DeploymentConfig")))
        assert ("DeploymentConfig" in request) is not ("OnFailure" in request)
        return super().create_stack(**request)

    def update_stack(self, **request: Any) -> dict[str, Any]:
        self.modes.append(("update", request.get("DeploymentConfig")))
        return super().update_stack(**request)

    def list_stack_resources(self, StackName: str) -> dict[str, Any]:
        resources = json.loads(self._find(StackName).template)["Resources"]
        return {
            "StackResourceSummaries": [
                {"LogicalResourceId": name, "PhysicalResourceId": f"{self._find(StackName).name}/{name}"}
                for name in resources
            ]
        }


class Functions:
    """Lambda: a handler named `broken` does not come up, one named `slow` takes three looks."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.asked = 0

    def get_function_configuration(self, FunctionName: str) -> dict[str, Any]:
        self.asked += 1
        stack, _, name = FunctionName.partition("/")
        handler = json.loads(self._cloud.stacks[stack].template)["Resources"][name]["Properties"]["Handler"]
        if handler == "broken":
            return {"State": "Active", "LastUpdateStatus": "Failed", "LastUpdateStatusReason": "no such subnet"}
        waits = handler == "slow" and self.asked < 3
        return {"State": "Pending" if waits else "Active", "LastUpdateStatus": "Successful"}


class Bucket(FakeS3):
    """Whose writes the dying deployer does not make."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__()
        self._cloud = cloud

    def put_object(self, Bucket: str, Key: str, Body: Any) -> None:
        self._cloud._begin("put_object", Key)
        super().put_object(Bucket, Key, Body)
        self._cloud._end()

    def delete_object(self, Bucket: str, Key: str) -> None:
        self._cloud._begin("delete_object", Key)
        self.objects.pop(Key, None)
        self._cloud._end()

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.objects[Key])}

    def get_paginator(self, operation: str) -> Any:
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Any:
        yield {"Contents": [{"Key": key} for key in sorted(self.objects) if key.startswith(Prefix)]}


@dataclass
class World:
    clients: FakeClients = field(default_factory=FakeClients)
    seen: list[events.Event] = field(default_factory=list)
    runs: int = 0

    def __post_init__(self) -> None:
        cloud = Cloud()
        self.clients.cloudformation = cloud
        self.clients.s3 = Bucket(cloud)
        self.clients.functions = Functions(cloud)  # type: ignore[attr-defined]

    @property
    def cloud(self) -> Cloud:
        return cast(Cloud, self.clients.cloudformation)

    @property
    def notes(self) -> list[str]:
        return [key for key in self.clients.s3.objects if key.startswith("health/")]

    def deploy(self, manifest: Manifest, files: Mapping[str, bytes], express: bool = True) -> Deployment:
        self.runs += 1
        self.seen.clear()
        self.cloud.calls.clear()
        self.cloud.modes.clear()
        clients = cast(Clients, self.clients)
        assets = AssetStep(
            (), program_root=Path("/nonexistent"), cache=Path("/nonexistent"), target=HOST, build_image=no_image,
            sink=self.seen.append, clock=lambda: 0.0,
        )  # fmt: skip
        live = StackCalls(clients, no_waiting()).deployed(project="acme", environment="local", application="shop")
        orchestrator = Orchestrator(
            manifest, files, assets, clients, pace=no_waiting(), sink=self.seen.append, run_id=f"run{self.runs}",
            notes=Notes(clients, "acme", "local", "shop"), express=express,
        )  # fmt: skip
        return orchestrator.deploy(live)

    def up(self, handler: str, express: bool = True) -> Any:
        deployment = self.deploy(*web(handler), express=express)
        (outcome,) = deployment.outcomes
        return outcome

    def handler(self) -> str | None:
        """What is deployed."""
        stack = self.cloud.stacks.get("shop-web")
        if stack is None:
            return None
        return str(json.loads(stack.template)["Resources"]["webFunction"]["Properties"]["Handler"])


def web(handler: str) -> tuple[Manifest, dict[str, bytes]]:
    return manifest_of({"web": ()}, templates={"web": function_template(handler)})


EXPRESS = {"Mode": "EXPRESS", "DisableRollback": False}


def test_a_leaf_without_data_goes_in_express_mode_with_rollback_on_and_is_waited_for() -> None:
    world = World()
    assert world.up("slow").result == "created"
    assert world.cloud.modes == [("create", EXPRESS)]
    assert (cast(Any, world.clients).functions.asked, world.notes) == (3, [])
    assert world.up("fine").result == "updated"
    assert world.cloud.modes == [("update", EXPRESS)]
    assert world.up("fine").result == "unchanged"
    assert (world.cloud.mutating, world.notes) == ([], [])


def test_what_is_not_ready_is_said_every_remind_seconds() -> None:
    seen: list[events.Event] = []
    now = iter(range(0, 1000, 4))
    pace = Pace(clock=lambda: float(next(now)), sleep=lambda seconds: None, fastest=0.0, slowest=0.0)

    class Slow:
        looks = 0

        def get_function_configuration(self, FunctionName: str) -> dict[str, Any]:
            self.looks += 1
            return {"State": "Active" if self.looks > 6 else "Pending"}

    clients = FakeClients()
    clients.functions = Slow()  # type: ignore[attr-defined]
    asked = [Asked("webFunction", "AWS::Lambda::Function", "web")]
    assert HealthWait(cast(Clients, clients), pace, seen.append, "web").until_ready(asked) is None
    (first, *_) = [event for event in seen if isinstance(event, events.Waiting)]
    assert str(first.on[0]).startswith("AWS::Lambda::Function webFunction: State Pending, LastUpdateStatus Successful")


def test_what_is_never_ready_is_given_up() -> None:
    now = iter(range(0, 100_000, 600))
    pace = Pace(clock=lambda: float(next(now)), sleep=lambda seconds: None, fastest=0.0, slowest=0.0)
    clients = FakeClients()
    clients.functions = type("Never", (), {"get_function_configuration": lambda self, **_: {"State": "Pending"}})()  # type: ignore[attr-defined]
    asked = [Asked("webFunction", "AWS::Lambda::Function", "web")]
    failure = HealthWait(cast(Clients, clients), pace, lambda event: None, "web").until_ready(asked)
    assert failure is not None and failure.reason.startswith("it is not ready after")


def test_a_new_stack_that_does_not_become_healthy_is_deleted_and_the_cause_named() -> None:
    world = World()
    outcome = world.up("broken")
    assert (outcome.result, outcome.cause.logical_id, outcome.cause.reason) == (
        "failed",
        "webFunction",
        "no such subnet",
    )
    assert outcome.cause.construct == "Compute.Function/web"
    assert outcome.cause.aftermath == "what the new stack had made was removed again"
    assert (world.handler(), world.notes) == (None, [])


def test_an_update_that_does_not_become_healthy_is_undone_by_another_in_standard_mode() -> None:
    world = World()
    world.up("fine")
    before = (json.loads(world.cloud.stacks["shop-web"].template), world.cloud.stacks["shop-web"].parameters)
    outcome = world.up("broken")
    assert (outcome.result, outcome.cause.reason) == ("failed", "no such subnet")
    assert outcome.cause.aftermath == "the stack was rolled back to what it was before"
    assert world.cloud.modes == [("update", EXPRESS), ("update", None)]
    stack = world.cloud.stacks["shop-web"]
    assert (json.loads(stack.template), stack.parameters) == before
    assert world.notes == []
    assert world.up("broken").result == "failed", "it is not called unchanged"
    assert world.up("fine").result == "unchanged"


def test_an_undoing_that_fails_says_so_and_the_next_run_goes_on() -> None:
    world = World()
    world.up("fine")
    update = world.cloud.update_stack

    def no_undoing(**request: Any) -> dict[str, Any]:
        world.cloud.failing = set() if "DeploymentConfig" in request else {"webFunction"}
        return update(**request)

    world.cloud.update_stack = no_undoing  # type: ignore[method-assign]
    outcome = world.up("broken")
    assert outcome.cause.aftermath == "undoing it failed too; run `klotho up` again to finish that"
    assert len(world.notes) == 1
    world.cloud.update_stack, world.cloud.failing = update, set()  # type: ignore[method-assign]
    world.cloud.stacks["shop-web"].status = "UPDATE_COMPLETE"
    assert world.up("broken").result == "failed"
    assert (world.handler(), world.notes) == ("fine", [])


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize(
    ("before", "wanted"), [("fine", "better"), ("fine", "broken"), (None, "fine"), (None, "broken")]
)
def test_killed_at_any_call_the_next_run_ends_right(before: str | None, wanted: str, done: bool) -> None:
    """Every write to CloudFormation and to the bucket, each before and after it went through."""
    call = 0
    while True:
        call += 1
        world = World()
        if before is not None:
            world.up(before)
        world.cloud.calls.clear()
        world.cloud.killed_at = (call, done)
        try:
            world.up(wanted)
        except Killed:
            for thread in threading.enumerate():
                if thread.name.startswith("stack"):
                    thread.join()
        else:
            assert call > 3, "there was something to be killed at"
            return
        world.cloud.killed_at = None
        outcome = world.up(wanted)
        if wanted == "broken":
            assert (outcome.result, world.handler()) == ("failed", before), f"killed at {call}"
        else:
            assert (outcome.result in ("created", "updated", "unchanged"), world.handler()) == (True, wanted)
        assert world.notes == [], f"killed at {call}"
        assert world.up("fine").result in ("created", "updated", "unchanged")
        assert (world.handler(), world.notes) == ("fine", [])


def killed_unproven(world: World, handler: str) -> None:
    """An update that was not seen to become ready, because the run ended."""
    world.cloud.calls.clear()
    world.cloud.killed_at = (2, True)
    with pytest.raises(Killed):
        world.up(handler)
    world.cloud.killed_at = None
    assert len(world.notes) == 1


def test_the_next_run_waits_again_instead_of_calling_it_unchanged() -> None:
    world = World()
    world.up("fine")
    killed_unproven(world, "better")
    asked = cast(Any, world.clients).functions.asked
    assert world.up("better").result == "unchanged"
    assert cast(Any, world.clients).functions.asked == asked + 1
    assert [event.action for event in world.seen if isinstance(event, events.StackStarted)] == ["prove"]
    assert world.notes == []


def test_from_what_is_unproven_the_next_change_goes_in_standard_mode() -> None:
    world = World()
    world.up("fine")
    killed_unproven(world, "broken")
    assert world.up("better").result == "updated"
    assert world.cloud.modes == [("update", None)], "CloudFormation waits, and would go back by itself"
    assert world.notes == []


def test_without_express_mode_what_an_earlier_run_left_is_finished_all_the_same() -> None:
    world = World()
    world.up("fine")
    killed_unproven(world, "broken")
    assert world.up("broken", express=False).result == "failed"
    assert (world.handler(), world.notes) == ("fine", [])
    assert world.up("other", express=False).result == "updated"
    assert world.cloud.modes == [("update", None)]


@pytest.mark.parametrize(
    ("links", "template", "stateful"),
    [
        ({"web": (), "api": ("web",)}, function_template("x"), False),
        ({"web": ()}, function_template("x"), True),
        ({"web": ()}, function_template("x", Role={"Type": "Custom::SqlRole"}), False),
        ({"web": ()}, function_template("x", Table={"Type": "AWS::DynamoDB::Table"}), False),
        ({"web": ()}, function_template("x", Mapping={"Type": "AWS::Lambda::EventSourceMapping"}), False),
        ({"web": ()}, {"Resources": {"Role": {"Type": "AWS::IAM::Role"}}}, False),
    ],
)
def test_other_stacks_are_waited_for_by_cloudformation(links: Links, template: Any, stateful: bool) -> None:
    manifest, _ = manifest_of(links, stateful=frozenset({"web"} if stateful else ()))
    assert not may_be_express(manifest.stack("web"), template, manifest)


def test_a_change_that_takes_a_service_away_is_waited_for() -> None:
    gone = ResourceChange("webFunction", "AWS::Lambda::Function", "remove")
    assert not keeps_services([gone])
    assert keeps_services([ResourceChange("Group", "AWS::Logs::LogGroup", "remove")])


@pytest.mark.parametrize(
    ("said", "state", "detail"),
    [
        ({"State": "Active", "LastUpdateStatus": "Successful"}, "ready", ""),
        ({"State": "Inactive"}, "ready", ""),
        ({"State": "Pending"}, "waiting", "State Pending, LastUpdateStatus Successful"),
        ({"State": "Active", "LastUpdateStatus": "InProgress"}, "waiting", "State Active, LastUpdateStatus InProgress"),
        (
            {"State": "Failed", "StateReason": "subnet is full", "StateReasonCode": "SubnetOutOfIPAddresses"},
            "failed",
            "subnet is full (SubnetOutOfIPAddresses)",
        ),
        ({"State": "Active", "LastUpdateStatus": "Failed"}, "failed", "its update failed"),
    ],
)
def test_what_ready_means_of_a_function(said: dict[str, Any], state: str, detail: str) -> None:
    clients = FakeClients()
    clients.functions = type("Said", (), {"get_function_configuration": lambda self, **_: said})()  # type: ignore[attr-defined]
    found = function_health(cast(Clients, clients), Asked("F", "AWS::Lambda::Function", "web"))
    assert (found.state, found.detail) == (state, detail)


def deployment(task: str, rollout: str, running: int = 1, status: str = "PRIMARY", reason: str = "") -> dict[str, Any]:
    return {"status": status, "taskDefinition": task, "rolloutState": rollout, "rolloutStateReason": reason,
            "runningCount": running, "desiredCount": 1}  # fmt: skip


@pytest.mark.parametrize(
    ("deployments", "state"),
    [
        ([deployment("web:2", "COMPLETED")], "ready"),
        ([deployment("web:2", "COMPLETED", running=0)], "waiting"),
        ([deployment("web:2", "IN_PROGRESS"), deployment("web:1", "COMPLETED", status="ACTIVE")], "waiting"),
        ([deployment("web:2", "FAILED", running=0, reason="tasks failed to start")], "failed"),
        (
            [deployment("web:1", "IN_PROGRESS"), deployment("web:2", "FAILED", status="ACTIVE", reason="circuit")],
            "failed",
        ),
        ([deployment("web:1", "COMPLETED")], "elsewhere"),
        (None, "elsewhere"),
    ],
)
def test_what_ready_means_of_a_service(deployments: list[dict[str, Any]] | None, state: str) -> None:
    clients = containers(deployments)
    found = service_health(clients, Asked("S", "AWS::ECS::Service", SERVICE_ARN, "web:2"))
    assert found.state == state


def containers(deployments: list[dict[str, Any]] | None) -> Clients:
    class Said:
        def describe_services(self, cluster: str, services: list[str]) -> dict[str, Any]:
            assert (cluster, services) == ("cluster", [SERVICE_ARN])
            return {"services": [] if deployments is None else [{"deployments": deployments, "events": []}]}

    clients = FakeClients()
    clients.containers = Said()  # type: ignore[attr-defined]
    return cast(Clients, clients)


def test_ecs_rolling_back_by_itself_is_a_failure_once_it_is_certain() -> None:
    """The first looks after an update may still show the task definition before."""
    looks = 0
    seen: list[float] = []

    def sleep(seconds: float) -> None:
        nonlocal looks
        looks += 1

    pace = Pace(clock=lambda: 0.0, sleep=sleep, fastest=0.0, slowest=0.0)
    clients = containers([deployment("web:1", "COMPLETED")])
    asked = [Asked("S", "AWS::ECS::Service", SERVICE_ARN, "web:2")]
    failure = HealthWait(clients, pace, lambda event: seen.append(0.0), "web").until_ready(asked)
    assert failure is not None and "went back to the task definition before" in failure.reason
    assert looks == STEADY_LOOKS - 1


def test_the_services_of_a_stack_and_what_they_should_run() -> None:
    template = {
        "Resources": {
            "Task": {"Type": "AWS::ECS::TaskDefinition"},
            "S": {"Type": "AWS::ECS::Service", "Properties": {"TaskDefinition": {"Ref": "Task"}}},
            "F": {"Type": "AWS::Lambda::Function"},
        }
    }
    ids = {"Task": "web:2", "S": SERVICE_ARN, "F": "f-1"}
    listed = [{"LogicalResourceId": name, "PhysicalResourceId": value} for name, value in ids.items()]
    assert asked_of(template, listed) == [
        Asked("F", "AWS::Lambda::Function", "f-1"),
        Asked("S", "AWS::ECS::Service", SERVICE_ARN, "web:2"),
    ]


def test_a_lost_lease_stops_the_undoing_too() -> None:
    world = World()
    world.up("fine")

    def robbed(**request: Any) -> Any:
        raise Failure("lease-lost", "taken away")

    update = world.cloud.update_stack
    world.cloud.update_stack = lambda **request: update(**request) if "DeploymentConfig" in request else robbed()  # type: ignore[method-assign]
    assert world.up("broken").diagnostic.code == "lease-lost"
    assert len(world.notes) == 1, "who robbed it finds what to finish"
