"""What another stack uses is removed and replaced: expand, move the consumers, contract. Nothing is refused, nothing is
left behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from klotho.deploy import events
from klotho.localcloud.handler import HandlerError, Request

from .builders import ServedCloud, vpc
from .deployer import Deployer, manifest, results, stack_template
from .test_stacks import status_of

pytestmark = pytest.mark.localcloud
GROUP = "AWS::EC2::SecurityGroup"


def group(about: str) -> dict[str, Any]:
    """Its description is create-only: another one is another group."""
    return {"Type": GROUP, "Properties": {"GroupDescription": about, "VpcId": {"Ref": "Vpc"}}}


def ingress(source: str, target: Any = None) -> dict[str, Any]:
    return {
        "Type": "AWS::EC2::SecurityGroupIngress",
        "Properties": {
            "GroupId": target or {"Ref": "Own"},
            "IpProtocol": "tcp",
            "FromPort": 80,
            "ToPort": 80,
            "SourceSecurityGroupId": {"Ref": source},
        },
    }


def base(**groups: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    outputs = {name: {"Ref": name} for name in ("Vpc", *groups)}
    return stack_template({"Vpc": vpc(), **groups}, outputs), {}


def consumer(*groups: str) -> tuple[dict[str, Any], dict[str, str]]:
    own = {"Type": GROUP, "Properties": {"GroupDescription": "own", "VpcId": {"Ref": "Vpc"}}}
    rules = {f"From{name}": ingress(name) for name in groups}
    return stack_template({"Own": own, **rules}, {}, ("Vpc", *groups)), dict.fromkeys(("Vpc", *groups), "base")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with ServedCloud(tmp_path_factory.mktemp("expansion")) as made:
        yield made


@pytest.fixture
def served(cloud: ServedCloud) -> Iterator[ServedCloud]:
    yield cloud
    assert Deployer(cloud.port).up(*manifest({})).ok
    assert list(cloud.cloud.world.all()) == []


def groups(served: ServedCloud) -> list[str]:
    return sorted(str(item.properties["GroupDescription"]) for item in served.cloud.world.list(GROUP))


def actions(deployer: Deployer) -> list[tuple[str, str]]:
    return [(event.stack, event.action) for event in deployer.seen if isinstance(event, events.StackDone)]


def test_removing_what_a_consumer_used_waits_until_it_has_moved(served: ServedCloud) -> None:
    deployer = Deployer(served.port)
    both = base(Left=group("left"), Right=group("right"))
    assert deployer.up(*manifest({"base": both, "web": consumer("Left", "Right")})).ok
    deployer.seen.clear()
    done = deployer.up(*manifest({"base": base(Left=group("left")), "web": consumer("Left")}))
    assert (results(done), done.left) == ({"base": "updated", "web": "updated"}, ())
    assert actions(deployer) == [("base", "update"), ("web", "update"), ("base", "contract")]
    assert groups(served) == ["left", "own"]
    again = deployer.up(*manifest({"base": base(Left=group("left")), "web": consumer("Left")}))
    assert set(results(again).values()) == {"unchanged"}


def test_without_a_consumer_a_removal_is_one_update(served: ServedCloud) -> None:
    deployer = Deployer(served.port)
    both = base(Left=group("left"), Right=group("right"))
    assert deployer.up(*manifest({"base": both, "web": consumer("Left")})).ok
    deployer.seen.clear()
    assert deployer.up(*manifest({"base": base(Left=group("left")), "web": consumer("Left")})).ok
    assert actions(deployer) == [("base", "update")]
    assert groups(served) == ["left", "own"]


def test_replacing_what_a_consumer_uses_keeps_the_old_one_until_it_has_moved(served: ServedCloud) -> None:
    deployer = Deployer(served.port)
    for about in ("first", "second", "third"):
        deployer.seen.clear()
        wanted = manifest({"base": base(Left=group(about)), "web": consumer("Left")})
        done = deployer.up(*wanted)
        assert (done.ok, done.left) == (True, ())
        assert groups(served) == sorted([about, "own"])
        assert set(results(deployer.up(*wanted)).values()) == {"unchanged"}
    assert actions(deployer) == [("base", "update"), ("web", "update"), ("base", "contract")]
    names = [item.logical_id for item in served.cloud.world.list(GROUP)]
    assert sorted(names) == ["Left", "Own"]  # the second one was LeftNext, the third has the first id again


def test_what_hangs_on_a_replaced_resource_stays_with_the_old_one(served: ServedCloud) -> None:
    """The rule that lets traffic into the old group lasts as long as the group is used."""
    deployer = Deployer(served.port)

    def wanted(about: str) -> Any:
        rule = ingress("Right", {"Ref": "Left"})
        upstream = base(Left=group(about), Right=group("right"))
        upstream[0]["Resources"]["Rule"] = rule
        return manifest({"base": upstream, "web": consumer("Left")})

    assert deployer.up(*wanted("first")).ok
    at_web: list[int] = []
    handler = served.handlers["AWS::EC2::SecurityGroupIngress"]
    create = handler.create

    async def watched(request: Request) -> Any:
        if request.stack_name == "shop-web":
            at_web.append(len(served.cloud.world.list("AWS::EC2::SecurityGroupIngress")))
        return await create(request)

    handler.create = watched  # type: ignore[method-assign]
    try:
        done = deployer.up(*wanted("second"))
    finally:
        handler.create = create  # type: ignore[method-assign]
    assert (done.ok, done.left) == (True, ())
    assert at_web == [3]  # both rules of the base, old and new, and the consumer's old one
    assert len(served.cloud.world.list("AWS::EC2::SecurityGroupIngress")) == 2
    assert groups(served) == ["own", "right", "second"]


def test_a_stack_goes_that_what_was_kept_for_consumers_still_used(served: ServedCloud) -> None:
    """The old group is kept until its consumer has moved, with the rule that names a group of a stack that goes."""
    deployer = Deployer(served.port)
    net = stack_template({"Vpc": vpc()}, {"Vpc": {"Ref": "Vpc"}}), dict[str, str]()
    shared = stack_template({"Workers": group("workers")}, {"Workers": {"Ref": "Workers"}}, ("Vpc",)), {"Vpc": "net"}

    def base_of(about: str, *sources: str) -> tuple[dict[str, Any], dict[str, str]]:
        rules = {f"From{source}": ingress(source, {"Ref": "Left"}) for source in sources}
        resources = {"Left": group(about), **rules}
        return stack_template(resources, {"Left": {"Ref": "Left"}}, ("Vpc", *sources)), {
            "Vpc": "net",
            **dict.fromkeys(sources, "shared"),
        }

    own = {"Type": GROUP, "Properties": {"GroupDescription": "own", "VpcId": {"Ref": "Vpc"}}}
    web = stack_template({"Own": own, "FromLeft": ingress("Left")}, {}, ("Vpc", "Left")), {"Vpc": "net", "Left": "base"}
    before = manifest({"net": net, "shared": shared, "base": base_of("first", "Workers"), "web": web})
    assert deployer.up(*before).ok
    deployer.seen.clear()
    done = deployer.up(*manifest({"net": net, "base": base_of("second"), "web": web}))
    assert (done.ok, done.left) == (True, ())
    assert actions(deployer)[-2:] == [("base", "contract"), ("shared", "delete")]
    assert groups(served) == ["own", "second"]


def test_a_consumer_that_fails_to_move_keeps_the_old_one_and_the_next_run_finishes(served: ServedCloud) -> None:
    deployer = Deployer(served.port)
    assert deployer.up(*manifest({"base": base(Left=group("first")), "web": consumer("Left")})).ok
    wanted = manifest({"base": base(Left=group("second")), "web": consumer("Left")})
    handler = served.handlers["AWS::EC2::SecurityGroupIngress"]
    create = handler.create

    async def refused(request: Request) -> Any:
        raise HandlerError("not today", "Throttling")

    handler.create = refused  # type: ignore[method-assign]
    try:
        assert results(deployer.up(*wanted)) == {"base": "updated", "web": "failed"}
    finally:
        handler.create = create  # type: ignore[method-assign]
    assert groups(served) == ["first", "own", "second"]
    deployer.seen.clear()
    done = deployer.up(*wanted)
    assert (done.ok, done.left) == (True, ())
    assert actions(deployer) == [("web", "update"), ("base", "contract")]
    assert groups(served) == ["own", "second"]


def test_a_consumer_that_goes_is_deleted_before_what_it_used(served: ServedCloud) -> None:
    deployer = Deployer(served.port)
    both = base(Left=group("left"), Right=group("right"))
    assert deployer.up(*manifest({"base": both, "web": consumer("Left"), "old": consumer("Right")})).ok
    done = deployer.up(*manifest({"base": base(Left=group("left")), "web": consumer("Left")}))
    assert (results(done), done.left) == ({"base": "updated", "web": "unchanged", "old": "deleted"}, ())
    assert groups(served) == ["left", "own"]


def test_what_aws_refuses_to_delete_after_an_update_is_named(served: ServedCloud) -> None:
    """Somebody else uses it, whom no stack of the application knows of."""
    deployer = Deployer(served.port)
    both = base(Left=group("left"), Right=group("right"))
    assert deployer.up(*manifest({"base": both})).ok
    (right,) = [item for item in served.cloud.world.list(GROUP) if item.logical_id == "Right"]
    body = {"Rule": ingress("x", right.identifier)}
    body["Rule"]["Properties"]["SourceSecurityGroupId"] = right.identifier
    served.client.create_stack(StackName="strange", TemplateBody=_text(body))
    served.settle()
    done = deployer.up(*manifest({"base": base(Left=group("left"))}))
    assert done.ok
    ((stack, left),) = done.left
    assert (stack, left.logical_id, left.physical_id) == ("base", "Right", right.identifier)
    assert "has dependencies and cannot be deleted" in left.why
    served.client.delete_stack(StackName="strange")
    served.settle()
    assert status_of(served, "shop-base") == "UPDATE_COMPLETE"
    served.run(_forget(served, right))


async def _forget(served: ServedCloud, record: Any) -> None:
    served.cloud.world.remove(record.type_name, record.identifier)


def _text(resources: dict[str, Any]) -> str:
    from .builders import template

    return template(resources)
