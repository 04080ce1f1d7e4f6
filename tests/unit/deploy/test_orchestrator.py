"""The orchestrator against CloudFormation in memory: order, skipping, resuming, and touching nothing needlessly."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klotho.deploy import events
from klotho.deploy.place import Clients
from klotho.deploy.stacks import StackCalls, plain_reason, upstreams
from klotho.diagnostics import Span
from klotho.resources import PackageAsset
from klotho.stacks import DIGEST

from .fake_cloudformation import Killed, no_waiting
from .manifests import encoded, manifest_of, template_of
from .orchestrated import CHAIN, World


def test_stacks_are_created_after_those_they_take_values_from() -> None:
    world = World()
    deployment = world.deploy(*manifest_of(CHAIN))
    order = [name for operation, name in world.cloud.calls if operation == "create_stack"]
    assert deployment.ok
    assert order[0] == "shop-network"
    assert order[-1] == "shop-web"
    parameters = world.cloud.stacks["shop-web"].parameters
    assert parameters.pop(DIGEST) == world.cloud.stacks["shop-web"].outputs[DIGEST]
    assert parameters == {
        "usersOut": "shop-users-usersOut-value",
        "ordersOut": "shop-orders-ordersOut-value",
    }


def test_deploying_the_same_again_reads_once_and_changes_nothing() -> None:
    world = World()
    world.deploy(*manifest_of(CHAIN))
    again = world.deploy(*manifest_of(CHAIN))
    assert world.cloud.calls == [("describe_stacks", "")]
    assert set(world.results(again).values()) == {"unchanged"}
    assert again.outputs_of("network") == {"networkOut": "shop-network-networkOut-value"}


def test_a_changed_template_updates_only_its_stack() -> None:
    world = World()
    world.deploy(*manifest_of(CHAIN))
    changed = {"users": template_of("users", ("network",), TableClass="STANDARD")}
    deployment = world.deploy(*manifest_of(CHAIN, templates=changed))
    assert world.cloud.mutating == [("update_stack", "shop-users")]
    assert world.results(deployment)["users"] == "updated"


def test_independent_stacks_are_created_at_the_same_time() -> None:
    world = World()
    both = threading.Barrier(2, timeout=10)
    world.cloud.before_create = lambda name: both.wait() if name != "shop-base" else None
    deployment = world.deploy(*manifest_of({"base": (), "left": ("base",), "right": ("base",)}))
    assert deployment.ok


def test_a_failed_stack_skips_its_dependents_and_lets_the_others_finish() -> None:
    world = World()
    world.cloud.failing = {"usersTable"}
    deployment = world.deploy(*manifest_of(CHAIN))
    assert world.results(deployment) == {
        "network": "created",
        "users": "failed",
        "orders": "created",
        "web": "skipped",
    }
    assert events.StackSkipped("web", "users") in world.seen


def test_the_cause_is_the_first_real_failure_at_the_users_line() -> None:
    world = World()
    world.cloud.failing = {"usersTable"}
    template = template_of("users", ("network",))
    template["Resources"]["Other"] = {"Type": "AWS::SQS::Queue"}
    deployment = world.deploy(*manifest_of(CHAIN, templates={"users": template}))
    (failed,) = deployment.failed
    assert failed.cause is not None
    assert failed.cause.logical_id == "usersTable"
    assert failed.cause.reason.startswith("usersTable broke")
    assert failed.cause.construct == "Databases.KeyValue/users"
    assert failed.cause.span == Span("infra.py", 7)


@pytest.mark.parametrize(
    ("reason", "plain", "code"),
    [
        (
            "it ended\nNo module named 'x' (HandlerErrorCode: NotStabilized)",
            "it ended\nNo module named 'x'",
            "NotStabilized",
        ),
        (
            'Resource handler returned message: "no (such) thing" (RequestToken: 1-2, HandlerErrorCode: NotFound)',
            "no (such) thing",
            "NotFound",
        ),
        ("it ended\nits log\n (HandlerErrorCode: NotStabilized)", "it ended\nits log", "NotStabilized"),
        ("plain (really)", "plain (really)", ""),
        ("it says (HandlerErrorCode: Odd) and goes on", "it says (HandlerErrorCode: Odd) and goes on", ""),
    ],
)
def test_the_cause_ends_with_the_words_of_what_failed(reason: str, plain: str, code: str) -> None:
    assert plain_reason(reason) == (plain, code)


def test_a_cause_says_what_is_left_of_the_stack() -> None:
    world = World()
    world.cloud.failing = {"usersTable"}
    changed = {"users": template_of("users", TableClass="STANDARD")}

    def aftermath(templates: Any = None) -> str:
        (failed,) = world.deploy(*manifest_of({"users": ()}, templates=templates)).failed
        assert failed.cause is not None
        return failed.cause.aftermath

    assert aftermath() == "what the new stack had made was removed again"
    assert aftermath() == "what the new stack had made was removed again"
    world.cloud.failing = set()
    world.deploy(*manifest_of({"users": ()}))
    world.cloud.failing = {"usersTable"}
    assert aftermath(changed) == "the stack was rolled back to what it was before"


def test_running_again_after_a_failure_goes_on_where_it_stopped() -> None:
    world = World()
    world.cloud.failing = {"usersTable"}
    world.deploy(*manifest_of(CHAIN))
    world.cloud.failing = set()
    deployment = world.deploy(*manifest_of(CHAIN))
    assert deployment.ok
    assert world.cloud.mutating == [
        ("delete_stack", "shop-users"),
        ("create_stack", "shop-users"),
        ("create_stack", "shop-web"),
    ]


def test_a_failed_update_is_tried_again_although_its_digest_is_the_old_one() -> None:
    world = World()
    world.deploy(*manifest_of({"users": ()}))
    changed = {"users": template_of("users", TableClass="STANDARD")}
    world.cloud.failing = {"usersTable"}
    assert not world.deploy(*manifest_of({"users": ()}, templates=changed)).ok
    world.cloud.failing = set()
    assert world.results(world.deploy(*manifest_of({"users": ()}, templates=changed))) == {"users": "updated"}


def test_a_rollback_that_got_stuck_is_finished_first() -> None:
    world = World()
    world.deploy(*manifest_of({"users": ()}))
    world.cloud.stacks["shop-users"].status = "UPDATE_ROLLBACK_FAILED"
    changed = {"users": template_of("users", TableClass="STANDARD")}
    assert world.deploy(*manifest_of({"users": ()}, templates=changed)).ok
    assert [call for call, _ in world.cloud.mutating] == ["continue_update_rollback", "update_stack"]


def test_an_operation_left_by_a_killed_run_is_waited_for() -> None:
    world = World()
    world.deploy(*manifest_of({"users": ()}))
    stack = world.cloud.stacks["shop-users"]
    stack.status = "UPDATE_IN_PROGRESS"
    read = world.cloud.describe_stacks

    def settle(StackName: str | None = None) -> Any:
        answer = read(StackName)
        stack.status = "UPDATE_COMPLETE"
        return answer

    world.cloud.describe_stacks = settle
    deployment = world.deploy(*manifest_of({"users": ()}))
    assert world.results(deployment) == {"users": "unchanged"}
    assert any(isinstance(event, events.Step) and "earlier run" in event.text for event in world.seen)


def test_stacks_no_longer_in_the_program_are_deleted_last_and_consumers_first() -> None:
    world = World()
    world.deploy(*manifest_of(CHAIN))
    deployment = world.deploy(*manifest_of({"fresh": ()}))
    names = [name for _, name in world.cloud.mutating]
    assert deployment.ok
    assert names[0] == "shop-fresh"
    assert names[1] == "shop-web"
    assert names[-1] == "shop-network"
    assert set(world.cloud.stacks) == {"shop-fresh"}


def test_nothing_is_removed_while_something_fails() -> None:
    world = World()
    world.deploy(*manifest_of({"old": ()}))
    world.cloud.failing = {"freshTable"}
    world.deploy(*manifest_of({"fresh": ()}))
    assert "shop-old" in world.cloud.stacks


def test_a_new_digest_changes_no_tag() -> None:
    world = World()
    world.deploy(*manifest_of({"users": ()}))
    before = dict(world.cloud.stacks["shop-users"].tags)
    changed = {"users": template_of("users", TableClass="STANDARD")}
    assert world.deploy(*manifest_of({"users": ()}, templates=changed)).ok
    assert world.cloud.stacks["shop-users"].tags == before


def test_an_asset_that_does_not_build_fails_its_stack_and_nothing_else() -> None:
    world = World()
    image = PackageAsset("Compute.Container/web", "image", {"context": ".", "dockerfile": "Dockerfile"})
    deployment = world.deploy(*manifest_of(CHAIN, assets={"web": image}))
    assert world.results(deployment) == {
        "network": "created",
        "users": "created",
        "orders": "created",
        "web": "failed",
    }
    (failed,) = deployment.failed
    assert failed.diagnostic is not None
    assert failed.diagnostic.code == "image-not-built"


def test_a_zip_is_uploaded_once_and_only_for_a_stack_that_is_deployed(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text("def handler(event, context): ...\n")
    world = World(tmp_path)
    code = PackageAsset(
        "Compute.Function/web", "zip", {"root": ".", "handler": "hello.handler", "runtime": "python3.12"}
    )
    manifest = manifest_of({"web": ()}, assets={"web": code})
    world.deploy(*manifest)
    world.deploy(*manifest)
    (key,) = world.clients.s3.puts
    assert key.startswith("functions/") and key.endswith(".zip")
    assert world.cloud.stacks["shop-web"].parameters["CodeKey"] == key


def test_a_template_too_large_to_send_lies_in_the_bucket() -> None:
    world = World()
    template = template_of("big")
    template["Description"] = "x" * 60_000
    sent: list[str] = []
    world.cloud.create_stack = lambda **request: sent.append(request["TemplateURL"]) or pytest.fail("stop")
    manifest, files = manifest_of({"big": ()}, templates={"big": template})
    with pytest.raises(pytest.fail.Exception):
        world.deploy(manifest, files)
    key = f"templates/{manifest.stacks[0].digest}.json"
    assert sent == [f"http://127.0.0.1:1/klotho-assets-000000000000-us-east-1/{key}"]
    assert world.clients.s3.objects[key] == encoded(template)


def test_a_refused_call_fails_only_its_stack() -> None:
    world = World()
    world.deploy(*manifest_of({"left": ()}))
    world.cloud.stacks["shop-left"].status = "CREATE_COMPLETE"
    create = world.cloud.create_stack

    def refuse(**request: Any) -> Any:
        if request["StackName"] == "shop-left":
            pytest.fail("unchanged stacks are not created")
        world.cloud.stacks["shop-right"] = world.cloud.stacks["shop-left"]
        return create(**request)

    world.cloud.create_stack = refuse
    deployment = world.deploy(*manifest_of({"left": (), "right": ()}))
    (failed,) = deployment.failed
    assert failed.stack == "right"
    assert failed.diagnostic is not None
    assert failed.diagnostic.notes == ("AlreadyExistsException: Stack [shop-right] already exists",)


def test_chance_circles_of_values_do_not_stop_deletion() -> None:
    world = World()
    world.deploy(*manifest_of({"one": (), "two": ("one",)}))
    world.cloud.stacks["shop-one"].parameters = {"x": "shop-two-twoOut-value"}
    live = StackCalls(cast(Clients, world.clients), no_waiting()).deployed(project="acme", environment="local")
    assert upstreams(live.values()) == {"shop-one": {"shop-two"}, "shop-two": {"shop-one"}}
    world.deploy(*manifest_of({}))
    assert world.cloud.stacks == {}


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("call", range(1, 6))
def test_killed_at_any_call_the_next_run_ends_the_same(call: int, done: bool) -> None:
    def state(world: World) -> dict[str, tuple[str, dict[str, str]]]:
        stacks = world.cloud.stacks
        assert {item.status for item in stacks.values()} <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
        return {name: (item.template, item.parameters) for name, item in stacks.items()}

    first = manifest_of({**CHAIN, "old": ()})
    second = manifest_of({**CHAIN, "new": ()}, templates={"users": template_of("users", ("network",), TableClass="S")})
    whole = World()
    whole.deploy(*first)
    whole.deploy(*second)
    world, killed = World(), 0
    for manifest in (first, second):
        world.cloud.killed_at = (call, done)
        try:
            world.deploy(*manifest)
        except Killed:
            killed += 1
            for thread in threading.enumerate():
                if thread.name.startswith("stack"):
                    thread.join()
        world.cloud.killed_at = None
    world.deploy(*second)
    assert killed > 0
    assert state(world) == state(whole)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, tuple[str, ...]], set[str]]:
    names = [f"s{number}" for number in range(draw(st.integers(1, 9)))]
    links = {
        name: tuple(sorted(draw(st.sets(st.sampled_from(names[:index])) if index else st.just(set()))))
        for index, name in enumerate(names)
    }
    return links, draw(st.sets(st.sampled_from(names)))


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_whatever_fails_the_rest_is_deployed_and_the_next_run_completes_it(
    graph: tuple[dict[str, tuple[str, ...]], set[str]],
) -> None:
    links, failing = graph
    world = World()
    world.cloud.failing = {f"{name}Table" for name in failing}
    results = world.results(world.deploy(*manifest_of(links)))
    broken: set[str] = set()
    for name, upstream in links.items():
        expected = "skipped" if broken & set(upstream) else "failed" if name in failing else "created"
        broken |= {name} if expected != "created" else set()
        assert results[name] == expected
    world.cloud.failing = set()
    assert world.deploy(*manifest_of(links)).ok
    assert set(world.cloud.stacks) == {f"shop-{name}" for name in links}
    assert set(world.results(world.deploy(*manifest_of(links))).values()) == {"unchanged"}
    assert world.cloud.mutating == []
